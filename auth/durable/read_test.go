//go:build unix

package durable_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// A pipe under the name of one of our files must not keep a command waiting for
// ever, and a link must not lead a write to a file of the user's.
func TestOnlyRegularFilesAreOpened(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	plant := map[string]func(path string) error{
		"a named pipe":    func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a folder":        func(path string) error { return os.Mkdir(path, 0o700) },
		"a symbolic link": func(path string) error { return os.Symlink(precious, path) },
		"a socket": func(path string) error {
			l, err := net.Listen("unix", path)
			if err == nil {
				t.Cleanup(func() { _ = l.Close() })
			}
			return err
		},
	}
	use := map[string]func(path string) error{
		"read":   func(path string) error { _, err := durable.ReadFile(path, 100); return err },
		"append": func(path string) error { _, err := durable.Open(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE); return err },
		"write":  func(path string) error { return durable.WriteFile(path, []byte("ours"), durable.FileMode) },
		"lock":   func(path string) error { _, err := durable.TryAcquire(path); return err },
		"wait for the lock": func(path string) error {
			_, err := durable.Acquire(t.Context(), path)
			return err
		},
		"read what the user named": func(path string) error { _, err := durable.ReadLinked(path, 100); return err },
	}
	for kind, plant := range plant {
		for way, use := range use {
			path := filepath.Join(t.TempDir(), "f")
			if err := plant(path); err != nil {
				t.Fatal(err)
			}
			err := inTime(t, kind+", "+way, func() error { return use(path) })
			if kind == "a symbolic link" && way == "read what the user named" {
				if err != nil {
					t.Errorf("a link of the user's: %v", err)
				}
				continue
			}
			if !errors.Is(err, durable.ErrNotRegular) || !strings.Contains(err.Error(), path+" is "+kind) {
				t.Errorf("%s, %s: %v", kind, way, err)
			}
		}
	}
	if data, err := os.ReadFile(precious); err != nil || string(data) != "mine" {
		t.Errorf("the file at the end of the link: %q, %v", data, err)
	}
	if _, err := durable.ReadLinked(os.DevNull, 100); !errors.Is(err, durable.ErrNotRegular) {
		t.Errorf("a device: %v", err)
	}
}

// What lies in the place of one of our folders is named, and the folder at the
// end of a link keeps its permissions.
func TestOnlyFoldersAreFolders(t *testing.T) {
	elsewhere := t.TempDir()
	if err := os.Chmod(elsewhere, 0o755); err != nil { //nolint:gosec // G302: it is to be looser than ours
		t.Fatal(err)
	}
	for kind, plant := range map[string]func(path string) error{
		"a named pipe":    func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a file":          func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"a symbolic link": func(path string) error { return os.Symlink(elsewhere, path) },
	} {
		path := filepath.Join(t.TempDir(), "wal")
		if err := plant(path); err != nil {
			t.Fatal(err)
		}
		_, err := durable.EnsureDir(path)
		if !errors.Is(err, durable.ErrNotFolder) || !strings.Contains(err.Error(), path+" is "+kind) || hint.Of(err) == "" {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if info, err := os.Stat(elsewhere); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the folder at the end of the link: %v, %v", info.Mode(), err)
	}
}

// inTime fails the test instead of leaving it hanging.
func inTime(t *testing.T, what string, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: it waits", what)
		return nil
	}
}

// A file that somebody made huge must not fill the memory.
func TestReadIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := durable.ReadFile(path, 5); err != nil || string(data) != "12345" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := durable.ReadFile(path, 4); !errors.Is(err, durable.ErrTooLarge) {
		t.Error(err)
	}
	if err := os.Truncate(path, 1<<40); err != nil { // takes no room
		t.Fatal(err)
	}
	if _, err := durable.ReadFile(path, 1<<20); !errors.Is(err, durable.ErrTooLarge) {
		t.Error(err)
	}
}
