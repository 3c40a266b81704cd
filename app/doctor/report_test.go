package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// A report is sent to strangers: nothing that somebody put into a profile, an entry, a
// variable or a setting may be in it that could be a secret, in whatever form, and no
// account. What helps is.
func TestReportHasNoSecret(t *testing.T) {
	w := newWorld(t)
	const canary = "canary" // a short plain word, which no expression would take for a secret
	_, err := w.k.CreateProfile(t.Context(), auth.NewProfile{
		Name: "planted", Provider: "oauth2", ClientID: canary + "-id", Scopes: []string{canary + ".scope"},
		Endpoints:  profile.Endpoints{Authorization: "https://localhost:9/" + canary + "?key=" + canary, Token: "https://localhost:9/" + canary, UserInfo: "https://localhost:9/" + canary},
		AuthParams: []string{"hint=" + canary}, AccountField: canary,
	})
	must(t, err)
	w.setUp("--env", "API_TOKEN={access_token}", "OTHER="+canary+" {access_token}")
	w.edit(`"--key"`, `"--header", "`+canary+`", "--key"`)
	w.edit(`"value"`, `"`+canary+`"`)
	w.edit(`"STAGEDOOR_HOME"`, `"SOME_KEY": "`+canary+`", "HTTPS_PROXY": "http://ann:`+canary+`@proxy.example", "SSL_CERT_FILE": "/etc/ca.pem", "STAGEDOOR_HOME"`)
	w.edit(`"mcpServers": {`, `"mcpServers": {"theirs": {"command": "x", "args": ["`+canary+`"], "env": {"K": "`+canary+`"}},`)
	w.edit(`"run",`, `"run", "--file", "`+canary+`", "`+canary+`",`)
	w.env = map[string]string{"HTTPS_PROXY": "ftp://ann:" + canary + "@proxy.example", "SECRET": canary}
	write(t, filepath.Join(w.State, "settings.json"), `{"version": 1, "alerts": {"failed_auth": {"muted": true}}}`, 0o600)

	var out strings.Builder
	must(t, w.Report(t.Context(), &out, w.Look(t.Context()), "1.2.3"))
	got := out.String()
	p, err := w.k.Profile("work")
	must(t, err)
	access, err := w.k.Fresh(t.Context(), p)
	must(t, err)
	for _, secret := range []string{canary, access.Token.Reveal(), p.Identity.Name, w.home, w.server.Issuer()} {
		if secret == "" || strings.Contains(got, secret) {
			t.Errorf("%q is in the report:\n%s", secret, got)
		}
	}
	for _, helps := range []string{
		"stagedoor 1.2.3", "vault: file", "alerts.failed_auth.muted = true", "work: oidc at 127.0.0.1, active", "planted: oauth2 at localhost, not configured",
		"claude-desktop (~/.config/Claude/claude_desktop_config.json)", "stagedoor run --file ••• ••• --provider 127.0.0.1 --env API_TOKEN=••• --env OTHER=••• -- server (arguments: 4) env: HTTPS_PROXY, SOME_KEY, SSL_CERT_FILE, STAGEDOOR_HOME",
		"other servers: 1", "login_succeeded, failed: 0, last " + time.Now().UTC().Format("2006-01-02"), "fail network (HTTPS_PROXY): ", "it names no proxy",
	} {
		if !strings.Contains(got, helps) {
			t.Errorf("%q is not in the report:\n%s", helps, got)
		}
	}
}

// Where hardly anything works a report is all the more wanted.
func TestReportWithoutAKeeper(t *testing.T) {
	w := newWorld(t)
	w.Keeper, w.Setup, w.Problem = nil, nil, os.ErrPermission
	var out strings.Builder
	must(t, w.Report(t.Context(), &out, w.Look(t.Context()), "1.2.3"))
	if !strings.Contains(out.String(), "fail state: ") || !strings.Contains(out.String(), "## Profiles\n\nnone") {
		t.Errorf("it says\n%s", out.String())
	}
}
