package durable_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// An export must not destroy a file that somebody made, not even one that
// appears while it is being written; and it leaves nothing behind then.
func TestCreateStream(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "export")
	content := func(w io.Writer) error { _, err := io.WriteString(w, "ours"); return err }
	if err := durable.CreateStream(path, durable.FileMode, content); err != nil {
		t.Fatal(err)
	}
	late := filepath.Join(dir, "late")
	for name, write := range map[string]func(io.Writer) error{
		path: content,
		late: func(w io.Writer) error {
			if err := os.WriteFile(late, []byte("theirs"), 0o600); err != nil {
				return err
			}
			return content(w)
		},
	} {
		if err := durable.CreateStream(name, durable.FileMode, write); !errors.Is(err, durable.ErrExists) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if data, err := os.ReadFile(late); err != nil || string(data) != "theirs" {
		t.Errorf("%q, %v", data, err)
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 2 {
		t.Errorf("%v, %v", list, err)
	}
}

// An export that was killed must not leave a copy of the log behind for ever,
// and the next one must not take away what another is writing just now, nor a
// file of the user's.
func TestKilledWritesAreSwept(t *testing.T) {
	dir := t.TempDir()
	left, theirs := filepath.Join(dir, ".export.123.stagedoor.tmp"), filepath.Join(dir, ".export.123.tmp")
	for _, name := range []string{left, theirs} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hourAgo := time.Now().Add(-time.Hour)
	if err := os.Chtimes(left, hourAgo, hourAgo); err != nil {
		t.Fatal(err)
	}
	err := durable.CreateStream(filepath.Join(dir, "one"), durable.FileMode, func(io.Writer) error {
		return durable.CreateStream(filepath.Join(dir, "two"), durable.FileMode, func(io.Writer) error { return nil })
	})
	if err != nil {
		t.Error(err)
	}
	var have []string
	list, err := os.ReadDir(dir)
	for _, e := range list {
		have = append(have, e.Name())
	}
	if want := []string{filepath.Base(theirs), "one", "two"}; err != nil || !slices.Equal(have, want) {
		t.Errorf("%v, %v; want %v", have, err, want)
	}
}
