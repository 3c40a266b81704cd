//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/packaging/authserver"
)

// guest is a user of the program, with a state folder and a file vault of its own.
type guest struct {
	*testing.T
	server *authserver.Server
	home   string
	known  map[string]string // the server's endpoints
}

// addresses are the options of a profile by hand.
func (g *guest) addresses() (args []string) {
	for option, name := range map[string]string{
		"--auth-url": "authorization_endpoint", "--token-url": "token_endpoint", "--userinfo-url": "userinfo_endpoint",
		"--revoke-url": "revocation_endpoint", "--device-url": "device_authorization_endpoint",
	} {
		if at := g.known[name]; at != "" {
			args = append(args, option, at)
		}
	}
	return append(args, "--scope", "openid profile email offline_access", "--auth-param", "prompt=consent")
}

// any makes a profile by issuer where there is one.
func (g *guest) any() {
	if g.server.Issuer == "" {
		g.create("oauth2", "", g.addresses()...)
		return
	}
	g.create("oidc", "", "--issuer", g.server.Issuer)
}

func (g *guest) create(provider, secret string, args ...string) {
	g.Helper()
	if !slices.Contains(args, "--client-id") {
		args = append(args, "--client-id", authserver.PublicClientID)
	}
	if secret != "" {
		args = append(args, "--client-secret-stdin")
	}
	args = append([]string{"create-profile", "work", "--provider", provider, "--redirect-path", "/callback"}, args...)
	if said := g.with(secret, args...); said.status != 0 {
		g.Fatalf("exit status %d: %s%s", said.status, said.out, said.err)
	}
}

func (g *guest) signIn() (said string) {
	g.Helper()
	if said = g.must("login", "work"); !strings.Contains(said, "signed in as Alice") {
		g.Errorf("it says %s", said)
	}
	return said
}

func (g *guest) token() string {
	g.Helper()
	return strings.TrimSpace(g.must("token", "work"))
}

// renewed waits for the access token after this one.
func (g *guest) renewed(before string) string {
	g.Helper()
	said := g.until(func(r result) bool { return r.status != 0 || strings.TrimSpace(r.out) != before })
	if said.status != 0 {
		g.Fatalf("no token after the first: exit status %d: %s", said.status, said.err)
	}
	return strings.TrimSpace(said.out)
}

func (g *guest) until(over func(result) bool) (r result) {
	g.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		switch r = g.do("token", "work"); {
		case over(r):
			return r
		case time.Now().After(deadline):
			g.Fatalf("still exit status %d: %s", r.status, r.err)
		}
	}
}

func (g *guest) view() auth.ProfileView {
	g.Helper()
	var list []auth.ProfileView
	if err := json.Unmarshal([]byte(g.must("profiles", "--json")), &list); err != nil || len(list) != 1 {
		g.Fatalf("%d profiles, %v", len(list), err)
	}
	return list[0]
}

func (g *guest) held() authserver.Held {
	g.Helper()
	held, err := g.server.Held(g.Context())
	g.set(err)
	return held
}

// worksThere has the server take the access token.
func (g *guest) worksThere(token string) {
	g.Helper()
	get(g.T, g.known["userinfo_endpoint"], token)
}

// clean ends what the flow left at the server, and looks at what it left here.
func (g *guest) clean() {
	g.Helper()
	g.must("audit", "verify")
	g.set(g.server.EndLogins(g.Context()))
}

func (g *guest) set(err error) {
	g.Helper()
	if err != nil {
		g.Fatal(err)
	}
}

func (g *guest) must(args ...string) string {
	g.Helper()
	said := g.do(args...)
	if said.status != 0 {
		g.Fatalf("stagedoor %v: exit status %d: %s%s", args, said.status, said.out, said.err)
	}
	return said.out
}

func (g *guest) do(args ...string) result {
	g.Helper()
	return g.with("", args...)
}

func (g *guest) with(stdin string, args ...string) result {
	g.Helper()
	ctx, cancel := context.WithTimeout(g.Context(), time.Minute)
	defer cancel()
	cmd := g.command(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	_ = cmd.Run()
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// command is a call of the program. ACCOUNT=… and MODE=… among the arguments are the browser's.
func (g *guest) command(ctx context.Context, args ...string) *exec.Cmd {
	env := []string{
		"PATH=/usr/bin:/bin", "HOME=" + g.home, "STAGEDOOR_HOME=" + filepath.Join(g.home, "state"),
		"STAGEDOOR_VAULT=file", "STAGEDOOR_KEY_FILE=" + filepath.Join(g.home, "key"), "BROWSER=" + browser,
		"FAKEBROWSER_LOG=" + filepath.Join(g.home, "browser"),
	}
	args = slices.DeleteFunc(args, func(arg string) bool {
		set := strings.HasPrefix(arg, "ACCOUNT=") || strings.HasPrefix(arg, "MODE=")
		if set {
			env = append(env, "FAKEBROWSER_"+arg)
		}
		return set
	})
	cmd := exec.CommandContext(ctx, lean, args...)
	cmd.Env = env
	return cmd
}

func (g *guest) deviceLogin(person authserver.Browser) (status int, said string) {
	ctx, cancel := context.WithTimeout(g.Context(), time.Minute)
	defer cancel()
	return onDevice(ctx, g.T, g.command(ctx, "login", "work", "--device"), person)
}

// get reads the texts of a JSON object, of an API that takes the token.
func get(t *testing.T, address, token string) map[string]string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	members, texts := map[string]any{}, map[string]string{}
	if err := json.NewDecoder(res.Body).Decode(&members); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s answered %s, %v", address, res.Status, err)
	}
	for name, value := range members {
		texts[name], _ = value.(string)
	}
	return texts
}
