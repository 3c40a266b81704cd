//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/packaging/authserver"
	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

// A bad day: 200 processes and more, of every kind, on one state folder, of which some are
// killed, stopped or told to end, while locks are held for long and the keyring
// comes and goes. Nothing that a user has may be lost by it:
//
//   - no login, but for an answer of the provider that a kill cut off, which is said;
//   - no event: whoever was handed a token is on the log, and the log verifies. A process
//     that was told to end while somebody held the log's lock may miss a line: it says
//     so, the line after it counts it, and that alarm is a true one;
//   - no refresh token is used twice, unless the process that used it first was ended
//     before it had the answer on the disk, and nobody is told of a theft that was none;
//   - no file is left outside the state folder;
//   - whoever is told to end has ended within two seconds, not counting the time in
//     which it was ready to run and the machine ran others.
//
// STAGEDOOR_LONG=1 keeps it up for two minutes, with 200 processes at a time.
func TestStorm(t *testing.T) {
	s := newStage(t, lean, desktop.Options{NoPanel: true, NoNotifications: true})
	other, err := authserver.Start(context.Background(), authserver.Options{TTL: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	if err := s.server.SetTTL(t.Context(), time.Second); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "FAKEBROWSER_ACCOUNT=ada", "STAGEDOOR_KEYCHAIN_WAIT=3")
	s.stagedoor("create-profile", "work", "--provider", "oidc", "--issuer", s.server.Issuer, "--client-id", authserver.PublicClientID)
	s.stagedoorIn(authserver.ConfidentialSecret, "create-profile", "side", "--provider", "oidc", "--issuer", s.server.Issuer,
		"--client-id", authserver.ConfidentialClientID, "--client-secret-stdin")
	s.stagedoor("create-profile", "spare", "--provider", "oidc", "--issuer", other.Issuer, "--client-id", authserver.PublicClientID)
	for _, p := range []string{"work", "side", "spare"} {
		s.stagedoor("login", p)
	}
	before := s.filesOutside()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	st := &storm{stage: s, random: rand.New(rand.NewPCG(seed, 0)), ends: map[int]end{}}
	processes, atOnce, until := 200, 60, time.Now().Add(15*time.Second)
	if os.Getenv("STAGEDOOR_LONG") != "" {
		atOnce, until = 200, time.Now().Add(2*time.Minute)
	}
	calm, ended := context.WithCancel(t.Context())
	var weather sync.WaitGroup
	weather.Go(func() { st.holdLocks(calm) })
	weather.Go(func() { st.keyringComesAndGoes(calm) })
	room := make(chan struct{}, atOnce)
	var running sync.WaitGroup
	started := 0
	for ; started < processes || time.Now().Before(until); started++ {
		c, f := st.draw()
		room <- struct{}{}
		running.Go(func() { st.process(c, f); <-room })
	}
	running.Wait()
	ended()
	weather.Wait()
	st.aftermath(started, before)
}

// storm is what happens on a stage while it storms.
type storm struct {
	*stage
	mu       sync.Mutex
	random   *rand.Rand
	ends     map[int]end // by process id
	again    sync.Mutex  // one login at a time
	slow     []string    // who did not end when told to
	statuses [8]int
	relogins int
}

// end is how a process ended.
type end struct {
	args   []string
	status int  // -1: by a signal
	killed bool // by the storm
	told   bool // to end, by the storm
	missed int  // events that it said it could not write
}

// cutOff reports whether the process was ended before it was through.
func (e end) cutOff() bool { return e.killed || e.told && e.status == 128+int(syscall.SIGTERM) }

func (e end) handedOut() bool { return e.status == 0 && (e.args[0] == "token" || e.args[0] == "run") }

func (e end) String() string {
	return fmt.Sprintf("%s (exit status %d, killed: %v, told to end: %v)", strings.Join(e.args, " "), e.status, e.killed, e.told)
}

type fate int

const (
	lives fate = iota
	killed
	toldToEnd
	stopped // and goes on a second later
)

var stormCommands = [][]string{
	{"token", "work"},
	{"token", "side"},
	{"token", "work"},
	{"run", "--profile", "work", "--env", "T={access_token}", "--", "/bin/true"},
	{"run", "--profile", "side", "--env", "T={access_token}", "--", "/bin/true"},
	{"login", "spare"},
	{"revoke", "spare"},
	{"profiles", "--json"},
	{"alerts", "--json"},
	{"audit", "--json", "work", "20"},
	{"audit", "verify"},
	{"metrics"},
	{"use", "work"},
	{"use", "side"},
	{"settings", "log.keep_days", "30"},
	{"setup", "claude-code", "--print"},
}

func (st *storm) between(least, most time.Duration) time.Duration {
	st.mu.Lock()
	defer st.mu.Unlock()
	return least + time.Duration(st.random.Int64N(int64(most-least)))
}

func (st *storm) draw() ([]string, fate) {
	st.mu.Lock()
	defer st.mu.Unlock()
	f := lives
	switch n := st.random.IntN(20); {
	case n < 3:
		f = killed
	case n < 5:
		f = toldToEnd
	case n < 6:
		f = stopped
	}
	return stormCommands[st.random.IntN(len(stormCommands))], f
}

// process is the life of one call of the program.
func (st *storm) process(args []string, f fate) {
	cmd := st.Command(context.Background(), lean, args...)
	cmd.Env = append(cmd.Env, st.env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		st.t.Error(err)
		return
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	within := func(d time.Duration) bool {
		select {
		case <-done:
			return true
		case <-time.After(d):
			return false
		}
	}
	how := end{args: args}
	if f != lives && !within(st.between(time.Millisecond, 400*time.Millisecond)) {
		switch f {
		case killed:
			how.killed = true
			_ = cmd.Process.Kill()
		case stopped:
			_ = cmd.Process.Signal(syscall.SIGSTOP)
			within(time.Second)
			_ = cmd.Process.Signal(syscall.SIGCONT)
		case toldToEnd:
			before := waited(cmd.Process.Pid)
			_ = cmd.Process.Signal(syscall.SIGTERM)
			how.told = true
			if within(2*time.Second) || gone(cmd.Process.Pid) {
				break
			}
			if late := max(waited(cmd.Process.Pid)-before, 0); !within(late) && !gone(cmd.Process.Pid) {
				st.note(func() {
					st.slow = append(st.slow, fmt.Sprintf("%s (kept waiting for %v)", strings.Join(args, " "), late))
				})
			}
		}
	}
	if !within(90 * time.Second) {
		st.t.Errorf("stagedoor %v has not ended after 90 s\n%s", args, errs.String())
		_ = cmd.Process.Kill()
		<-done
	}
	status := st.over(cmd, how, errs.String())
	switch {
	case strings.Contains(errs.String(), "panic") || strings.Contains(errs.String(), "goroutine "):
		st.t.Errorf("stagedoor %v: %s", args, errs.String())
	case status == 3 && args[0] != "revoke":
		st.loginAgain(args)
	}
}

// over writes down how a process ended, and returns its exit status.
func (st *storm) over(cmd *exec.Cmd, how end, errs string) int {
	how.status = cmd.ProcessState.ExitCode()
	how.killed = how.killed && how.status == -1 // else it was faster
	how.missed = strings.Count(errs, "the audit log could not be written")
	st.note(func() {
		st.statuses[max(min(how.status, 6), -1)+1]++
		st.ends[cmd.Process.Pid] = how
	})
	return how.status
}

// gone reports whether nothing of the process runs any more, even if nobody has
// noticed yet: whoever waits for it waits for what it wrote, too.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	_, state, _ := strings.Cut(string(stat), ") ")
	return err != nil || len(tasks) <= 1 && strings.HasPrefix(state, "Z")
}

// waited is how long the process's threads were ready to run and did not, of the
// one that waited longest: the second number of schedstat.
func waited(pid int) (longest time.Duration) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, path := range tasks {
		data, _ := os.ReadFile(path)
		var ran, delayed int64
		if n, _ := fmt.Sscan(string(data), &ran, &delayed); n == 2 {
			longest = max(longest, time.Duration(delayed))
		}
	}
	return longest
}

// loginAgain is the user who is told to sign in. Only the spare account is
// revoked on purpose.
func (st *storm) loginAgain(args []string) {
	name := "work"
	if strings.Contains(strings.Join(args, " "), "side") {
		name = "side"
	}
	st.again.Lock()
	defer st.again.Unlock()
	if st.calm("token", name) != 3 { // somebody did meanwhile
		return
	}
	if st.calm("login", name) == 0 { // with the keyring locked it fails, and the next one tries
		st.note(func() { st.relogins++ })
	}
}

// calm runs a command that nothing happens to, and returns its exit status.
func (st *storm) calm(args ...string) int {
	cmd := st.Command(context.Background(), lean, args...)
	cmd.Env = append(cmd.Env, st.env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	_ = cmd.Run()
	return st.over(cmd, end{args: args}, errs.String())
}

func (st *storm) note(f func()) {
	st.mu.Lock()
	defer st.mu.Unlock()
	f()
}

// holdLocks holds one lock after the other for longer than anybody would.
func (st *storm) holdLocks(ctx context.Context) {
	state := st.state()
	for i := 0; ctx.Err() == nil; i++ {
		locks, _ := filepath.Glob(filepath.Join(state, "locks", "*.lock"))
		locks = append(locks, filepath.Join(state, "audit", "audit.lock"))
		short, cancel := context.WithTimeout(ctx, 5*time.Second)
		lock, err := durable.Acquire(short, locks[i%len(locks)])
		cancel()
		if err == nil {
			pause(ctx, st.between(10*time.Millisecond, 1500*time.Millisecond))
			lock.Release()
		}
		pause(ctx, st.between(10*time.Millisecond, 500*time.Millisecond))
	}
}

// keyringComesAndGoes locks the keyring now and then, and leaves it unlocked. Under
// so many clients that are killed gnome-keyring itself crashes now and then, which
// is a part of the weather: it is started again.
func (st *storm) keyringComesAndGoes(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, st.between(500*time.Millisecond, 4*time.Second))
		if err := st.LockKeyring(context.Background()); err != nil {
			st.t.Logf("the keyring has gone: %v", err)
		}
		pause(ctx, st.between(50*time.Millisecond, 2*time.Second))
		err := st.UnlockKeyring(context.Background())
		for tries := 0; err != nil && tries < 5; tries++ {
			pause(context.Background(), time.Second)
			err = st.UnlockKeyring(context.Background())
		}
		if err != nil {
			st.t.Error(err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// aftermath looks at what is left.
func (st *storm) aftermath(started int, before map[string]bool) {
	t := st.t
	t.Helper()
	for _, name := range []string{"work", "side"} {
		if st.calm("token", name) == 3 {
			st.loginAgain([]string{name})
		}
		st.stagedoor("token", name)
	}
	var report struct{ Lost int }
	if err := json.Unmarshal([]byte(st.stagedoor("audit", "verify", "--json")), &report); err != nil {
		t.Fatal(err)
	}
	var events []event
	if err := json.Unmarshal([]byte(st.stagedoor("audit", "100000", "--json")), &events); err != nil {
		t.Fatal(err)
	}
	st.everyEventIsThere(events, report.Lost)
	lost := st.noTokenIsUsedTwice(events)
	var alerts []struct{ ID, Severity, Message string }
	r := st.exec("", lean, "alerts", "--json")
	if err := json.Unmarshal([]byte(r.out), &alerts); err != nil {
		t.Fatalf("%v: %s%s", err, r.out, r.err)
	}
	for _, a := range alerts {
		if a.Severity == "P0" && !(report.Lost > 0 && strings.HasPrefix(a.Message, "events are missing")) {
			t.Errorf("a false alarm: %+v", a)
		}
	}
	for path := range st.filesOutside() {
		if !before[path] {
			t.Errorf("left outside the state folder: %s", path)
		}
	}
	if len(st.slow) > 0 {
		t.Errorf("%d processes were told to end and had not after 2 s: %q", len(st.slow), st.slow)
	}
	t.Logf("%d processes; exit statuses from -1 (signal) on: %v; %d answers lost, %d logins anew, %d events lost",
		started, st.statuses, lost, st.relogins, report.Lost)
}

// event is what the test reads of a line of the log.
type event struct {
	PID     int            `json:"pid"`
	Event   string         `json:"event"`
	Profile string         `json:"profile"`
	Data    map[string]any `json:"data"`
}

// everyEventIsThere checks that who was handed a token is on the log, and that
// what is missing there was said and counted, one by one.
func (st *storm) everyEventIsThere(events []event, counted int) {
	t := st.t
	t.Helper()
	seen := map[int]bool{}
	for _, e := range events {
		if e.Event == "keychain_access" {
			seen[e.PID] = true
		}
	}
	handedOut, told, missed := 0, 0, 0
	for pid, e := range st.ends {
		missed += e.missed
		if e.told {
			told++
		}
		if e.missed > 0 && !e.told {
			t.Errorf("process %d, %v, lost %d events, and nobody told it to end", pid, e, e.missed)
		}
		if !e.handedOut() {
			continue
		}
		handedOut++
		if !seen[pid] && e.missed == 0 {
			t.Errorf("process %d, %v, got a token and is not on the log", pid, e)
		}
	}
	if counted != missed {
		t.Errorf("%d events are counted as lost, and %d were said to be", counted, missed)
	}
	t.Logf("%d hand-outs; %d processes told to end", handedOut, told)
}

// noTokenIsUsedTwice checks, by what the provider saw, that of a refresh token which
// was exchanged no second request came unless one of the two processes was ended
// before it had its answer, and that each of these and nothing else is on the log as
// an answer that was lost. It returns how many there were.
func (st *storm) noTokenIsUsedTwice(events []event) int {
	t := st.t
	t.Helper()
	stats, err := st.server.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	exchanged := map[string]authserver.Call{}
	for _, call := range stats.History {
		if call.What == "refresh_token" && call.Outcome == "ok" {
			exchanged[call.Token] = call
		}
	}
	lived := func(call authserver.Call) bool {
		by, known := st.ends[call.PID]
		return call.Delivered && known && !by.cutOff()
	}
	twice := map[string]bool{} // and whether the line about it may be missing
	for _, call := range stats.History {
		first, ok := exchanged[call.Token]
		if call.What != "refresh_token" || call.Outcome == "ok" || !ok {
			continue
		}
		twice[call.Token] = twice[call.Token] || st.ends[call.PID].missed > 0
		t.Logf("token %s was exchanged at %s by process %d, %v (delivered: %v), and sent by process %d, %v, too, answered at %s with %s",
			call.Token, first.At, first.PID, st.ends[first.PID], first.Delivered, call.PID, st.ends[call.PID], call.At, call.Outcome)
		if lived(first) && lived(call) {
			t.Errorf("token %s was used twice", call.Token)
		}
	}
	told := map[any]bool{}
	for _, e := range events {
		if e.Event == "refresh_failed" && e.Data["lost_response"] == true {
			told[e.Data["token"]] = true
		}
	}
	least := len(twice)
	for _, missing := range twice {
		if missing {
			least--
		}
	}
	if len(told) < least || len(told) > len(twice) {
		t.Errorf("%d answers were lost, and %d are on the log as lost", len(twice), len(told))
	}
	if st.relogins > len(twice) {
		t.Errorf("%d logins were lost, and %d answers", st.relogins, len(twice))
	}
	t.Logf("refreshes: %v", stats.Refreshes())
	if t.Failed() {
		for _, call := range stats.History {
			t.Logf("%+v %v", call, st.ends[call.PID])
		}
	}
	return len(twice)
}

func (s *stage) state() string { return s.home(".local", "share", "stagedoor") }

// filesOutside lists what lies in the home and beside it, the state folder, the
// keyring's own files and the desktop's logs left out.
func (s *stage) filesOutside() map[string]bool {
	s.t.Helper()
	files := map[string]bool{}
	err := filepath.WalkDir(s.Dir(), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if path == s.state() || d.IsDir() && (d.Name() == "logs" || d.Name() == "keyrings") {
			return filepath.SkipDir
		}
		if !d.IsDir() {
			files[path] = true
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return files
}
