//go:build unix

package audit_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
)

// fullDisk makes the test binary a process that fills its disk. It has the log
// in a folder whose files may not grow beyond what is there.
const fullDisk = "STAGEDOOR_TEST_AUDIT_FULL_DISK"

// helper does the work of a process that a test started, if this is one.
func helper() bool {
	dir := os.Getenv(fullDisk)
	if dir == "" {
		return false
	}
	if err := limited(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// fillUp appends until the log says that there is no room, then looks whether
// it is as it should be, and again after room was made.
func fillUp(dir string) error {
	ctx := context.Background()
	l, err := openShared(dir)
	if err != nil {
		return err
	}
	big := audit.Event{Name: audit.TokenRefreshed, Data: map[string]any{"x": strings.Repeat("x", 900)}}
	written := 0
	for ; err == nil && written < 10_000; written++ {
		_, err = l.Append(ctx, big)
	}
	written--
	if !errors.Is(err, audit.ErrDiskFull) || written < 2 {
		return fmt.Errorf("after %d events: %w", written, err)
	}
	if err := l.Writable(ctx); !errors.Is(err, audit.ErrDiskFull) {
		return fmt.Errorf("writable says %w", err)
	}
	// Another process finds a log without a scar.
	if l, err = openShared(dir); err != nil {
		return err
	}
	if r, err := verify.Full(ctx, l, nil); err != nil || !r.OK || r.TornBytes != 0 || r.Events != uint64(written) {
		return fmt.Errorf("on a full disk: %+v, problem %+v: %w", r, r.Problem, err)
	}
	if err := os.Remove(filepath.Join(dir, "ballast")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if os.Getenv(fullDisk+"_LIMIT") != "" {
		limit := syscall.Rlimit{Cur: 1 << 40, Max: 1 << 40}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			return err
		}
	}
	if err := l.Writable(ctx); err != nil {
		return err
	}
	e, err := l.Append(ctx, audit.Event{Name: "last"})
	if err != nil || e.Seq != uint64(written)+1 {
		return fmt.Errorf("with room again: %+v: %w", e, err)
	}
	if r, err := verify.Full(ctx, l, nil); err != nil || !r.OK || r.Events != e.Seq {
		return fmt.Errorf("at the end: %+v, problem %+v: %w", r, r.Problem, err)
	}
	return nil
}

// limited is fillUp under a limit for the size of a file, which needs no rights.
func limited(dir string) error {
	signal.Ignore(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 10_000, Max: old.Max}); err != nil {
		return err
	}
	return fillUp(dir)
}

// A file that may not grow is a full disk to the log. Each event after that
// fails clearly, and nothing that was acknowledged is lost.
func TestAFileThatMayNotGrowIsAFullDisk(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fullDisk+"="+filepath.Join(t.TempDir(), "audit"), fullDisk+"_LIMIT=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The same on a real full disk, where the tests may mount one.
func TestAFullDiskLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "stagedoor-test", dir).CombinedOutput(); err != nil {
		t.Skipf("cannot mount a small disk: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	folder := filepath.Join(dir, "audit")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "ballast"), make([]byte, 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := fillUp(folder); err != nil {
		t.Error(err)
	}
}
