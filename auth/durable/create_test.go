package durable_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

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
