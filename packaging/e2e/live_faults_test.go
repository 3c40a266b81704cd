//go:build e2e && linux

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

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
	h := &host{t: t, lines: make(chan map[string]any, 1000)}
	h.cmd = start(t.Context(), "run", "--env", "API_TOKEN={access_token}", "--env", "WHO={profile}", "--",
		node(), script("@modelcontextprotocol", "server-everything", "dist", "index.js"))
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

// A provider that is away when the token ends costs the calls meanwhile, which say
// so; then the server goes on by itself.
func TestProviderIsAwayWhenTheTokenEnds(t *testing.T) {
	s := newStudio(t, "oidc", 3*time.Second)
	h := s.host()
	h.serves("ann")
	if err := s.server.FailNext(t.Context(), 1000, 503); err != nil {
		t.Fatal(err)
	}
	time.Sleep(4 * time.Second) // the token ends: this is the provider's clock, which no test can move
	if got := h.env(); !strings.Contains(got, "Stagedoor has no token for this server") || strings.Contains(got, "API_TOKEN") {
		t.Errorf("without a token the server says %.300s", got)
	}
	if err := s.server.FailNext(t.Context(), 0, 503); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		if got := h.env(); strings.Contains(got, "API_TOKEN") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the server did not come back")
		}
		time.Sleep(200 * time.Millisecond)
	}
	h.serves("ann")
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
			if err := s.server.SetTTL(t.Context(), 6*time.Second); err != nil {
				t.Fatal(err)
			}
			s.stagedoor("create-profile", "ann", "--provider", "oidc", "--issuer", s.server.Issuer, "--client-id", authserver.PublicClientID)
			s.stagedoor("login", "ann")
			h := newHost(t, func(ctx context.Context, args ...string) *exec.Cmd {
				cmd := s.Command(ctx, lean, args...)
				cmd.Env = append(cmd.Env, s.env...)
				return cmd
			})
			h.serves("ann")
			if err := away(s.Desktop, t.Context()); err != nil {
				t.Fatal(err)
			}
			h.until("while the keyring is away", func(got string) bool {
				return strings.Contains(got, "Stagedoor has no token for this server") && strings.Contains(got, "keychain") && !strings.Contains(got, "API_TOKEN")
			})
			if err := s.UnlockKeyring(s.soon()); err != nil {
				t.Fatal(err)
			}
			h.until("once the keyring is back", func(got string) bool { return strings.Contains(got, "API_TOKEN") })
			h.serves("ann")
		})
	}
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
