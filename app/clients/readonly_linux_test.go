package clients

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// TestReadOnlyFolder must fail for root as well, so a root runs it on a thread
// that has nobody's rights on files.
func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "gemini")
	const before = `{"mcpServers": {}}`
	w.write(before)
	dir := filepath.Dir(w.path())
	ch := w.plan("our", &shortEntry)

	const nobody = 65534
	for _, d := range []string{filepath.Dir(w.home), w.home, filepath.Join(w.home, "state")} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(w.path(), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })

	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its changed rights
		if os.Getuid() == 0 {
			if err := unix.Setfsuid(nobody); err != nil {
				failed <- err
				return
			}
		}
		_, err := w.Apply(context.Background(), ch)
		failed <- err
	}()
	err := <-failed
	if !errors.Is(err, ErrReadOnly) || !errors.Is(err, fs.ErrPermission) || hint.Of(err) == "" {
		t.Errorf("Apply: %v, hint %q", err, hint.Of(err))
	}
	if got := w.read(); got != before {
		t.Errorf("file %q", got)
	}
	noLeftovers(t, dir, 1)
}
