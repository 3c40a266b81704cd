package auth_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// soakDir has a child process join the soak in that state folder.
const soakDir = "STAGEDOOR_SOAK_TEST_DIR"

// openSoak makes a Keeper with a file vault on the folder, at the time of *clock.
func openSoak(dir string, clock *authtest.Clock) (*auth.Keeper, error) {
	v, err := vault.Open(vault.Params{Kind: vault.File, Dir: dir, PassphraseFile: filepath.Join(filepath.Dir(dir), "passphrase")})
	if err != nil {
		return nil, err
	}
	return auth.New(context.Background(), auth.Params{
		Dir: dir, Vault: v, HTTP: &http.Client{}, Browser: (&authtest.Browser{}).Open, Now: clock.Now, Rand: rand.Reader,
		Actor: "test", PID: os.Getpid(), Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
}

// TestSoakChild is one of the processes: for every time it reads it prints the
// token that it gets then.
func TestSoakChild(t *testing.T) {
	dir := os.Getenv(soakDir)
	if dir == "" {
		t.Skip("runs as a child of TestSoak")
	}
	clock := authtest.NewClock()
	k, err := openSoak(dir, clock)
	if err != nil {
		t.Fatal(err)
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		seconds, err := strconv.ParseInt(in.Text(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		clock.Set(time.Unix(seconds, 0).UTC())
		access, err := k.Token(t.Context(), "work", "run")
		if err != nil {
			fmt.Println("error:", err)
			continue
		}
		fmt.Println(access.Token.Reveal())
	}
}

// soaker is a child, seen from the test.
type soaker struct {
	in  io.WriteCloser
	out *bufio.Scanner
	cmd *exec.Cmd
}

func startSoaker(t *testing.T, dir string) *soaker {
	t.Helper()
	s := &soaker{cmd: exec.Command(os.Args[0], "-test.run=^TestSoakChild$")}
	s.cmd.Env = append(os.Environ(), soakDir+"="+dir)
	s.cmd.Stderr = os.Stderr
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.out = bufio.NewScanner(out)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.in.Close()
		_ = s.cmd.Wait()
	})
	return s
}

// Eight processes whose token ends again and again: each time one request goes
// out and all eight get the same token. The provider would take back the whole
// grant at the first refresh token that it sees twice. 1,000 expiries with
// STAGEDOOR_LONG=1, 40 otherwise.
func TestSoak(t *testing.T) {
	expiries := 40
	switch {
	case os.Getenv("STAGEDOOR_LONG") != "":
		expiries = 1000
	case testing.Short():
		expiries = 10
	}
	const processes = 8
	server, err := authtest.NewServer(authtest.Params{Rotation: authtest.FamilyRevoking})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "passphrase"), []byte("a passphrase for tests"), 0o600); err != nil {
		t.Fatal(err)
	}
	clock := authtest.NewClock()
	k, err := openSoak(dir, clock)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.CreateProfile(t.Context(), auth.NewProfile{Name: "work", Provider: "oidc", Issuer: server.Issuer(), ClientID: "client"}); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Login(t.Context(), "work", auth.LoginOptions{}); err != nil {
		t.Fatal(err)
	}
	var children []*soaker
	for range processes {
		children = append(children, startSoaker(t, dir))
	}
	begin := time.Now()
	for n := 1; n <= expiries; n++ {
		clock.Advance(2 * time.Hour)
		tokens := make([]string, processes)
		var wg sync.WaitGroup
		for i, c := range children {
			wg.Go(func() {
				_, _ = fmt.Fprintln(c.in, clock.Now().Unix())
				if c.out.Scan() {
					tokens[i] = c.out.Text()
				}
			})
		}
		wg.Wait()
		for _, token := range tokens {
			if token != tokens[0] || !strings.HasPrefix(token, "access-") || !server.AccessValid(secret.String(token)) {
				t.Fatalf("expiry %d: the processes got %q", n, tokens)
			}
		}
		if posts := server.Counts().Grants["refresh_token"]; posts != n {
			t.Fatalf("after %d expiries there were %d requests", n, posts)
		}
	}
	if reuse := server.Counts().Reuse; reuse != 0 {
		t.Errorf("%d refresh tokens were sent twice", reuse)
	}
	if events, err := k.Events(t.Context(), audit.Query{Name: audit.ReuseDetected}); err != nil || len(events) > 0 {
		t.Errorf("false alarms: %+v, %v", events, err)
	}
	t.Logf("%d expiries, %d processes, %d requests, %v", expiries, processes, server.Counts().Grants["refresh_token"], time.Since(begin).Round(time.Millisecond))
}
