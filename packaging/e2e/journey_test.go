//go:build e2e && linux

package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/packaging/authserver"
	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

// TestJourney is the main job from a user's first command to the last
// revocation, on real parts only.
func TestJourney(t *testing.T) {
	argv := watchArgv(t)
	s := newStage(t, full, desktop.Options{})
	var canaries []string
	keep := func(values ...string) { canaries = append(canaries, values...) }
	keep(authserver.ConfidentialSecret)

	// A confidential client, so that there is a client secret to keep.
	s.stagedoorIn(authserver.ConfidentialSecret+"\n", "create-profile", "work", "--provider", "oidc",
		"--issuer", s.server.Issuer, "--client-id", authserver.ConfidentialClientID, "--client-secret-stdin")
	s.stagedoor("create-profile", "home", "--provider", "oidc", "--issuer", s.server.Issuer, "--client-id", authserver.PublicClientID)
	work := s.profiles()["work"]

	// Sign in through the server's own pages.
	s.env = append(s.env, "FAKEBROWSER_ACCOUNT=ada")
	if out := s.stagedoor("login", "work"); !strings.Contains(out, "signed in as Ada") {
		t.Fatalf("login said %q", out)
	}
	inRing, ok := s.keyring(work.ID)
	if !ok || inRing.Access == "" || inRing.Refresh == "" {
		t.Fatalf("secret-tool finds no tokens in the keyring (%v)", ok)
	}
	keep(inRing.Access, inRing.Refresh)
	if got := strings.TrimSpace(s.stagedoor("token", "work")); got != inRing.Access {
		t.Error("the token command and the keyring differ")
	}

	// Claude Desktop's config, and a client that starts the server from it.
	config := s.home(".config", "Claude", "claude_desktop_config.json")
	set := s.stagedoor("setup", "--env", "API_TOKEN={access_token}", "--", node(), script("@modelcontextprotocol", "server-everything", "dist", "index.js"))
	if text := s.read(config); strings.Contains(text, inRing.Access) || !strings.Contains(text, `"run"`) {
		t.Fatalf("the config is not as it should be:\n%s", text)
	}
	if out := s.inspect(config, "tools/list"); !strings.Contains(out, `"get-env"`) {
		t.Fatalf("the inspector lists no get-env:\n%s", out)
	} else if !regexp.MustCompile(`(?m)^oidc: 1\d tools, \d`).MatchString(set) { // some of its tools are for what the client can do
		t.Errorf("the set-up does not say how many tools there are:\n%s", set)
	}
	s.serverSees(config, inRing.Access, inRing.Refresh)
	if r := s.exec("", lean, "run", "--profile", "work", "--env", "API_TOKEN={access_token}", "--", "sh", "-c", "test -n \"$API_TOKEN\" && exit 9"); r.status != 9 {
		t.Errorf("the lean build's launcher ended with %d: %s", r.status, r.err)
	}

	// Claude Code is another client that reads the same shape.
	s.stagedoor("setup", "claude-code")
	if r := s.exec("", script(".bin", "claude"), "mcp", "list"); !regexp.MustCompile(`oidc:.*Connected`).MatchString(r.out) {
		t.Errorf("claude mcp list does not say Connected:\n%s%s", r.out, r.err)
	}

	// A server that is not installed is written, and said not to start.
	if said := s.fails(1, "setup", "--name", "broken", "--env", "API_TOKEN={access_token}", "--", "python3", "-m", "no_such_server"); !strings.Contains(said, "the Python module no_such_server is not installed for ") {
		t.Errorf("of a server that is not installed:\n%s", said)
	}
	s.stagedoor("setup", "--remove", "--name", "broken")

	// A token that ends; the next start brings a new one.
	s.ttl(4 * time.Second)
	s.stagedoor("login", "work")
	short, _ := s.keyring(work.ID)
	keep(short.Access, short.Refresh)
	s.ttl(time.Hour)
	waitUntil(short.Expires)
	before := s.refreshes()
	s.inspect(config, "tools/list")
	renewed, _ := s.keyring(work.ID)
	keep(renewed.Access, renewed.Refresh)
	if renewed.Access == short.Access || renewed.Refresh == short.Refresh {
		t.Error("the next start did not bring new tokens, the refresh token rotated too")
	}
	s.serverSees(config, renewed.Access, renewed.Refresh)
	if n := s.refreshes() - before; n != 1 {
		t.Errorf("%d refreshes, want one for both starts", n)
	}

	// The tray, by real clicks. Claude has an entry of somebody else by now.
	const foreign = `{"mcpServers":{"oidc":{"url":"https://mcp.example.com"}}}`
	if err := os.WriteFile(config, []byte(foreign), 0o600); err != nil {
		t.Fatal(err)
	}
	s.tray()
	s.menuHas("work · " + s.provider() + " — signed in as Ada")
	s.openMenu("tray-menu")
	s.click("Profiles", "home · "+s.provider()+" — not signed in")
	s.menuHas("home · " + s.provider())
	if !s.profiles()["home"].Active {
		t.Error("the click did not switch the profile")
	}
	s.click("Sign in")
	s.notified("signed in as Ada")
	home := s.profiles()["home"]
	homeTokens, ok := s.keyring(home.ID)
	if !ok {
		t.Fatal("the login by click left nothing in the keyring")
	}
	keep(homeTokens.Access, homeTokens.Refresh)
	s.stagedoor("use", "work") // the tray follows the command line
	s.menuHas("work · " + s.provider() + " — signed in as Ada")
	s.openMenu("tray-profiles", "Profiles")
	s.openMenu("tray-setup", "Set up Claude Desktop…")
	if s.menuHas("Set up Claude Desktop…"); s.read(config) != foreign {
		t.Error("the question alone changed Claude's config")
	}
	s.click("Set up Claude Desktop…", "Change the entry now")
	s.notified("Claude Desktop has the server")
	if !strings.Contains(s.read(config), `"run"`) {
		t.Error("the click did not set up Claude Desktop")
	}
	s.openMenu("tray-revoke", "Revoke…")
	s.click("Revoke…", "Revoke work now")
	s.notified("Revoked at 127.0.0.1")
	s.picture("notification-revoked")

	// Gone at the provider and here.
	if code := s.refreshAtProvider(renewed.Refresh); code != "invalid_grant" {
		t.Errorf("the provider answers a refresh with %q", code)
	}
	if _, ok := s.keyring(work.ID); ok {
		t.Error("the keyring still has the tokens")
	}
	s.fails(3, "token", "work")
	s.stagedoor("audit", "verify")

	// The audit window, by click.
	s.click("Audit log…")
	if _, err := s.WaitWindow(s.soon(), "(?i)audit"); err != nil {
		t.Fatal(err)
	}
	s.settle("audit-window")

	// Six failed logins.
	s.env = append(s.env, "FAKEBROWSER_MODE=deny")
	for range 6 {
		s.fails(1, "login", "work")
	}
	n := s.notified("6 failed logins")
	if !strings.Contains(n.Summary+n.Body, "work") {
		t.Errorf("the notification does not name the profile: %+v", n)
	}
	s.settle("notification-failed-logins")
	s.menuHas("Alerts (1)…")
	s.openMenu("tray-alert")
	if r := s.exec("", s.program, "alerts"); r.status != 5 || !strings.Contains(r.out, "failed_auth") {
		t.Errorf("stagedoor alerts: exit status %d\n%s", r.status, r.out)
	}
	s.stagedoor("audit", "verify")
	s.stagedoor("audit", "200")
	s.stagedoor("delete-profile", "home")
	s.stagedoor("delete-profile", "work")
	items, err := s.SecretSearch(s.soon(), map[string]string{"service": "stagedoor"})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range items {
		if strings.Contains(item.Attributes["username"], "profile/") {
			t.Errorf("left in the keyring: %s", item.Attributes["username"])
		}
	}
	s.noCanary(canaries, argv())
}

// A locked or absent keyring is exit status 4 and advice, and never a file.
func TestKeyringLockedOrAbsent(t *testing.T) {
	s := newStage(t, lean, desktop.Options{NoPanel: true, NoNotifications: true})
	s.stagedoor("create-profile", "work", "--provider", "oidc", "--issuer", s.server.Issuer, "--client-id", authserver.PublicClientID)
	s.stagedoor("login", "work")
	if err := s.LockKeyring(s.soon()); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "STAGEDOOR_KEYCHAIN_WAIT=2")
	for _, args := range [][]string{{"token", "work"}, {"login", "work"}, {"run", "--env", "T={access_token}", "--", "true"}} {
		if said := s.fails(4, args...); !strings.Contains(said, "locked") || !strings.Contains(said, "hint: unlock") {
			t.Errorf("%v said %q", args, said)
		}
	}
	if err := s.UnlockKeyring(s.soon()); err != nil {
		t.Fatal(err)
	}
	s.stagedoor("token", "work")
	s.stagedoor("audit", "verify")

	bare := newStage(t, lean, desktop.Options{NoKeyring: true, NoPanel: true, NoNotifications: true})
	bare.env = append(bare.env, "STAGEDOOR_KEYCHAIN_WAIT=2")
	bare.stagedoor("create-profile", "work", "--provider", "oidc", "--issuer", bare.server.Issuer, "--client-id", authserver.PublicClientID)
	if said := bare.fails(4, "login", "work"); !strings.Contains(said, "STAGEDOOR_VAULT=file") {
		t.Errorf("without a keyring login said %q", said)
	}
}

// inspect has MCP Inspector start the server from a config and call a method.
// It gives the server hardly any environment, as desktop clients do.
func (s *stage) inspect(config, method string, args ...string) string {
	s.t.Helper()
	all := append([]string{
		script("@modelcontextprotocol", "inspector", "clients", "launcher", "build", "index.js"),
		"--cli", "--config", config, "--server", "oidc", "--method", method,
	}, args...)
	r := s.exec("", node(), all...)
	if r.status != 0 {
		s.t.Fatalf("inspector %s: exit status %d\n%s%s", method, r.status, r.out, r.err)
	}
	return r.out
}

// serverSees asks server-everything for its environment: the access token is
// there, and neither the refresh token nor the client secret nor anything else
// of ours.
func (s *stage) serverSees(config, access, refresh string) {
	s.t.Helper()
	env := s.inspect(config, "tools/call", "--tool-name", "get-env")
	if !strings.Contains(env, access) {
		s.t.Error("the server did not get the access token")
	}
	for what, value := range map[string]string{"the refresh token": refresh, "the client secret": authserver.ConfidentialSecret, "STAGEDOOR_ variables": "STAGEDOOR_", "the session bus": "DBUS_SESSION"} {
		if strings.Contains(env, value) {
			s.t.Errorf("the server got %s", what)
		}
	}
}

// provider is what the server is called in the menu: its host.
func (s *stage) provider() string { return strings.TrimPrefix(s.server.Issuer, "http://") }

func (s *stage) ttl(d time.Duration) {
	s.t.Helper()
	if err := s.server.SetTTL(s.soon(), d); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) refreshes() int {
	s.t.Helper()
	stats, err := s.server.Stats(s.soon())
	if err != nil {
		s.t.Fatal(err)
	}
	return stats.Refreshes().Total()
}

// refreshAtProvider tries a refresh token as a thief would and returns the
// error code.
func (s *stage) refreshAtProvider(token string) string {
	s.t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	req, err := http.NewRequestWithContext(s.soon(), http.MethodPost, s.server.Issuer+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(authserver.ConfidentialClientID, authserver.ConfidentialSecret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Error string `json:"error"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		s.t.Fatal(err)
	}
	return answer.Error
}

// openMenu takes a picture of the menu with an item highlighted, and closes it.
func (s *stage) openMenu(name string, labels ...string) {
	s.t.Helper()
	if err := s.OpenMenu(s.soon(), labels...); err != nil {
		s.t.Fatal(err)
	}
	s.picture(name)
	if err := s.CloseMenu(s.soon()); err != nil {
		s.t.Fatal(err)
	}
}

// settle takes pictures until two in a row are the same, so that the one kept
// shows a finished window.
func (s *stage) settle(name string) {
	s.t.Helper()
	path := filepath.Join(pictures, name+".png")
	last := ""
	for ctx := s.soon(); ctx.Err() == nil; {
		s.picture(name)
		data, err := os.ReadFile(path)
		if err != nil {
			s.t.Fatal(err)
		}
		if string(data) == last {
			return
		}
		last = string(data)
		timer, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		<-timer.Done()
		cancel()
	}
}

func waitUntil(t time.Time) { <-time.After(time.Until(t)) }
