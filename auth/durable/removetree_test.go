package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A tree goes as a whole, and what a link in it leads to stays.
func TestRemoveTree(t *testing.T) {
	dir := t.TempDir()
	tree, other := filepath.Join(dir, "tree"), filepath.Join(dir, "other")
	if err := errors.Join(
		os.MkdirAll(filepath.Join(tree, "a", "b"), 0o700), os.Mkdir(other, 0o700),
		os.WriteFile(filepath.Join(tree, "a", "b", "file"), nil, 0o600), os.WriteFile(filepath.Join(other, "file"), nil, 0o600),
	); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(other, filepath.Join(tree, "a", "link")); err != nil {
		t.Logf("without a link: %v", err)
	}
	for range 2 { // the second time there is nothing
		if err := RemoveTree(tree); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Lstat(tree); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the tree is left: %v", err)
	}
	if _, err := os.Stat(filepath.Join(other, "file")); err != nil {
		t.Error(err)
	}
}
