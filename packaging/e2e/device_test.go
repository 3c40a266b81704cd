//go:build e2e && linux

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/packaging/authserver"
	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

// TestDeviceLogin signs in from a machine that has no browser, at a server that
// nobody here wrote, with the person on another device.
func TestDeviceLogin(t *testing.T) {
	s := newStage(t, lean, desktop.Options{NoPanel: true, NoNotifications: true})
	s.stagedoor("create-profile", "work", "--provider", "oidc", "--issuer", s.server.Issuer, "--client-id", authserver.PublicClientID)

	// Denied first: that leaves nothing, and the exit status says so.
	status, out := s.deviceLogin(authserver.Browser{Account: "ada", Mode: authserver.Deny})
	if status != 1 || !strings.Contains(out, "denied") {
		t.Errorf("exit status %d: %s", status, out)
	}
	s.fails(3, "token", "work")

	status, out = s.deviceLogin(authserver.Browser{Account: "ada"})
	if status != 0 || !strings.Contains(out, "work: signed in as Ada") {
		t.Fatalf("exit status %d: %s", status, out)
	}
	inRing, ok := s.keyring(s.profiles()["work"].ID)
	if !ok || inRing.Access == "" || inRing.Refresh == "" {
		t.Fatalf("the keyring has no tokens, or none to renew (%v)", ok)
	}
	if got := strings.TrimSpace(s.stagedoor("token", "work")); got != inRing.Access {
		t.Error("the token command and the keyring differ")
	}

	// Each decision was there before the first interval was over: asked once.
	stats, err := s.server.Stats(s.soon())
	if err != nil {
		t.Fatal(err)
	}
	asked := stats.Token["urn:ietf:params:oauth:grant-type:device_code"]
	if asked["ok"] != 1 || asked["access_denied"] != 1 || asked.Total() != 2 {
		t.Errorf("token requests: %v, want one that was denied and one that was not", asked)
	}
	s.stagedoor("audit", "verify")
	if strings.Contains(s.said.String(), inRing.Access) || strings.Contains(s.said.String(), inRing.Refresh) {
		t.Error("a token was printed")
	}
}

// deviceLogin runs `login work --device` and has the person decide once the
// address is shown.
func (s *stage) deviceLogin(person authserver.Browser) (status int, said string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	cmd := s.Command(ctx, s.program, "login", "work", "--device")
	cmd.Env = append(cmd.Env, s.env...)
	status, said = onDevice(ctx, s.t, cmd, person)
	s.said.WriteString(said)
	return status, said
}

// onDevice runs a device login, and has the person open the address that it shows.
func onDevice(ctx context.Context, t *testing.T, cmd *exec.Cmd, person authserver.Browser) (status int, said string) {
	t.Helper()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for lines := bufio.NewScanner(io.TeeReader(stdout, &out)); lines.Scan(); {
		if address := strings.TrimSpace(lines.Text()); strings.HasPrefix(address, "http") && strings.Contains(address, "user_code=") {
			// After a denial the server asks for another code, so that the walk
			// has no end of its own.
			if _, err := person.Open(ctx, address); err != nil && person.Mode != authserver.Deny {
				t.Error(err)
			}
		}
	}
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode(), out.String() + errs.String()
}
