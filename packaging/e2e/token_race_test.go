//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/packaging/authserver"
	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

// A hundred MCP servers that start at once with one expired token: the provider
// sees one request, and all of them get the same fresh token. A real
// authorization server takes back the whole grant at the second request with
// one refresh token.
func TestHundredProcessesOneRefresh(t *testing.T) {
	t.Run("file vault", func(t *testing.T) {
		server, err := authserver.Start(context.Background(), authserver.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Close)
		hundred(t, server, newFileHouse(t))
	})
	t.Run("keyring", func(t *testing.T) {
		s := newStage(t, lean, desktop.Options{NoPanel: true, NoNotifications: true})
		hundred(t, s.server, func(ctx context.Context, args ...string) *exec.Cmd {
			cmd := s.Command(ctx, lean, args...)
			cmd.Env = append(cmd.Env, s.env...)
			return cmd
		})
	})
}

// starter makes a command line call of the program in one state folder.
type starter func(ctx context.Context, args ...string) *exec.Cmd

// newFileHouse is a state folder with the encrypted file as its vault, and no
// desktop.
func newFileHouse(t *testing.T) starter {
	dir := t.TempDir()
	pass := filepath.Join(dir, "passphrase")
	if err := os.WriteFile(pass, []byte("a passphrase for tests"), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, lean, args...)
		cmd.Env = []string{
			"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "STAGEDOOR_HOME=" + filepath.Join(dir, "state"), "STAGEDOOR_VAULT=file",
			"STAGEDOOR_PASSPHRASE_FILE=" + pass, "BROWSER=" + browser, "FAKEBROWSER_ACCOUNT=ada",
		}
		return cmd
	}
}

func (start starter) must(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := start(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("stagedoor %v: %v\n%s%s", args, err, out.String(), errs.String())
	}
	return strings.TrimSpace(out.String())
}

func hundred(t *testing.T, server *authserver.Server, start starter) {
	ctx := t.Context()
	ttl := func(d time.Duration) {
		t.Helper()
		if err := server.SetTTL(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	start.must(t, "create-profile", "work", "--provider", "oidc", "--issuer", server.Issuer, "--client-id", authserver.PublicClientID)
	ttl(2 * time.Second)
	start.must(t, "login", "work")
	expired := time.Now().Add(2 * time.Second)
	ttl(time.Hour)
	if err := server.ResetStats(ctx); err != nil {
		t.Fatal(err)
	}
	waitUntil(expired)

	const processes = 100
	tokens := make([]string, processes)
	begin := time.Now()
	var wg sync.WaitGroup
	for i := range processes {
		wg.Go(func() { tokens[i] = start.must(t, "token", "work") })
	}
	wg.Wait()
	took := time.Since(begin)
	different := map[string]bool{}
	for _, token := range tokens {
		different[token] = true
	}
	if len(different) != 1 || different[""] {
		t.Errorf("%d different tokens", len(different))
	}
	stats, err := server.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := stats.Refreshes(); got.Total() != 1 || got["ok"] != 1 {
		t.Errorf("the provider saw %v, want one request", got)
	}
	t.Logf("%d processes, %d different tokens, requests %v, %v in all", processes, len(different), stats.Refreshes(), took.Round(time.Millisecond))
	start.must(t, "audit", "verify")
	// And it is a good one: the next refresh works.
	ttl(time.Hour)
	start.must(t, "revoke", "work")
}

// An answer that got lost on the way is told as what it is, and is no theft.
func TestLostAnswerIsToldAsSuch(t *testing.T) {
	server, err := authserver.Start(context.Background(), authserver.Options{TTL: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	start := newFileHouse(t)
	start.must(t, "create-profile", "work", "--provider", "oidc", "--issuer", server.Issuer, "--client-id", authserver.PublicClientID)
	start.must(t, "login", "work")
	waitUntil(time.Now().Add(2 * time.Second))
	if err := server.DropNext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	fails := func(status int) string {
		t.Helper()
		cmd := start(t.Context(), "token", "work")
		var errs bytes.Buffer
		cmd.Stderr = &errs
		_ = cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != status {
			t.Fatalf("exit status %d, want %d\n%s", got, status, errs.String())
		}
		return errs.String()
	}
	fails(1)         // no answer came
	said := fails(3) // the next one finds out that the token is spent
	if !strings.Contains(said, "the provider's answer to the last refresh was lost") || !strings.Contains(said, "hint: sign in: stagedoor login work") {
		t.Errorf("the user hears %q", said)
	}
	if out := start.must(t, "audit", "work", "50", "--json"); !strings.Contains(out, "lost_response") || strings.Contains(out, "token_reuse_detected") {
		t.Errorf("the book says\n%s", out)
	}
	start.must(t, "login", "work")
	start.must(t, "token", "work")
}
