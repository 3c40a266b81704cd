//go:build unix

package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// A hard link makes somebody else's file appear in our folder: its mode is not ours
// to change.
func TestFileOfSomebodyElseKeepsItsMode(t *testing.T) {
	dir := t.TempDir()
	theirs, ours := filepath.Join(dir, "theirs"), filepath.Join(dir, "ours")
	if err := os.WriteFile(theirs, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(theirs, ours); err != nil {
		t.Fatal(err)
	}
	if repaired, err := Tighten(ours, FileMode); repaired || !errors.Is(err, ErrLinked) {
		t.Errorf("repaired %v, %v", repaired, err)
	}
	if info, err := os.Stat(theirs); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.Remove(theirs); err != nil {
		t.Fatal(err)
	}
	if repaired, err := Tighten(ours, FileMode); !repaired || err != nil {
		t.Errorf("alone: repaired %v, %v", repaired, err)
	}
}

// A bare "permission denied" does not tell a user whose the file is, nor how to
// get it back. The error is made up: a test may run as root, whom nothing is denied.
func TestDeniedSaysWhoseFileItIs(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	own := filepath.Join(dir, "own")
	if err := os.WriteFile(own, nil, 0o000); err != nil {
		t.Fatal(err)
	}
	if err := explain(own, fs.ErrPermission); hint.Of(err) != "chmod u+rwX '"+own+"'" {
		t.Errorf("%v, %q", err, hint.Of(err))
	}
	foreign, advice := "/new/file", "" // nobody is told to take over the root folder
	if os.Geteuid() == 0 {
		folder := filepath.Join(dir, "folder")
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(folder, 12345, -1); err != nil {
			t.Fatal(err)
		}
		foreign, advice = filepath.Join(folder, "new", "file"), "sudo chown -R root '"+folder+"'"
	}
	if err := explain(foreign, fs.ErrPermission); !strings.Contains(err.Error(), "it belongs to ") || !strings.Contains(hint.Of(err), advice) || (advice == "") != (hint.Of(err) == "") {
		t.Errorf("%v, %q", err, hint.Of(err))
	}
	if err := explain(own, fs.ErrNotExist); hint.Of(err) != "" {
		t.Errorf("another error: %q", hint.Of(err))
	}
}
