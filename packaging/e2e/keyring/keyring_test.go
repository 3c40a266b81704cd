//go:build e2e && linux

package keyring

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
	"github.com/stagedoor-app/stagedoor/auth/vault/vaulttest"
	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

const key = "profile/0123456789abcdef/tokens"

// What a child's exit status says of the error.
var statuses = map[int]error{3: vault.ErrNotFound, 4: vault.ErrLocked, 5: vault.ErrUnavailable}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "child" {
		os.Exit(child(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// child is a process inside the desktop: get | set SIZE SALT | delete |
// loop SIZE SALT | live SIZE. Its keychain takes $ITEM bytes per item, and the user has
// $WAIT to unlock it.
func child(args []string) int {
	item, _ := strconv.Atoi(os.Getenv("ITEM"))
	wait, _ := time.ParseDuration(os.Getenv("WAIT"))
	v, err := vault.Open(vault.Params{Dir: os.Getenv("FOLDER"), Item: item})
	if err == nil {
		err = act(vault.WithWait(context.Background(), wait), v, args)
	}
	for status, sentinel := range statuses {
		if errors.Is(err, sentinel) {
			return status
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func act(ctx context.Context, v vault.Vault, args []string) error {
	number := func(i int) int {
		n, _ := strconv.Atoi(args[i])
		return n
	}
	switch args[0] {
	case "get":
		value, err := v.Get(ctx, key)
		fmt.Print(value.Reveal())
		return err
	case "set":
		return v.Set(ctx, key, secret.String(sample(number(1), number(2))))
	case "delete":
		return v.Delete(ctx, key)
	case "live": // as a launcher does, it reads and writes for a day
		for salt := 1; ; salt++ {
			_, err := v.Get(ctx, key)
			fmt.Println(cmp.Or(err, v.Set(ctx, key, secret.String(sample(number(1), salt)))))
		}
	}
	for salt := number(2); ; salt++ {
		if err := v.Set(ctx, key, secret.String(sample(number(1), salt))); err != nil {
			return err
		}
		fmt.Println(salt) // from here on it must not be lost
	}
}

// sample is a value of n bytes that says which one it is.
func sample(n, salt int) string {
	text := fmt.Sprintf("%d;", salt)
	return strings.Repeat(text, n/len(text)+1)[:n]
}

type stage struct {
	*desktop.Desktop
	t    *testing.T
	wait time.Duration

	folder string // the state folder
}

func newStage(t *testing.T) *stage {
	t.Helper()
	d, err := desktop.Start(t.Context(), desktop.Options{NoPanel: true, NoNotifications: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return &stage{Desktop: d, t: t, wait: time.Minute, folder: t.TempDir()}
}

func (s *stage) command(ctx context.Context, item int, args ...string) *exec.Cmd {
	cmd := s.Command(ctx, os.Args[0], append([]string{"child"}, args...)...)
	cmd.Env = append(cmd.Env, "ITEM="+strconv.Itoa(item), "WAIT="+s.wait.String(), "FOLDER="+s.folder)
	return cmd
}

// run runs a child to its end and returns its output and its error.
func (s *stage) run(item int, args ...string) (string, error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	cmd := s.command(ctx, item, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if known := statuses[cmd.ProcessState.ExitCode()]; known != nil {
		return out.String(), known
	}
	if err != nil {
		s.t.Fatalf("%v: %v\n%s", args, err, errs.String())
	}
	return out.String(), nil
}

// items counts what the keyring holds of ours. It asks the bus itself, since
// secret-tool stumbles over hundreds of items.
func (s *stage) items() int {
	s.t.Helper()
	var found, locked []dbus.ObjectPath
	err := s.Bus().Object("org.freedesktop.secrets", "/org/freedesktop/secrets").
		CallWithContext(s.t.Context(), "org.freedesktop.Secret.Service.SearchItems", 0, map[string]string{"service": "stagedoor"}).
		Store(&found, &locked)
	if err != nil {
		s.t.Fatal(err)
	}
	return len(found) + len(locked)
}

// The real keyring does what every vault must do.
func TestKeyringContract(t *testing.T) {
	if dir := os.Getenv("CONTRACT"); dir != "" { // inside the desktop
		vaulttest.Run(t, func() vault.Vault {
			v, err := vault.Open(vault.Params{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			return v
		})
		return
	}
	s := newStage(t)
	cmd := s.Command(t.Context(), os.Args[0], "-test.run=^TestKeyringContract$", "-test.count=1", "-test.v")
	cmd.Env = append(cmd.Env, "CONTRACT="+s.folder)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestKeyringContract/what_is_stored_comes_back")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// Secrets of every size come back from a real keyring byte for byte, whole and
// in parts, and are gone after they were removed.
func TestRoundTrip(t *testing.T) {
	s := newStage(t)
	for _, c := range []struct{ item, size, items int }{
		{0, 20 << 10, 1},        // the platform's limit: one item, one call
		{0, 300 << 10, 1 + 5},   // 64 KiB each
		{3000, 20 << 10, 1 + 7}, // as on macOS
		{2560, 20 << 10, 1 + 8}, // as on Windows
		{768, 20 << 10, 1 + 27}, // the least
		{2560, 100, 1},          // small again: the parts are gone
	} {
		size := strconv.Itoa(c.size)
		if _, err := s.run(c.item, "set", size, "1"); err != nil {
			t.Fatal(err)
		}
		// Another process, and one with another limit, read the same.
		for _, item := range []int{c.item, 5000} {
			if got, err := s.run(item, "get"); err != nil || got != sample(c.size, 1) {
				t.Fatalf("%+v: %v, equal %v", c, err, got == sample(c.size, 1))
			}
		}
		if n := s.items(); n != c.items {
			t.Errorf("%+v: %d items in the keyring", c, n)
		}
		t.Logf("%d bytes in %d items", c.size, c.items)
	}
	if _, err := s.run(0, "delete"); err != nil {
		t.Fatal(err)
	}
	if n := s.items(); n != 0 {
		t.Errorf("%d items are left", n)
	}
	if _, err := s.run(0, "get"); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("after removing it: %v", err)
	}
}

// A locked keyring is an error in time, not a hang, and costs nothing.
func TestLockAndUnlock(t *testing.T) {
	s := newStage(t)
	size := strconv.Itoa(20 << 10)
	if _, err := s.run(2560, "set", size, "1"); err != nil {
		t.Fatal(err)
	}
	s.wait = 2 * time.Second
	if err := s.LockKeyring(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"get"}, {"set", size, "2"}, {"set", "10", "2"}, {"delete"}} {
		start := time.Now()
		if _, err := s.run(2560, args...); !errors.Is(err, vault.ErrLocked) {
			t.Errorf("%v on a locked keyring: %v, want ErrLocked", args, err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%v took %v", args, took)
		}
	}
	s.wait = 0 // nobody to ask: no prompt, and at once
	start := time.Now()
	if _, err := s.run(2560, "get"); !errors.Is(err, vault.ErrLocked) || time.Since(start) > 2*time.Second {
		t.Errorf("upkeep on a locked keyring: %v after %v, want ErrLocked at once", err, time.Since(start))
	}
	s.wait = time.Minute
	if err := s.UnlockKeyring(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := s.run(2560, "get"); err != nil || got != sample(20<<10, 1) {
		t.Errorf("after unlocking: %v, equal %v", err, got == sample(20<<10, 1))
	}
}

// live starts a process that reads and writes until the test ends, and returns what each round
// ends with: "<nil>" or the error.
func (s *stage) live() <-chan string {
	s.t.Helper()
	cmd := s.command(s.t.Context(), 2560, "live", "10")
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := make(chan string, 1<<20) // it is not to wait for this
	go func() {
		for scan := bufio.NewScanner(out); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	return lines
}

// A keyring that is locked at any moment of a call costs the calls until it is unlocked,
// in a process that goes on, and no more.
func TestLockedAtAnyMoment(t *testing.T) {
	s := newStage(t)
	if _, err := s.run(2560, "set", "10", "1"); err != nil {
		t.Fatal(err)
	}
	s.wait = 300 * time.Millisecond
	lines := s.live()
	last := ""
	until := func(round int, works bool) {
		t.Helper()
		for late := time.After(10 * time.Second); ; {
			select {
			case last = <-lines:
				if (last == "<nil>") == works {
					return
				}
			case <-late:
				t.Fatalf("round %d: it still says %q", round, last)
			}
		}
	}
	for round := range 20 {
		until(round, true)
		time.Sleep(rand.N(5 * time.Millisecond)) // any moment is what this is about
		if err := s.LockKeyring(t.Context()); err != nil {
			t.Fatal(err)
		}
		for len(lines) > 0 {
			<-lines
		}
		until(round, false)
		if err := s.UnlockKeyring(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	until(20, true)
}

// A keyring that crashes at any moment of a call, as gnome-keyring does now and then, costs no
// call and loses nothing, since the bus starts it again.
func TestCrashedAtAnyMoment(t *testing.T) {
	s := newStage(t)
	if _, err := s.run(2560, "set", "10", "1"); err != nil {
		t.Fatal(err)
	}
	lines := s.live()
	for round := range 20 {
		for range 3 {
			if line := <-lines; line != "<nil>" {
				t.Fatalf("round %d: %s", round, line)
			}
		}
		time.Sleep(rand.N(5 * time.Millisecond)) // any moment is what this is about
		if err := s.CrashKeyring(t.Context()); err != nil {
			t.Fatal(err)
		}
		for len(lines) > 0 {
			if line := <-lines; line != "<nil>" {
				t.Fatalf("round %d: %s", round, line)
			}
		}
	}
	if n := s.KeyringStarts(); n < 20 {
		t.Errorf("the keyring was started %d times", n)
	}
}

// A writer that is killed in the middle leaves a login that works: the last one
// it called saved, or the one it was saving. The next write clears up after it.
func TestKilledWriter(t *testing.T) {
	s := newStage(t)
	const size = 6 << 10
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	saved, between := 0, 0
	for round := range 30 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := s.command(ctx, 1000, "loop", strconv.Itoa(size), strconv.Itoa(saved+1))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(time.Duration(50+random.IntN(400))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		reported := saved
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if reported, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatal(err)
			}
		}
		_ = cmd.Wait()
		kill.Stop()
		cancel()

		got, err := s.run(1000, "get")
		switch {
		case reported == 0 && errors.Is(err, vault.ErrNotFound): // killed before the first was saved
		case err == nil && reported > 0 && got == sample(size, reported):
			saved = reported
		case err == nil && got == sample(size, reported+1):
			saved = reported + 1
		default:
			t.Fatalf("round %d: killed after save %d: %v, %.60q", round, reported, err, got)
		}
		if s.items() != 1+7 {
			between++ // it was killed half-way
		}
	}
	t.Logf("%d saves; in %d of 30 rounds it was killed half-way", saved, between)
	if _, err := s.run(1000, "set", "100", "1"); err != nil {
		t.Fatal(err)
	}
	if n := s.items(); n != 1 {
		t.Errorf("%d items are left after a clean write, want 1", n)
	}
}
