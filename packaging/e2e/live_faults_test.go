//go:build e2e && linux

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/packaging/authserver"
	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

// host is an MCP client that a test drives message by message, with
// server-everything behind the launcher.
type host struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan map[string]any
	id    int
}

func (s *studio) host() *host { return newHost(s.t, s.starter) }

func newHost(t *testing.T, start starter) *host {
	t.Helper()
	return hostOf(t, start(t.Context(), "run", "--env", "API_TOKEN={access_token}", "--env", "WHO={profile}", "--",
		node(), script("@modelcontextprotocol", "server-everything", "dist", "index.js")))
}

// hostOf has the launcher of any server.
func hostOf(t *testing.T, launcher *exec.Cmd) *host {
	t.Helper()
	h := &host{t: t, lines: make(chan map[string]any, 1000), cmd: launcher}
	var err error
	if h.in, err = h.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(h.lines)
		scan := bufio.NewScanner(out)
		scan.Buffer(nil, 1<<24)
		for scan.Scan() {
			var m map[string]any
			if err := json.Unmarshal(scan.Bytes(), &m); err != nil {
				t.Errorf("standard output has %q", scan.Text())
			}
			h.lines <- m
		}
	}()
	h.ask("initialize", `{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"host","version":"1"}}`)
	h.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return h
}

func (h *host) send(line string) {
	if _, err := io.WriteString(h.in, line+"\n"); err != nil {
		h.t.Error(err)
	}
}

// ask sends a request and returns its answer, as JSON.
func (h *host) ask(method, params string) string {
	h.t.Helper()
	h.id++
	h.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`, h.id, method, params))
	return h.answer(h.id)
}

func (h *host) answer(id int) string {
	h.t.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case m, ok := <-h.lines:
			if !ok {
				h.t.Fatal("the launcher ended")
			}
			if m["method"] == nil && m["id"] == float64(id) {
				data, _ := json.Marshal(m)
				return string(data)
			}
		case <-late:
			h.t.Fatalf("request %d was not answered", id)
		}
	}
}

// env is what the server has in its environment, by its own tool.
func (h *host) env() string {
	h.t.Helper()
	return h.ask("tools/call", `{"name":"get-env","arguments":{}}`)
}

func (h *host) serves(who string) {
	h.t.Helper()
	if got := h.env(); !strings.Contains(got, `\"WHO\": \"`+who+`\"`) || !strings.Contains(got, "API_TOKEN") {
		h.t.Fatalf("the server of %s says %.600s", who, got)
	}
}

// server is the process id of the server behind the launcher.
func (s *studio) serverOf(h *host) int {
	s.t.Helper()
	for pid, line := range s.running() {
		if strings.Contains(line, "server-everything") && pid != h.cmd.Process.Pid && !strings.Contains(line, "stagedoor") {
			return pid
		}
	}
	s.t.Fatalf("no server runs: %v", s.running())
	return 0
}

// A server that is killed costs its calls an answer, and no more.
func TestKilledServerComesBack(t *testing.T) {
	s := newStudio(t, "oidc", time.Hour)
	h := s.host()
	h.serves("ann")
	h.id++
	h.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"trigger-long-running-operation","arguments":{"duration":60,"steps":2}}}`, h.id))
	h.serves("ann") // so that the server has it
	if err := syscall.Kill(s.serverOf(h), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if got := h.answer(h.id - 1); !strings.Contains(got, "status 137") {
		t.Errorf("the call that was under way got %s", got)
	}
	h.serves("ann")
	_ = h.in.Close()
	s.nothingRuns()
}

// A launcher that is killed, or whose client hangs up, leaves nothing running.
func TestKilledLauncherLeavesNothing(t *testing.T) {
	s := newStudio(t, "oidc", time.Hour)
	h := s.host()
	h.serves("ann")
	if err := h.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = h.cmd.Wait()
	s.nothingRuns()
	h = s.host()
	h.serves("ann")
	begin := time.Now()
	_ = h.cmd.Process.Signal(os.Interrupt)
	_ = h.cmd.Wait()
	if took := time.Since(begin); took > time.Second {
		t.Errorf("it took %v to end", took)
	}
	s.nothingRuns()
}

// A provider that refuses, or does not answer at all, when the token ends costs no call
// while the token lives, then the calls meanwhile, which say so, and nothing once it is
// back.
func TestProviderIsAwayWhenTheTokenEnds(t *testing.T) {
	for name, test := range map[string]struct{ away, back func(*studio) error }{
		"refuses": {
			func(s *studio) error { return s.server.FailNext(t.Context(), 1000, 503) },
			func(s *studio) error { return s.server.FailNext(t.Context(), 0, 503) },
		},
		"silent": {
			func(s *studio) error { return syscall.Kill(s.server.PID, syscall.SIGSTOP) },
			func(s *studio) error { return syscall.Kill(s.server.PID, syscall.SIGCONT) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of the time it waits
			s := newStudio(t, "oidc", 8*time.Second)
			t.Cleanup(func() { _ = test.back(s) }) // a process that is stopped does not end
			h := newHost(t, s.starter)
			h.serves("ann")
			ends := ends(t, s.must(t, "profiles", "--json"))
			if err := test.away(s); err != nil {
				t.Fatal(err)
			}
			h.servesUntil(ends)
			h.until("while the provider is away", func(got string) bool {
				return strings.Contains(got, "Stagedoor") && strings.Contains(strings.ToLower(got), "try again") && !strings.Contains(got, "API_TOKEN")
			})
			if err := test.back(s); err != nil {
				t.Fatal(err)
			}
			h.until("once the provider is back", func(got string) bool { return strings.Contains(got, "API_TOKEN") })
			h.serves("ann")
		})
	}
}

// After a machine slept, what was asked meanwhile and the timers come at the same moment:
// no call may get there with the token of before, which has ended.
func TestMachineThatSlept(t *testing.T) {
	t.Parallel() // most of the time it waits
	s := newStudio(t, "oidc", 8*time.Second)
	h := hostOf(t, s.starter(t.Context(), s.account()...))
	whose := func() string { return h.ask("tools/call", `{"name":"whose","arguments":{}}`) }
	if got := whose(); !strings.Contains(got, "The list of ann") {
		t.Fatalf("before it the server says %s", got)
	}
	all := func(signal syscall.Signal) {
		for pid := range s.running() {
			_ = syscall.Kill(pid, signal) // it may have ended just now
		}
	}
	// A process goes on until it is scheduled once more; asked before that, it would pass the question on.
	for limit := time.Now().Add(5 * time.Second); !asleep(slices.Collect(maps.Keys(s.running()))); {
		if time.Now().After(limit) {
			t.Fatal("not everything could be stopped")
		}
		all(syscall.SIGSTOP)
	}
	time.AfterFunc(9*time.Second, func() { all(syscall.SIGCONT) }) // the token's end is the provider's clock
	if got := whose(); !strings.Contains(got, "The list of ann") {
		t.Errorf("after it the server says %s", got)
	}
	stats, err := s.server.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if wrong := stats.Userinfo.Total() - stats.Userinfo["ok"]; wrong > 0 {
		t.Errorf("the provider was shown a dead token %d times: %v", wrong, stats.Userinfo)
	}
}

// asleep reports whether processes are stopped, or have ended (proc_pid_stat(5)).
func asleep(pids []int) bool {
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if _, state, _ := strings.Cut(string(stat), ") "); err == nil && !strings.HasPrefix(state, "T") && !strings.HasPrefix(state, "Z") {
			return false
		}
	}
	return true
}

// ends is when ann's token does, by a list of the profiles.
func ends(t *testing.T, list string) time.Time {
	t.Helper()
	var profiles []auth.ProfileView
	if err := json.Unmarshal([]byte(list), &profiles); err != nil {
		t.Fatal(err)
	}
	for _, p := range profiles {
		if p.Name == "ann" {
			return p.Expires
		}
	}
	t.Fatalf("ann is not in %s", list)
	return time.Time{}
}

// servesUntil calls until a token of 8 s is about to end: every call must be served.
func (h *host) servesUntil(ends time.Time) {
	h.t.Helper()
	last := ends.Add(-2500 * time.Millisecond) // the last 2 s of such a short life are kept for calls under way
	if time.Until(last) <= 0 {
		h.t.Log("the machine is too slow for this: the token is all but over")
	}
	for time.Now().Before(last) {
		h.serves("ann")
		time.Sleep(200 * time.Millisecond) // the token's end is the provider's clock, which no test can move
	}
}

// A login that was revoked takes its server along; another login brings it back, and
// the client has never been restarted.
func TestLoginWhileTheClientWaits(t *testing.T) {
	s := newStudio(t, "oidc", time.Hour)
	h := s.host()
	h.serves("ann")
	s.must(t, "revoke", "ann")
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if got := h.env(); strings.Contains(got, "sign in: stagedoor login ann") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the server goes on without a login")
		}
	}
	s.nothingRunsBut(h)
	s.env[len(s.env)-1] = "FAKEBROWSER_ACCOUNT=ann"
	s.must(t, "login", "ann")
	h.serves("ann")
	s.must(t, "use", "bob")
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if strings.Contains(h.env(), `\"WHO\": \"bob\"`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the server did not follow the selection")
		}
	}
	_ = h.in.Close()
	_ = h.cmd.Wait() // what it has to say is on the log now
	if log := s.must(t, "audit", "bob", "--event", "keychain_access"); !strings.Contains(log, "purpose=run") {
		t.Errorf("that the server got a token of bob's is not on the log: %q", log)
	}
}

// A profile that is given another name goes on under it, for a server that is pinned to
// it and runs. One that is deleted takes its server along, and the call says why.
func TestProfileThatIsRenamedAndDeleted(t *testing.T) {
	s := newStudio(t, "oidc", time.Hour)
	h := hostOf(t, s.starter(t.Context(), "run", "--profile", "ann", "--env", "API_TOKEN={access_token}", "--env", "WHO={profile}", "--",
		node(), script("@modelcontextprotocol", "server-everything", "dist", "index.js")))
	h.serves("ann")
	s.must(t, "rename", "ann", "anna")
	for range 20 {
		h.serves("ann")
		time.Sleep(100 * time.Millisecond) // the launcher hears of it within a second
	}
	if err := syscall.Kill(s.serverOf(h), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	h.until("after the rename", func(got string) bool { return strings.Contains(got, `\"WHO\": \"anna\"`) })
	s.must(t, "delete-profile", "anna")
	h.until("once it is deleted", func(got string) bool {
		return strings.Contains(got, "Stagedoor has no token for this server") && !strings.Contains(got, "API_TOKEN")
	})
	s.nothingRunsBut(h)
}

// nothingRunsBut checks that a launcher has no server.
func (s *studio) nothingRunsBut(h *host) {
	s.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		left := 0
		for pid := range s.running() {
			if pid != h.cmd.Process.Pid {
				left++
			}
		}
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			s.t.Errorf("these still run: %v", s.running())
			return
		}
	}
}

// A keyring that is locked, or has crashed, when the token ends costs the calls
// meanwhile, which say so at once and do not hang; then the server goes on by itself.
func TestKeyringIsAwayWhenTheTokenEnds(t *testing.T) {
	for name, away := range map[string]func(*desktop.Desktop, context.Context) error{
		"locked": (*desktop.Desktop).LockKeyring, "killed": (*desktop.Desktop).KillKeyring,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, lean, desktop.Options{})
			s.env = append(s.env, "FAKEBROWSER_ACCOUNT=ann", "STAGEDOOR_KEYCHAIN_WAIT=2")
			if err := s.server.SetTTL(t.Context(), 8*time.Second); err != nil {
				t.Fatal(err)
			}
			s.stagedoor("create-profile", "ann", "--provider", "oidc", "--issuer", s.server.Issuer, "--client-id", authserver.PublicClientID)
			s.stagedoor("login", "ann")
			h := newHost(t, s.starter)
			h.serves("ann")
			ends := ends(t, s.stagedoor("profiles", "--json"))
			if err := away(s.Desktop, t.Context()); err != nil {
				t.Fatal(err)
			}
			h.servesUntil(ends)
			h.until("while the keyring is away", func(got string) bool {
				return strings.Contains(got, "Stagedoor has no token for this server") && strings.Contains(got, "keychain") && !strings.Contains(got, "API_TOKEN")
			})
			if name == "locked" {
				s.declines(h)
			}
			if err := s.UnlockKeyring(s.soon()); err != nil {
				t.Fatal(err)
			}
			h.until("once the keyring is back", func(got string) bool { return strings.Contains(got, "API_TOKEN") })
			h.serves("ann")
		})
	}
}

// declines cancels the keyring's dialog while a call waits for it, and tries again, as a
// model does: there must be no other dialog.
func (s *stage) declines(h *host) {
	s.t.Helper()
	w, err := s.WaitWindow(s.soon(), "Unlock Login Keyring")
	if err != nil {
		s.t.Fatal(err)
	}
	time.Sleep(1200 * time.Millisecond) // calls within a second of a refusal have the same answer
	h.id++
	h.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"get-env","arguments":{}}}`, h.id))
	if err := s.Focus(s.soon(), w); err != nil {
		s.t.Fatal(err)
	}
	if err := s.Key(s.soon(), "Escape"); err != nil {
		s.t.Fatal(err)
	}
	if got := h.answer(h.id); !strings.Contains(got, "keychain is locked") || strings.Contains(got, "waits for your answer") {
		s.t.Errorf("whoever declines hears %.600s", got)
	}
	for range 4 {
		time.Sleep(1200 * time.Millisecond)
		h.env()
	}
	if n := s.Prompts(); n != 1 {
		s.t.Errorf("the user was asked %d times to unlock the keyring", n)
	}
}

// A tray that is killed takes nothing along: servers go on, over their token's end and
// a switch, and the next tray starts as if nothing had been.
func TestKilledTrayCostsNoCall(t *testing.T) {
	s := newStage(t, full, desktop.Options{})
	if err := s.server.SetTTL(t.Context(), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "FAKEBROWSER_ACCOUNT=")
	for _, name := range []string{"bob", "ann"} {
		s.env[len(s.env)-1] = "FAKEBROWSER_ACCOUNT=" + name
		s.stagedoor("create-profile", name, "--provider", "oidc", "--issuer", s.server.Issuer, "--client-id", authserver.PublicClientID)
		s.stagedoor("login", name)
	}
	s.stagedoor("use", "ann")
	kill := s.tray()
	h := newHost(t, s.starter)
	h.serves("ann")
	h.id++
	h.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"trigger-long-running-operation","arguments":{"duration":2,"steps":2}}}`, h.id))
	long := h.id
	h.serves("ann") // so that the server has it
	if err := s.server.ResetStats(t.Context()); err != nil {
		t.Fatal(err)
	}
	kill()
	if got := h.answer(long); !strings.Contains(got, "completed") {
		t.Errorf("the call that was under way got %s", got)
	}
	for begun, done := time.Now(), false; !done; time.Sleep(200 * time.Millisecond) { // the token's end is the provider's clock
		h.serves("ann")
		stats, err := s.server.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if done = stats.Refreshes()["ok"] > 0; !done && time.Since(begun) > 20*time.Second {
			t.Fatal("without a tray the token is not renewed")
		}
	}
	h.serves("ann")
	s.stagedoor("use", "bob")
	h.until("after the switch", func(got string) bool { return strings.Contains(got, `\"WHO\": \"bob\"`) })
	s.tray()
	s.menuHas("bob")
	h.serves("bob")
	s.stagedoor("audit", "verify")
}

// until asks again until the answer is the one that is wanted. None takes long.
func (h *host) until(when string, good func(string) bool) {
	h.t.Helper()
	for end := time.Now().Add(40 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		begun := time.Now()
		got := h.env()
		if took := time.Since(begun); took > 12*time.Second {
			h.t.Errorf("%s a call takes %v", when, took)
		}
		if good(got) {
			return
		}
		if time.Now().After(end) {
			h.t.Fatalf("%s the client hears %.600s", when, got)
		}
	}
}

// Launchers that are killed at any moment, as clients do that only probe a server,
// leave no process behind, of the server's children neither.
func TestLaunchersKilledAtAnyMoment(t *testing.T) {
	const launches, atOnce = 200, 8
	s := newStudio(t, "oidc", time.Hour)
	var all sync.WaitGroup
	turns := make(chan int, launches)
	for n := range launches {
		turns <- n
	}
	close(turns)
	for range atOnce {
		all.Go(func() {
			for range turns {
				cmd := s.starter(t.Context(), "run", "--env", "T={access_token}", "--", "sh", "-c", "sleep 600 & exec cat")
				in, err := cmd.StdinPipe()
				if err != nil {
					t.Error(err)
					return
				}
				if err := cmd.Start(); err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(in, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{}}}`+"\n")
				time.Sleep(rand.N(330 * time.Millisecond)) // any moment is what this is about
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			}
		})
	}
	all.Wait()
	s.nothingRuns()
	s.must(t, "audit", "verify")
}
