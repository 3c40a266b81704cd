package clients

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

const (
	childHome = "STAGEDOOR_TEST_CLIENTS_HOME"
	childName = "STAGEDOOR_TEST_CLIENTS_NAME"
	forEver   = "for ever" // a childName: set and remove until killed
	perWriter = 5
)

// TestMain turns the test binary into a second Stagedoor when asked to.
func TestMain(m *testing.M) {
	if os.Getenv(childHome) == "" {
		os.Exit(m.Run())
	}
	w := worldAt(&testing.T{}, os.Getenv(childHome), "claude-desktop")
	work := addEntries
	if os.Getenv(childName) == forEver {
		work = toggle
	}
	if err := work(w, os.Getenv(childName)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// addEntries plans first and applies late, so that nearly every Apply finds a
// file that others have changed since.
func addEntries(w world, who string) error {
	client, err := Lookup("claude-desktop")
	if err != nil {
		return err
	}
	var changes []Change
	for i := range perWriter {
		ch, err := w.Plan(context.Background(), client, fmt.Sprintf("%s-%d", who, i), &shortEntry)
		if err != nil {
			return err
		}
		changes = append(changes, ch)
	}
	for _, ch := range changes {
		if _, err := w.Apply(context.Background(), ch); err != nil {
			return err
		}
	}
	return nil
}

func toggle(w world, _ string) error {
	for i := 0; ; i++ {
		e := &shortEntry
		if i%2 == 1 {
			e = nil
		}
		ch, err := w.Plan(context.Background(), w.client, "our", e)
		if err != nil {
			return err
		}
		if _, err := w.Apply(context.Background(), ch); err != nil {
			return err
		}
	}
}

// A process that is killed while it writes leaves the old file or the new one,
// and no lock.
func TestKilledWhileApplying(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "claude-desktop")
	without := "{\n  // keep\n  \"mcpServers\": {}, \"big\": \"" + strings.Repeat("x", 1<<16) + "\"\n}"
	w.write(without)
	with := string(w.plan("our", &shortEntry).After)
	for range 5 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childHome+"="+w.home, childName+"="+forEver)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for seen, last := 0, w.read(); seen < 3; {
			now := w.read()
			if now != with && now != without {
				t.Fatalf("the file is neither the old nor the new: %.200q", now)
			}
			if now != last {
				seen, last = seen+1, now
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		if now := w.read(); now != with && now != without {
			t.Fatalf("after the kill the file is neither the old nor the new: %.200q", now)
		}
	}
	w.apply(w.plan("our", nil))
	w.apply(w.plan("our", &shortEntry))
	if w.read() != with {
		t.Error("the next Stagedoor could not write")
	}
}

func TestConcurrentApplyLosesNoEntry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "claude-desktop")
	const theirs = "{\n  // keep\n  \"preferences\": {\"a\": 1}\n}"
	w.write(theirs)
	var group sync.WaitGroup
	errs := make(chan error, 16)
	for i := range 4 {
		group.Go(func() { errs <- addEntries(w, fmt.Sprintf("goroutine%d", i)) })
		group.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), childHome+"="+w.home, childName+"="+fmt.Sprintf("process%d", i))
			out, err := cmd.CombinedOutput()
			if err != nil {
				err = errors.New(string(out) + err.Error())
			}
			errs <- err
		})
	}
	// Readers never see half a file.
	stop := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := w.entries(); err != nil {
				t.Errorf("read meanwhile: %v", err)
				return
			}
		}
	})
	group.Wait()
	close(stop)
	readers.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	got, err := w.entries()
	if err != nil || len(got) != 8*perWriter {
		t.Errorf("%d entries, %v, want %d", len(got), err, 8*perWriter)
	}
	if n := len(w.backups()); n != min(8*perWriter, keptBackups+1) { // all of this week
		t.Errorf("%d backups of %d writes", n, 8*perWriter)
	}
	if !strings.HasPrefix(w.read(), strings.TrimSuffix(theirs, "\n}")) {
		t.Errorf("what was there has changed:\n%s", w.read())
	}
}
