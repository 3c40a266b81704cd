//go:build unix

package importer

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// owned is a file as if another user owned it.
type owned struct {
	fs.FileInfo
	uid uint32
}

func (o owned) Sys() any {
	st := *o.FileInfo.Sys().(*syscall.Stat_t)
	st.Uid = o.uid
	return &st
}

// A file of another user would become ours, and its owner could not read it any
// more.
func TestFilesOfOtherUsersAreNotReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := replaceable(path, info); err != nil {
		t.Errorf("our own: %v", err)
	}
	if err := replaceable(path, owned{info, uint32(os.Geteuid()) + 1}); err == nil || !strings.Contains(err.Error(), "another user") {
		t.Errorf("of another user: %v", err)
	}
}
