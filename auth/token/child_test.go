package token

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// childEnv carries a plan to a child process, which is this test binary.
const childEnv = "STAGEDOOR_TOKEN_TEST_CHILD"

// TestChildProcess is the child: it does what its plan says and is killed on
// the way, by itself or by its parent.
func TestChildProcess(t *testing.T) {
	text := os.Getenv(childEnv)
	if text == "" {
		t.Skip("runs as a child of other tests")
	}
	var p plan
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	h, err := p.open()
	if err != nil {
		t.Fatal(err)
	}
	h.step = func(name string) {
		if name == p.Step {
			self, _ := os.FindProcess(os.Getpid())
			_ = self.Kill()
			select {} // the signal is on its way
		}
	}
	ctx := t.Context()
	switch p.Do {
	case "fresh":
		_, err = h.Fresh(ctx, h.grant)
	case "revoke":
		_, err = h.Revoke(ctx, h.grant)
	case "login", "cancelled login", "refused login":
		switch p.Do {
		case "refused login":
			h.confirming = func() error { return oauth.ErrOtherAccount }
		case "cancelled login":
			var cancel context.CancelFunc
			ctx, cancel = context.WithCancel(ctx)
			h.redeemed = cancel
		}
		_, err = h.finish(ctx, oauth.Tokens{
			Access: secret.String(p.Login.Access), Refresh: secret.String(p.Login.Refresh), Type: "Bearer",
			Issued: h.Now(), Expires: h.Now().Add(time.Hour),
		})
	case "loop":
		if _, err = h.Load(ctx, profileID); err != nil { // opens the vault
			break
		}
		fmt.Println("ready")
		for {
			h.later()
			if _, err = h.Fresh(ctx, h.grant); err != nil {
				break
			}
		}
	}
	fmt.Fprintln(os.Stderr, "the child came to an end:", err)
}

// child starts this binary on the plan.
func child(p plan) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^TestChildProcess$")
	cmd.Env = append(os.Environ(), childEnv+"="+p.encode())
	return cmd
}

// dies runs a child that must be killed at the step.
func (r *rig) dies(do, step string) {
	r.t.Helper()
	p := r.plan
	p.Clock, p.Do, p.Step = r.clock.Load(), do, step
	r.run(p)
}

// diesWith runs a child that finishes a login and must be killed at the step.
func (r *rig) diesWith(t oauth.Tokens, do, step string) {
	r.t.Helper()
	p := r.plan
	p.Clock, p.Do, p.Step = r.clock.Load(), do, step
	p.Login = loginForChild{Access: t.Access.Reveal(), Refresh: t.Refresh.Reveal()}
	r.run(p)
}

// run runs a child that must be killed.
func (r *rig) run(p plan) {
	r.t.Helper()
	out, err := child(p).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Exited() {
		r.t.Fatalf("the child was not killed at %q: %v\n%s", p.Step, err, out)
	}
}

// killAfter starts a child that refreshes without end, and kills it when a
// while has gone by since it was ready.
func (r *rig) killAfter(while time.Duration) {
	r.t.Helper()
	p := r.plan
	p.Clock, p.Do = r.clock.Load(), "loop"
	cmd := child(p)
	out, err := cmd.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "ready\n" {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		r.t.Fatalf("the child said %q, %v", line, err)
	}
	<-time.After(while) // not a wait for something: the moment of the kill is the point
	_ = cmd.Process.Kill()
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Exited() {
		r.t.Fatalf("the child ended by itself: %v", err)
	}
}
