package clients

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	childHome = "STAGEDOOR_TEST_CLIENTS_HOME"
	childName = "STAGEDOOR_TEST_CLIENTS_NAME"
	forEver   = "for ever " // before a childName: set and remove it until killed
	perWriter = 5
)

// TestMain turns the test binary into a second Stagedoor when asked to.
func TestMain(m *testing.M) {
	if os.Getenv(childHome) == "" {
		os.Exit(m.Run())
	}
	w := worldAt(&testing.T{}, os.Getenv(childHome), "claude-desktop")
	work := addEntries
	name, endless := strings.CutPrefix(os.Getenv(childName), forEver)
	if endless {
		work = toggle
	}
	if err := work(w, name); err != nil {
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

// toggle sets an entry and removes it, for ever.
func toggle(w world, name string) error {
	for i := 0; ; i++ {
		e := &shortEntry
		if i%2 == 1 {
			e = nil
		}
		ch, err := w.Plan(context.Background(), w.client, name, e)
		if err == nil {
			_, err = w.Apply(context.Background(), ch)
		}
		if err != nil && !errors.Is(err, ErrConflict) {
			return err
		}
	}
}

// Two processes that are killed while they write leave the file as one of them meant it,
// no lock, and nothing that stays beside it.
func TestKilledWhileApplying(t *testing.T) {
	t.Parallel()
	kills := 40
	if os.Getenv("STAGEDOOR_LONG") != "" {
		kills = 500
	}
	w := newWorld(t, "claude-desktop")
	const theirs = "{\n  // keep\n  \"mcpServers\": {}, \"big\": \""
	big := strings.Repeat("x", 1<<16) + "\"\n}"
	w.write(theirs + big)
	whole := func() {
		t.Helper()
		got, err := w.entries()
		delete(got, "one")
		delete(got, "two")
		if text := w.read(); err != nil || len(got) > 0 || !strings.HasPrefix(text, theirs[:len("{\n  // keep\n  \"mcpServers\": ")]) || !strings.HasSuffix(text, big) {
			t.Fatalf("the file is neither the old nor the new: %v, %v, %.300q", err, got, text)
		}
	}
	start := func(name string) *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childHome+"="+w.home, childName+"="+forEver+name)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	writers := map[string]*exec.Cmd{"one": start("one"), "two": start("two")}
	for i := range kills {
		name := []string{"one", "two"}[i%2]
		for last, seen := w.read(), 0; seen < 1+i%3; {
			whole()
			if now := w.read(); now != last {
				last, seen = now, seen+1
			}
		}
		time.Sleep(rand.N(2 * time.Millisecond)) // any moment is what this is about
		if err := writers[name].Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = writers[name].Wait() // it was killed
		whole()
		writers[name] = start(name)
	}
	for _, cmd := range writers {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	whole()
	// The next Stagedoor can write, and tidies.
	w.apply(w.plan("three", &shortEntry))
	w.apply(w.plan("three", nil))
	left, err := os.ReadDir(filepath.Dir(w.path()))
	if err != nil || len(left) != 1 {
		t.Errorf("beside the file: %v, %v", left, err)
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
