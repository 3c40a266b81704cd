package durable

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A file that is mounted by itself keeps its place and gets the new content, whichever
// of the two is longer.
func TestFill(t *testing.T) {
	for _, old := range []string{"", "short", "longer than the new content is"} {
		dir := t.TempDir()
		from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
		for path, text := range map[string]string{from: "the new content", to: old} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		before, err := os.Stat(to)
		if err != nil {
			t.Fatal(err)
		}
		if err := fill(from, to); err != nil {
			t.Fatal(err)
		}
		after, err := os.Stat(to)
		if text, _ := os.ReadFile(to); err != nil || string(text) != "the new content" || !os.SameFile(before, after) {
			t.Errorf("after %q it has %q, %v", old, text, err)
		}
	}
}

// fullDisk has room for so many bytes of a file.
type fullDisk struct {
	*os.File
	room int64
}

func (f fullDisk) WriteAt(p []byte, at int64) (int, error) {
	if end := at + int64(len(p)); end > f.room {
		n, err := f.File.WriteAt(p[:max(0, f.room-at)], at)
		return n, errors.Join(err, syscall.ENOSPC)
	}
	return f.File.WriteAt(p, at)
}

// On a full disk the file stays what it was, to the byte.
func TestFillOfAFullDisk(t *testing.T) {
	const before, wanted = "the user's own words", "other words, and more of them than there were"
	for room := int64(len(before)); room < int64(len(wanted)); room++ {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		err = pour(strings.NewReader(wanted), int64(len(wanted)), fullDisk{f, room}, int64(len(before)))
		_ = f.Close()
		if text, _ := os.ReadFile(path); !errors.Is(err, syscall.ENOSPC) || string(text) != before {
			t.Errorf("room for %d: %v, it has %q", room, err, text)
		}
	}
}
