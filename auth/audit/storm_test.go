package audit_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/audittest"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/durable"
)

const (
	// stormDir makes the test binary a process that writes a few events there.
	stormDir = "STAGEDOOR_TEST_AUDIT_STORM"
	// longStorm makes the storm one of two minutes.
	longStorm = "STAGEDOOR_LONG"
	// stormStill is how long a process of the storm waits for a log that stands still.
	stormStill = 600 * time.Millisecond
)

// fitfulKeychain is a keychain that is locked while a file is there.
type fitfulKeychain struct{ fileAnchor }

func (f fitfulKeychain) unlocked() error {
	if _, err := os.Lstat(string(f.fileAnchor) + ".locked"); err == nil {
		return audittest.ErrLocked
	}
	return nil
}

func (f fitfulKeychain) Key(context.Context) ([]byte, error) { return audittest.Key, f.unlocked() }

func (f fitfulKeychain) UpdateAnchor(ctx context.Context, change func(audit.Anchor, bool) (*audit.Anchor, error)) error {
	return errors.Join(f.unlocked(), f.fileAnchor.UpdateAnchor(ctx, change))
}

func openInStorm(dir string) (*audit.Log, error) {
	k := fitfulKeychain{fileAnchor(dir + ".anchor")}
	l, err := audit.Open(audit.Params{Dir: dir, Now: time.Now, Actor: "launcher", PID: os.Getpid(), SegmentSize: 20_000, Key: k.Key, Anchor: k})
	if err == nil {
		l.SetStill(stormStill)
	}
	return l, err
}

// stormWriter writes a few events as a launcher does, and says what became of
// each.
func stormWriter(dir string) {
	l, err := openInStorm(dir)
	for i := 0; err == nil && i < 5; i++ {
		id := fmt.Sprintf("%d-%d", os.Getpid(), i)
		if _, failed := l.Append(context.Background(), audit.Event{Name: audit.KeychainAccess, Outcome: audit.OK, Data: map[string]any{"id": id}}); failed != nil {
			l.Lost()
			_, err = fmt.Println("lost", id)
		} else {
			_, err = fmt.Println("written", id)
		}
	}
	if err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err = l.Flush(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// inStorm runs a writer, kills it after its second event if it is to die, and
// returns what it said.
func inStorm(dir string, dies bool) (said, complaints string, err error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), stormDir+"="+dir)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", "", err
	}
	if err := cmd.Start(); err != nil {
		return "", "", err
	}
	lines := bufio.NewScanner(out)
	for n := 1; lines.Scan(); n++ {
		said += lines.Text() + "\n"
		if dies && n == 2 {
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait()
	return said, errs.String(), lines.Err()
}

// Many MCP servers start at once, some are killed, somebody holds the lock, the
// keychain is locked and unlocked: no event that was written is missing, none is
// lost without being counted, and the log verifies.
func TestLogInAStorm(t *testing.T) {
	processes := 48
	if os.Getenv(longStorm) != "" {
		processes = 1000
	}
	dir := filepath.Join(t.TempDir(), "audit")
	l, err := openInStorm(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), audit.Event{Name: "first"}); err != nil {
		t.Fatal(err)
	}
	written := map[string]bool{}
	lost, killed := 0, 0
	var mu sync.Mutex
	var wg sync.WaitGroup
	queue := make(chan int)
	for range 12 {
		wg.Go(func() {
			for i := range queue {
				dies := i%5 == 0
				said, complaints, err := inStorm(dir, dies)
				mu.Lock()
				if err != nil || strings.Contains(complaints, "moves back") {
					t.Errorf("a writer: %v %s", err, complaints)
				}
				if dies {
					killed++
				}
				for line := range strings.Lines(said) {
					if id, ok := strings.CutPrefix(line, "written "); ok {
						written[strings.TrimSpace(id)] = true
					} else {
						lost++
					}
				}
				mu.Unlock()
			}
		})
	}
	locked := dir + ".anchor.locked" // see fitfulKeychain
	for i := range processes {
		queue <- i
		switch i % 24 {
		case 3:
			err = os.WriteFile(locked, nil, 0o600)
		case 9:
			err = hold(t.Context(), filepath.Join(dir, "audit.lock"), 2*stormStill)
		case 18:
			err = os.Remove(locked)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	close(queue)
	wg.Wait()

	if l, err = openInStorm(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), audit.Event{Name: "last"}); err != nil {
		t.Fatal(err)
	}
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := verify.Full(t.Context(), l, nil)
	if err != nil || !r.OK || !r.AnchorChecked || r.AnchorSeq != r.Events {
		t.Fatalf("%+v, problem %+v, %v", r, r.Problem, err)
	}
	if r.Lost < uint64(lost) || r.Lost > uint64(lost+killed) { // who was killed may have counted and not said so
		t.Errorf("the log says that %d events are missing, the processes lost %d", r.Lost, lost)
	}
	all, err := l.Query(t.Context(), audit.Query{Name: audit.KeychainAccess})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		id, _ := e.Data["id"].(string)
		delete(written, id)
	}
	if len(written) > 0 {
		t.Errorf("%d events that were written are not in the log", len(written))
	}
	t.Logf("%d processes, %d killed: %d events, %d lost, %d sealed later", processes, killed, len(all), lost, r.SealedLater)
}

// hold keeps others from the lock for a while.
func hold(ctx context.Context, path string, d time.Duration) error {
	lock, err := durable.Acquire(ctx, path)
	if err != nil {
		return err
	}
	defer lock.Release()
	<-time.After(d)
	return nil
}
