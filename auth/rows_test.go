package auth_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/authtest/fixture"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

// shape is how a provider answers, from its documentation. $ is a number that goes up.
type shape struct {
	first, again string // the answers to a login and to a refresh; again is first if empty
	life         time.Duration
	who          string // its answer to who is signed in; # is where accounts differ
	name         string // of that account
	method       string // of the client at the token endpoint
	revoked      string // "STATUS BODY" of a revocation; "" has none
	rotates      bool
	over         string // "STATUS BODY" of a refresh when the login is over, if that is not invalid_grant
	dead         string // "STATUS BODY" of who is signed in by a token that is dead, if that is not 401
	scope        string // a parameter that the authorization request has
	values       string // its answer to what else belongs to a login
}

const (
	plain   = `{"access_token":"access-token-of-a-usual-length-$","token_type":"bearer","expires_in":%d,"refresh_token":"refresh-token-of-a-usual-length-$","scope":"read"}`
	kept    = `{"access_token":"access-token-of-a-usual-length-$","token_type":"bearer","expires_in":%d}`
	endless = `{"access_token":"access-token-of-a-usual-length-$","token_type":"bearer","scope":"repo,gist"}`
)

func rotating(life time.Duration, who, name, method, revoked string) shape {
	return shape{first: fmt.Sprintf(plain, int(life/time.Second)), life: life, who: who, name: name, method: method, revoked: revoked, rotates: true}
}

func static(life time.Duration, who, name, method, revoked string) shape {
	s := rotating(life, who, name, method, revoked)
	s.again, s.rotates = fmt.Sprintf(kept, int(life/time.Second)), false
	return s
}

func (s shape) whenOver(what string) shape {
	s.over = what
	return s
}

// shapes has one for each row with addresses of its own.
var shapes = map[string]shape{
	"spotify":    static(time.Hour, `{"id":"ada#","display_name":"Ada"}`, "Ada", "none", ""),
	"tidal":      static(time.Hour, `{"data":{"id":"7#","attributes":{"username":"Ada"}}}`, "Ada", "none", ""),
	"github":     {first: endless, who: `{"login":"ada","id":1#,"name":"Ada"}`, name: "Ada", method: "post", revoked: "204 "},
	"github-app": rotating(8*time.Hour, `{"login":"ada","id":1#,"name":null}`, "ada", "post", "204 ").whenOver(`200 {"error":"bad_refresh_token","error_description":"The refresh token passed is incorrect or expired."}`),
	"gitlab":     rotating(2*time.Hour, `{"id":7#,"username":"ada","name":"Ada"}`, "Ada", "none", "200 {}"),
	"google":     static(time.Hour, `{"sub":"1234#","name":"Ada","email":"ada@example.com"}`, "Ada", "post", "200 {}"),
	"entra":      rotating(80*time.Minute, `{"id":"0d-1#","displayName":"Ada","userPrincipalName":"ada@example.com"}`, "Ada", "none", "").whenOver(`400 {"error":"interaction_required","error_description":"AADSTS50076"}`),
	"slack": {
		first: `{"ok":true,"app_id":"A1","authed_user":{"id":"U1","scope":"search:read,users:read","token_type":"user","access_token":"xoxe.xoxp-1-of-a-usual-length-$","refresh_token":"xoxe-1-of-a-usual-length-$","expires_in":43200},"team":{"id":"T1"}}`,
		again: `{"ok":true,"access_token":"xoxe.xoxp-1-of-a-usual-length-$","refresh_token":"xoxe-1-of-a-usual-length-$","token_type":"user","expires_in":43200,"scope":"search:read"}`,
		life:  12 * time.Hour, who: `{"ok":true,"user":"ada","team_id":"T1","user_id":"U1#"}`, name: "ada", method: "none", revoked: `200 {"ok":true,"revoked":true}`, rotates: true, scope: "user_scope", over: `200 {"ok":false,"error":"invalid_refresh_token"}`, dead: `200 {"ok":false,"error":"token_revoked"}`,
	},
	"notion": {
		first: `{"access_token":"ntn_access-token-of-a-usual-length-$","refresh_token":"nrt_refresh-token-of-a-usual-length-$","token_type":"bearer","bot_id":"b","owner":{"type":"user","user":{"id":"u1"}}}`,
		who:   `{"object":"user","id":"b","name":"Ada's app","bot":{"owner":{"type":"user","user":{"id":"u1#"}}}}`, name: "Ada's app", method: "basic", revoked: "200 {}",
	},
	"atlassian":  rotating(time.Hour, `{"account_id":"112233aa#","name":"Ada","email":"ada@example.com"}`, "Ada", "post", "").whenOver(`403 {"error":"unauthorized_client","error_description":"refresh_token is invalid"}`),
	"linear":     rotating(24*time.Hour, `{"data":{"viewer":{"id":"v1#","name":"Ada"}}}`, "Ada", "none", "200 {}"),
	"sentry":     rotating(30*day, "", "", "none", ""),
	"airtable":   rotating(time.Hour, `{"id":"usr1#","email":"ada@example.com"}`, "ada@example.com", "none", ""),
	"asana":      static(time.Hour, `{"data":{"gid":"12#","name":"Ada"}}`, "Ada", "post", "200 {}"),
	"hubspot":    static(30*time.Minute, "", "", "post", "200 {}").whenOver(`400 {"status":"BAD_REFRESH_TOKEN","message":"missing or invalid refresh token"}`),
	"todoist":    {first: endless, who: `{"id":"9#","full_name":"Ada"}`, name: "Ada", method: "none", revoked: "200 "},
	"cloudflare": rotating(time.Hour, `{"sub":"c1#"}`, "c1", "none", "200 "),
	"box":        rotating(time.Hour, `{"type":"user","id":"11#","name":"Ada","login":"ada@example.com"}`, "Ada", "post", "200 "),
	"dropbox":    static(4*time.Hour, `{"account_id":"dbid:1#","name":{"display_name":"Ada"}}`, "Ada", "none", "200 null"),
	"figma":      static(90*day, `{"id":"f1#","handle":"Ada"}`, "Ada", "basic", ""),
	"zoom":       rotating(time.Hour, `{"id":"zJKyaiAyTNC#","display_name":"Ada"}`, "Ada", "none", `200 {"status":"success"}`).whenOver(`401 {"reason":"Invalid Token!","error":"invalid_request"}`),
	"xero":       rotating(30*time.Minute, "", "", "none", ""),
	"discord":    rotating(7*day, `{"id":"80351110224678912#","username":"ada","global_name":"Ada"}`, "Ada", "none", "200 {}"),
	"twitch":     rotating(4*time.Hour, `{"client_id":"c","login":"ada","user_id":"141981764#"}`, "ada", "post", "200 ").whenOver(`400 {"status":400,"message":"Invalid refresh token"}`),
	"strava":     rotating(6*time.Hour, `{"id":134815#,"firstname":"Ada"}`, "Ada", "post", `200 {"access_token":"x"}`).whenOver(`400 {"message":"Bad Request","errors":[{"resource":"RefreshToken","field":"refresh_token","code":"invalid"}]}`),
	"canva":      rotating(4*time.Hour, `{"team_user":{"user_id":"u1#","team_id":"t1"}}`, "u1", "basic", "200 {}"),
	"x":          rotating(2*time.Hour, `{"data":{"id":"2244994945#","name":"Ada","username":"ada"}}`, "Ada", "none", `200 {"revoked":true}`),
	"salesforce": {
		first: `{"access_token":"00D-access-token-of-a-usual-length-$","refresh_token":"5Aep-refresh-token-of-a-usual-length-$","instance_url":"https://o.my.salesforce.com","issued_at":"1278448832702","token_type":"Bearer"}`,
		who:   `{"user_id":"005#","organization_id":"00D","name":"Ada"}`, name: "Ada", method: "none", revoked: "200 ",
	},
}

// scripted answers as the provider of a row does, for whatever host that has.
type scripted struct {
	t     testing.TB
	row   provider.Provider
	shape shape

	mu        sync.Mutex
	n         int
	account   string // what the ids end with
	redirect  string
	challenge string
	refreshes []string // refresh tokens that were shown
	over      bool     // the login is
	revoked   int
	dead      string // the end of an access token that is not good any more
}

func (p *scripted) answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
}

// say answers with "STATUS BODY".
func (p *scripted) say(what string) *http.Response {
	status, body, _ := strings.Cut(what, " ")
	n, err := strconv.Atoi(status)
	if err != nil {
		p.t.Errorf("%q: %v", what, err)
	}
	return p.answer(n, body)
}

func (p *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	body := []byte{}
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	at := "https://" + r.URL.Host + r.URL.Path
	switch {
	case r.URL.Scheme != "https":
		p.t.Errorf("a request to %s", r.URL)
	case at == p.row.Token && r.Method == http.MethodPost, p.row.Dialect.RefreshURL == at && at != "":
		return p.token(at, r, body), nil
	case at == p.row.Identity.URL:
		want := map[bool]string{true: http.MethodPost, false: http.MethodGet}[p.row.Identity.Post || p.row.Identity.Body != ""]
		if r.Method != want || !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") || string(body) != p.row.Identity.Body {
			p.t.Errorf("asked who it is by %s %s", r.Method, body)
		}
		if p.over {
			return p.say(cmp.Or(p.shape.dead, `401 {"message":"Bad credentials"}`)), nil
		}
		return p.answer(200, strings.ReplaceAll(p.shape.who, "#", p.account)), nil
	case slices.ContainsFunc(p.row.Values, func(v provider.Value) bool { return v.URL == at }):
		if r.Method != http.MethodGet || !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer access-token") {
			p.t.Errorf("asked what belongs to the login by %s", r.Method)
		}
		return p.answer(200, cmp.Or(p.shape.values, "[]")), nil
	case at == strings.ReplaceAll(p.row.Revocation, "{client_id}", "client") && at != "":
		if !strings.Contains(r.Header.Get("Authorization")+string(body), "-of-a-usual-length-") {
			p.t.Error("a revocation without a token")
		}
		if p.dead != "" && strings.Contains(r.Header.Get("Authorization")+string(body), p.dead) {
			return p.answer(404, "{}"), nil
		}
		p.revoked++
		return p.say(p.shape.revoked), nil
	default:
		p.t.Errorf("nothing is at %s %s", r.Method, r.URL)
	}
	return p.answer(404, "{}"), nil
}

// token answers a token request.
func (p *scripted) token(at string, r *http.Request, body []byte) *http.Response {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		p.t.Error(err)
	}
	_, secret, basic := r.BasicAuth()
	how := "none"
	switch {
	case basic && secret == "s3cret" && !form.Has("client_secret"):
		how = "basic"
	case !basic && form.Get("client_secret") == "s3cret" && form.Get("client_id") == "client":
		how = "post"
	}
	if how != p.shape.method {
		p.t.Errorf("the client is shown by %s, want %s", how, p.shape.method)
	}
	template := p.shape.first
	switch form.Get("grant_type") {
	case "authorization_code":
		sum := sha256.Sum256([]byte(form.Get("code_verifier")))
		if form.Get("redirect_uri") != p.redirect || base64.RawURLEncoding.EncodeToString(sum[:]) != p.challenge || at != p.row.Token {
			p.t.Errorf("the code came to %s for %s", at, form.Get("redirect_uri"))
		}
	case "refresh_token":
		p.refreshes = append(p.refreshes, form.Get("refresh_token"))
		if p.revoked > 0 || p.over {
			return p.say(cmp.Or(p.shape.over, `400 {"error":"invalid_grant"}`))
		}
		if p.shape.again != "" {
			template = p.shape.again
		}
	default:
		p.t.Errorf("a grant of the type %s", form.Get("grant_type"))
	}
	p.n++
	return p.answer(200, strings.ReplaceAll(template, "$", fmt.Sprint(p.n)))
}

// open is the user's browser, and the user says yes.
func (p *scripted) open(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	q := u.Query()
	p.mu.Lock()
	p.redirect, p.challenge = q.Get("redirect_uri"), q.Get("code_challenge")
	p.mu.Unlock()
	if u.RawQuery = ""; u.String() != p.row.Authorization || q.Get("code_challenge_method") != "S256" {
		p.t.Errorf("the browser goes to %s", u)
	}
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil {
		return err
	}
	host := "127.0.0.1"
	if p.row.Redirect.Host != "" {
		host = p.row.Redirect.Host
	}
	if back.Hostname() != host || back.Path != p.row.Redirect.Path {
		p.t.Errorf("the redirect URI is %s", back)
	}
	if p.shape.scope != "" && q.Get(p.shape.scope) == "" {
		p.t.Errorf("the request has no %s: %s", p.shape.scope, q.Encode())
	}
	back.RawQuery = url.Values{"code": {"c"}, "state": {q.Get("state")}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, back.String(), nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// Where a revocation ends the account's other logins, too, the user must hear of it.
func TestRevocationThatReachesFurther(t *testing.T) {
	for id, want := range map[string][]string{"github": {"home"}, "google": {"home"}, "gitlab": nil} {
		row, err := provider.Lookup(id)
		if err != nil {
			t.Fatal(err)
		}
		if row, err = row.With(""); err != nil {
			t.Fatal(err)
		}
		f := fixture.New(t)
		p := &scripted{t: t, row: row, shape: shapes[id]}
		params := f.Params(&http.Client{Transport: p})
		params.Browser = p.open
		k, err := auth.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		for name, account := range map[string]string{"work": "", "home": "", "else": "9"} {
			p.account = account
			n := auth.NewProfile{Name: name, Provider: id, ClientID: "client", RedirectPort: freePort(t)}
			if shapes[id].method != "none" {
				n.ClientSecret = "s3cret"
			}
			if _, err := k.CreateProfile(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			if _, err := k.Login(t.Context(), name, auth.LoginOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		r, err := k.Revoke(t.Context(), "work")
		if err != nil || !slices.Equal(r.Also, want) || strings.Contains(r.Message, "home") != (want != nil) {
			t.Errorf("%s: %+v, %v", id, r, err)
		}
	}
}

// A login that ends for want of use must not end while the app looks after it, unless
// the user wants that. Whoever uses it is warned no more.
func TestIdleLoginIsKeptAlive(t *testing.T) {
	row, err := provider.Lookup("slack")
	if err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"kept alive", "left alone", "used when warned"} {
		keep := how == "kept alive"
		f := fixture.New(t)
		p := &scripted{t: t, row: row, shape: shapes["slack"]}
		params := f.Params(&http.Client{Transport: p})
		params.Browser, params.KeepAlive = p.open, func() bool { return keep }
		k, err := auth.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		n := auth.NewProfile{Name: "work", Provider: "slack", ClientID: "client", Scopes: []string{"search:read"}, RedirectPort: freePort(t)}
		if _, err := k.CreateProfile(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Login(t.Context(), "work", auth.LoginOptions{}); err != nil {
			t.Fatal(err)
		}
		for range 120 {
			f.Clock.Advance(day)
			if err := k.CheckGrants(t.Context()); err != nil {
				t.Fatal(err)
			}
			warned := func() bool {
				open, err := k.OpenAlerts(t.Context())
				return err != nil || slices.ContainsFunc(open, func(a alert.Alert) bool { return a.Rule == "grant_expiry" })
			}
			if how != "used when warned" || !warned() {
				continue
			}
			if _, err := k.Token(t.Context(), "work", "run"); err != nil {
				t.Fatal(err)
			}
			if warned() {
				t.Fatal("it is used, and the warning stays")
			}
		}
		ends := f.View(k, "work").GrantEnds
		alerts, err := k.OpenAlerts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if keep && (len(p.refreshes) < 6 || len(p.refreshes) > 10 || ends.Before(f.Clock.Now()) || len(alerts) > 0) {
			t.Errorf("kept alive: %d refreshes in four months, it ends %v, alerts %+v", len(p.refreshes), ends, alerts)
		}
		if how == "used when warned" && (len(p.refreshes) == 0 || ends.Before(f.Clock.Now())) {
			t.Errorf("used when warned: %d refreshes, it ends %v", len(p.refreshes), ends)
		}
		if how == "left alone" && (len(p.refreshes) != 0 || ends.After(f.Clock.Now()) || len(alerts) != 1) {
			t.Errorf("left alone: %d refreshes, it ends %v, alerts %+v", len(p.refreshes), ends, alerts)
		}
	}
}

// Each provider that has a row must work as its documentation says: sign in, say who,
// hand out, refresh, notice another account, take back, and claim no more than was done.
func TestRows(t *testing.T) {
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "\nrow\tlogin\twho\ttoken\trefresh\tlogin over\tanother account\trevoke")
	for _, row := range provider.All() {
		if row.Cannot != "" || !row.Fixed() {
			continue
		}
		t.Run(row.ID, func(t *testing.T) {
			s, ok := shapes[row.ID]
			if !ok {
				t.Fatal("nothing is known of how it answers")
			}
			steps := journey(t, row, s)
			_, _ = fmt.Fprintf(w, "%s\t%s\n", row.ID, strings.Join(steps, "\t"))
		})
	}
	_ = w.Flush()
	t.Log(table.String())
}

func journey(t *testing.T, row provider.Provider, s shape) (steps []string) {
	row, err := row.With("")
	if err != nil {
		t.Fatal(err)
	}
	f := fixture.New(t)
	p := &scripted{t: t, row: row, shape: s}
	params := f.Params(&http.Client{Transport: p})
	params.Browser = p.open
	k, err := auth.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	n := auth.NewProfile{Name: "work", Provider: row.ID, ClientID: "client", RedirectPort: freePort(t)}
	if row.ClientSecret == provider.NeedsSecret || row.ClientSecret == provider.SecretButDevices {
		n.ClientSecret = "s3cret"
	}
	if s.scope != "" {
		n.Scopes = []string{"search:read", "users:read"}
	}
	if _, err := k.CreateProfile(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	r, err := k.Login(t.Context(), "work", auth.LoginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Account != s.name {
		t.Errorf("signed in as %q, want %q", r.Account, s.name)
	}
	steps = append(steps, "ok", orNone(r.Account))
	first, err := k.Token(t.Context(), "work", "test")
	if err != nil {
		t.Fatal(err)
	}
	steps = append(steps, strings.TrimSuffix(first.Expires.Sub(f.Clock.Now()).String(), "0s"))
	if first.Expires.IsZero() {
		steps[len(steps)-1] = "no known end"
	}
	if (s.life == 0) != first.Expires.IsZero() {
		t.Errorf("the token ends at %v", first.Expires)
	}
	f.Clock.Advance(max(s.life, 20*day) + time.Minute)
	if row.IdleDays != 0 || row.GrantDays != 0 {
		if v := f.View(k, "work"); s.life != 0 && v.GrantEnds.IsZero() {
			t.Error("nobody says when the login ends")
		}
	}
	second, err := k.Token(t.Context(), "work", "test")
	switch {
	case err != nil:
		t.Fatal(err)
	case s.life == 0 && second.Token != first.Token || s.life != 0 && second.Token == first.Token:
		t.Errorf("later the token is the same: %v", second.Token == first.Token)
	}
	refresh := map[bool]string{true: "rotates", false: "stays"}[s.rotates]
	if s.life == 0 {
		refresh = "not needed"
	}
	f.Clock.Advance(max(s.life, day) + time.Minute)
	if _, err := k.Token(t.Context(), "work", "test"); err != nil {
		t.Fatal(err)
	}
	if s.life != 0 && (len(p.refreshes) != 2 || (p.refreshes[0] != p.refreshes[1]) != s.rotates) {
		t.Errorf("the refresh tokens that were shown: %d", len(p.refreshes))
	}
	steps = append(steps, refresh)

	f.Clock.Advance(max(s.life, day) + time.Minute)
	p.mu.Lock()
	p.over, p.refreshes = true, nil
	p.mu.Unlock()
	ended := "noticed"
	if s.life == 0 {
		// Nothing but an API's 401 tells; then the provider is asked whether it is so.
		had, err := k.Token(t.Context(), "work", "test")
		if err != nil || had.Token != first.Token {
			t.Errorf("before anybody was refused: %v", err)
		}
		profile, err := k.Profile("work")
		if err != nil || !k.Doubt(t.Context(), profile, had) {
			t.Errorf("a token that an API refused is not doubted: %v", err)
		}
		if _, err := k.Token(t.Context(), "work", "test"); !errors.Is(err, auth.ErrLoginNeeded) {
			t.Errorf("a token that the provider refused: %v", err)
		}
		ended = "after a 401"
	}
	for range 3 {
		if _, err := k.Token(t.Context(), "work", "test"); !errors.Is(err, auth.ErrLoginNeeded) {
			t.Errorf("the login is over: %v", err)
		}
	}
	if want := map[bool]int{true: 1}[strings.Contains(s.first, "refresh_token")]; len(p.refreshes) != want {
		t.Errorf("a refresh token that is refused was shown %d times, want %d", len(p.refreshes), want)
	}
	if v := f.View(k, "work"); v.Status != auth.StatusNeedsLogin {
		t.Errorf("it is shown as %s", v.Status)
	}
	p.mu.Lock()
	p.over = false
	p.mu.Unlock()
	if _, err := k.Login(t.Context(), "work", auth.LoginOptions{}); err != nil {
		t.Errorf("signed in again: %v", err)
	}
	steps = append(steps, ended)

	another := "not noticed: " + map[bool]string{true: "nobody says who", false: ""}[s.who == ""]
	if s.who != "" {
		p.mu.Lock()
		p.account = "9"
		p.mu.Unlock()
		if r, err := k.Login(t.Context(), "work", auth.LoginOptions{}); err != nil || r.Blocked == "" {
			t.Errorf("another account signed in: %+v, %v", r, err)
		}
		if _, err := k.Token(t.Context(), "work", "test"); !errors.Is(err, auth.ErrClaimsChanged) {
			t.Errorf("its token is handed out: %v", err)
		}
		another = "refused"
	}
	steps = append(steps, another)

	outcome, err := k.Revoke(t.Context(), "work")
	if err != nil {
		t.Fatal(err)
	}
	steps = append(steps, string(outcome.Remote))
	switch {
	case row.Revocation == "" && outcome.Remote != "no endpoint",
		row.Revocation != "" && p.revoked == 0,
		row.Revocation != "" && outcome.Remote != "revoked" && outcome.Remote != "accepted":
		t.Errorf("revoked: %s after %d requests", outcome.Remote, p.revoked)
	}
	if strings.Contains(f.Log.String(), "-of-a-usual-length-") {
		t.Error("a token is in the log of the program")
	}
	return steps
}

func orNone(s string) string {
	if s == "" {
		return "not said"
	}
	return s
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
