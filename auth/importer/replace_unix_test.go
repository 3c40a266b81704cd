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

// Nobody is told to get a new secret for a file that nobody else could read, and
// everybody for one that others could.
func TestWhoCouldReadAFile(t *testing.T) {
	for name, c := range map[string]struct {
		file, folder, above fs.FileMode
		want                bool
	}{
		"open":                        {0o644, 0o755, 0o755, true},
		"for the group":               {0o640, 0o750, 0o710, true},
		"its own mode":                {0o600, 0o755, 0o755, false},
		"its folder's":                {0o644, 0o700, 0o755, false},
		"that of a folder above":      {0o666, 0o755, 0o700, false},
		"a folder that lists nothing": {0o644, 0o711, 0o711, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, ".env"), []byte("SPOTIFY_CLIENT_ID=id1\nSPOTIFY_CLIENT_SECRET=canary-c\n"), c.file); err != nil {
				t.Fatal(err)
			}
			for path, mode := range map[string]fs.FileMode{filepath.Join(dir, ".env"): c.file, dir: c.folder, filepath.Dir(dir): c.above} {
				if err := os.Chmod(path, mode); err != nil {
					t.Fatal(err)
				}
			}
			link := filepath.Join(t.TempDir(), "elsewhere", ".env") // whose folder lets nobody in
			if err := os.Mkdir(filepath.Dir(link), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(dir, ".env"), link); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{filepath.Join(dir, ".env"), link} {
				said := gatherFile(path, Request{}).Warnings
				if got := strings.Contains(strings.Join(said, "\n"), "could read it"); got != c.want {
					t.Errorf("%s: told %q, want %v", path, said, c.want)
				}
			}
		})
	}
}
