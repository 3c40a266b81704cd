package oauth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

const (
	codeAnswer    = `{"device_code":"dc-1","user_code":"WDJB-MJHT","verification_uri":"https://login.example/device","expires_in":300}`
	pendingAnswer = `{"error":"authorization_pending"}`
	slowAnswer    = `{"error":"slow_down"}`
	tokenAnswer   = `{"access_token":"a1","token_type":"Bearer","expires_in":3600,"refresh_token":"r1"}`
)

// devicePlay is an authorization server in synctest's bubble: it plays its
// answers and notes when it was asked.
type devicePlay struct {
	code    reply   // to the device authorization request
	replies []reply // to the token requests; the last one is repeated
	at      []time.Duration
	forms   []url.Values
	start   time.Time
}

// reply is an answer; status 0 means 200 for a body with a token, else 400.
type reply struct {
	status int
	body   string
	header http.Header
	fail   bool // no answer until the client gives up
}

func (p *devicePlay) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	p.forms = append(p.forms, form)
	answer := p.code
	if r.URL.Path == "/token" {
		p.at = append(p.at, time.Since(p.start))
		answer = p.replies[min(len(p.at), len(p.replies))-1]
	}
	if answer.fail {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if answer.status == 0 {
		if answer.status = 400; !strings.Contains(answer.body, `"error"`) {
			answer.status = 200
		}
	}
	header := answer.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	return &http.Response{StatusCode: answer.status, Header: header, Body: io.NopCloser(strings.NewReader(answer.body)), Request: r}, nil
}

// device logs in on the stage of p. The test runs in a bubble.
func (p *devicePlay) device(t *testing.T, ctx context.Context, change func(*oauth.DeviceRequest)) (oauth.Tokens, []oauth.DeviceCode, error) {
	t.Helper()
	w, err := oauth.NewWire(oauth.Params{HTTP: &http.Client{Transport: p}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	var codes []oauth.DeviceCode
	r := oauth.DeviceRequest{
		Endpoints: oauth.Endpoints{
			Authorization: "https://login.example/authorize", Token: "https://login.example/token",
			DeviceAuthorization: "https://login.example/device_authorization",
		},
		Client: oauth.Client{ID: "app"}, Scopes: []string{"music.read"},
		OnCode: func(c oauth.DeviceCode) { codes = append(codes, c) },
	}
	if change != nil {
		change(&r)
	}
	p.start = time.Now()
	tokens, err := w.Device(ctx, r)
	return tokens, codes, err
}

func seconds(list ...int) []time.Duration {
	var out []time.Duration
	for _, s := range list {
		out = append(out, time.Duration(s)*time.Second)
	}
	return out
}

// A client that asks too often is throttled or banned, one that asks too rarely
// keeps its user waiting: every request has its second (RFC 8628 section 3.5).
func TestT15DeviceIntervals(t *testing.T) {
	with := func(field string) string { return strings.TrimSuffix(codeAnswer, "}") + "," + field + "}" }
	pending, slow, token := reply{body: pendingAnswer}, reply{body: slowAnswer}, reply{body: tokenAnswer}
	down, silent := reply{status: 503, body: `{}`}, reply{fail: true}
	for _, tc := range []struct {
		says    string
		code    string
		replies []reply
		want    []time.Duration
	}{
		{"five seconds where the provider names none", codeAnswer, []reply{pending, pending, token}, seconds(5, 10, 15)},
		{"the provider's own interval", with(`"interval":7`), []reply{pending, pending, token}, seconds(7, 14, 21)},
		{"a shorter one too", with(`"interval":1`), []reply{pending, token}, seconds(1, 2)},
		{"in quotes", with(`"interval":"2"`), []reply{pending, token}, seconds(2, 4)},
		{"zero, negative and words are none", with(`"interval":0`), []reply{pending, token}, seconds(5, 10)},
		{"negative", with(`"interval":-3`), []reply{pending, token}, seconds(5, 10)},
		{"words", with(`"interval":"soon"`), []reply{pending, token}, seconds(5, 10)},
		{"slow_down adds five seconds for good", with(`"interval":2`), []reply{slow, pending, pending, token}, seconds(2, 9, 16, 23)},
		{"and again", codeAnswer, []reply{slow, slow, pending, token}, seconds(5, 15, 30, 45)},
		{"slow_down with status 200", codeAnswer, []reply{{status: 200, body: slowAnswer}, token}, seconds(5, 15)},
		{"pending with status 428", codeAnswer, []reply{{status: 428, body: pendingAnswer}, token}, seconds(5, 10)},
		{"the pause doubles while the provider is down, and no longer", codeAnswer, []reply{down, down, pending, token}, seconds(5, 15, 35, 40)},
		// The client gives up after 15 s, then waits twice as long.
		{"the pause doubles while it does not answer", codeAnswer, []reply{silent, silent, pending, token}, seconds(5, 5+15+10, 30+15+20, 70)},
		{"Retry-After is kept", codeAnswer, []reply{{status: 429, body: `{}`, header: http.Header{"Retry-After": {"60"}}}, token}, seconds(5, 65)},
	} {
		t.Run(tc.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &devicePlay{code: reply{body: tc.code}, replies: tc.replies}
				tokens, codes, err := p.device(t, t.Context(), nil)
				if err != nil || tokens.Access != "a1" || tokens.Refresh != "r1" {
					t.Fatalf("%v, %v", tokens, err)
				}
				if diff := cmp.Diff(tc.want, p.at); diff != "" {
					t.Errorf("token requests at (-want +got):\n%s", diff)
				}
				want := []oauth.DeviceCode{{UserCode: "WDJB-MJHT", VerificationURI: "https://login.example/device", Expires: p.start.UTC().Add(5 * time.Minute)}}
				if diff := cmp.Diff(want, codes); diff != "" {
					t.Errorf("the code (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// However a device login ends, it says why, in the same words as a login in
// the browser, and at the right moment.
func TestT15DeviceEnds(t *testing.T) {
	pending := reply{body: pendingAnswer}
	for _, tc := range []struct {
		says    string
		replies []reply
		cancel  time.Duration
		want    error
		took    time.Duration
		asked   int
	}{
		{says: "the user denied it", replies: []reply{pending, {body: `{"error":"access_denied"}`}}, want: oauth.ErrDenied, took: 10 * time.Second, asked: 2},
		{says: "the provider says that the code expired", replies: []reply{pending, {body: `{"error":"expired_token"}`}}, want: oauth.ErrTimeout, took: 10 * time.Second, asked: 2},
		{says: "nobody used the code in its five minutes", replies: []reply{pending}, want: oauth.ErrTimeout, took: 5 * time.Minute, asked: 59},
		{says: "the provider is down until the code ends", replies: []reply{{status: 503}}, want: oauth.ErrTimeout, took: 5 * time.Minute, asked: 5},
		{says: "the caller calls it off while waiting", replies: []reply{pending}, cancel: 12 * time.Second, want: oauth.ErrCancelled, took: 12 * time.Second, asked: 2},
		{says: "the caller calls it off during a request", replies: []reply{{fail: true}}, cancel: 6 * time.Second, want: oauth.ErrCancelled, took: 6 * time.Second, asked: 1},
		{says: "an answer that is no answer", replies: []reply{{status: 200, body: `hello`}}, want: oauth.ErrMalformed, took: 5 * time.Second, asked: 1},
		{says: "a token that is none", replies: []reply{{status: 200, body: `{"access_token":"a\nb"}`}}, want: oauth.ErrMalformed, took: 5 * time.Second, asked: 1},
		{says: "a redirect", replies: []reply{{status: 302, header: http.Header{"Location": {"https://evil.example/"}}}}, want: oauth.ErrRedirect, took: 5 * time.Second, asked: 1},
	} {
		t.Run(tc.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tc.cancel > 0 {
					time.AfterFunc(tc.cancel, cancel)
				}
				p := &devicePlay{code: reply{body: codeAnswer}, replies: tc.replies}
				tokens, _, err := p.device(t, ctx, nil)
				wantError(t, err, tc.want)
				if tokens.Access != "" {
					t.Error("there are tokens all the same")
				}
				if took := time.Since(p.start); took != tc.took || len(p.at) != tc.asked {
					t.Errorf("it took %v and %d token requests, want %v and %d", took, len(p.at), tc.took, tc.asked)
				}
				if errors.Is(err, oauth.ErrTimeout) && hint.Of(err) == "" {
					t.Error("the error does not say what to do")
				}
			})
		})
	}
}

// "Not yet" counts in whatever words and with whatever status it comes.
func TestDeviceAnswersInOtherWords(t *testing.T) {
	granted := reply{status: 200, body: `{"access_token":"a","token_type":"bearer"}`}
	for _, tc := range []struct {
		says  string
		first reply
		want  error
		took  time.Duration
	}{
		{says: "Twitch", first: reply{status: 400, body: `{"status":400,"message":"authorization_pending"}`}, took: 10 * time.Second},
		{says: "GitHub", first: reply{status: 200, body: `{"error":"authorization_pending","interval":5}`}, took: 10 * time.Second},
		{says: "Google", first: reply{status: 428, body: `{"error":"authorization_pending"}`}, took: 10 * time.Second},
		{says: "a 403", first: reply{status: 403, body: `{"error":"slow_down"}`}, took: 15 * time.Second},
		{says: "a 200 with nothing but a message", first: reply{status: 200, body: `{"message":"Authorization pending."}`}, took: 10 * time.Second},
		{says: "beside invalid_request", first: reply{status: 400, body: `{"error":"invalid_request","message":"authorization_pending"}`}, took: 10 * time.Second},
		{says: "slow down in words", first: reply{status: 400, body: `{"message":"You are polling too frequently"}`}, took: 15 * time.Second},
		{says: "expired in a message", first: reply{status: 400, body: `{"message":"device code expired"}`}, want: oauth.ErrTimeout, took: 5 * time.Second},
		{says: "denied in a message", first: reply{status: 403, body: `{"message":"access_denied"}`}, want: oauth.ErrDenied, took: 5 * time.Second},
	} {
		t.Run(tc.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &devicePlay{code: reply{body: codeAnswer}, replies: []reply{tc.first, granted}}
				tokens, _, err := p.device(t, t.Context(), nil)
				if !errors.Is(err, tc.want) || tokens.Access.Empty() != (tc.want != nil) || time.Since(p.start) != tc.took {
					t.Errorf("%v after %v, want %v after %v", err, time.Since(p.start), tc.want, tc.took)
				}
			})
		})
	}
}

// What the provider sends is shown on the user's terminal and opened in the
// user's browser, so anything odd in it ends the login before it is shown.
func TestT15HostileDeviceAnswers(t *testing.T) {
	answer := func(change ...string) string {
		body := `{"device_code":"dc-1","user_code":"WDJB-MJHT","verification_uri":"https://login.example/device","verification_uri_complete":"https://login.example/device?c=1","expires_in":300,"interval":5}`
		return strings.NewReplacer(change...).Replace(body)
	}
	const uri, complete, user = `"https://login.example/device"`, `"https://login.example/device?c=1"`, `"WDJB-MJHT"`
	for _, tc := range []struct {
		says string
		code reply
		want error // nil: the code is shown
	}{
		{"an ordinary answer is shown", reply{body: answer()}, nil},
		{"Google's name for the address", reply{body: answer(`verification_uri"`, `verification_url"`)}, nil},
		{"no lifetime: five minutes are assumed", reply{body: answer(`"expires_in":300,`, ``)}, nil},
		{"no complete address", reply{body: answer(`"verification_uri_complete":`+complete+`,`, ``)}, nil},
		{"no device code", reply{body: answer(`"dc-1"`, `""`)}, oauth.ErrMalformed},
		{"a device code with a newline", reply{body: answer(`dc-1`, `dc\n1`)}, oauth.ErrMalformed},
		{"two device codes", reply{body: answer(`"device_code"`, `"device_code":"x","device_code"`)}, oauth.ErrMalformed},
		{"no user code", reply{body: answer(user, `""`)}, oauth.ErrMalformed},
		{"a blank user code", reply{body: answer(user, `"  "`)}, oauth.ErrMalformed},
		{"a user code that is a number", reply{body: answer(user, `12345678`)}, oauth.ErrMalformed},
		{"a user code that moves the cursor", reply{body: answer(user, `"\u001b[2J"`)}, oauth.ErrMalformed},
		{"a user code with a newline", reply{body: answer(user, `"ABCD\nhint: run this"`)}, oauth.ErrMalformed},
		{"a user code with a NUL", reply{body: answer(user, `"AB\u0000CD"`)}, oauth.ErrMalformed},
		{"a user code written from right to left", reply{body: answer(user, `"\u202eTHJM-BJDW"`)}, oauth.ErrMalformed},
		{"a user code as long as a letter", reply{body: answer(user, `"`+strings.Repeat("A", 33)+`"`)}, oauth.ErrMalformed},
		{"a user code that is a sentence", reply{body: answer(user, `"call 555-0100 now"`)}, oauth.ErrMalformed},
		{"a user code that is a command", reply{body: answer(user, `"$(reboot)"`)}, oauth.ErrMalformed},
		{"a user code that is an address", reply{body: answer(user, `"evil.example/x"`)}, oauth.ErrMalformed},
		{"a user code that is an option", reply{body: answer(user, `"--help"`)}, oauth.ErrMalformed},
		{"small letters", reply{body: answer(user, `"wdjb-mjht"`)}, nil},
		{"no address", reply{body: answer(uri, `""`)}, oauth.ErrMalformed},
		{"plain http", reply{body: answer(uri, `"http://login.example/device"`)}, oauth.ErrMalformed},
		{"a port of this computer from a server that is not on it", reply{body: answer(uri, `"http://127.0.0.1:631/"`)}, oauth.ErrMalformed},
		{"a script", reply{body: answer(uri, `"javascript:alert(1)"`)}, oauth.ErrMalformed},
		{"a file", reply{body: answer(uri, `"file:///etc/passwd"`)}, oauth.ErrMalformed},
		{"a relative address", reply{body: answer(uri, `"/device"`)}, oauth.ErrMalformed},
		{"a user name in the address", reply{body: answer(uri, `"https://login.example@evil.example/"`)}, oauth.ErrMalformed},
		{"an address with a newline", reply{body: answer(uri, `"https://login.example/\nX"`)}, oauth.ErrMalformed},
		{"an address with a space", reply{body: answer(uri, `"https://login.example/ --flag"`)}, oauth.ErrMalformed},
		{"an address with foreign letters", reply{body: answer(uri, `"https://lоgin.example/"`)}, oauth.ErrMalformed},
		{"an endless address", reply{body: answer(uri, `"https://login.example/`+strings.Repeat("a", 2048)+`"`)}, oauth.ErrMalformed},
		{"a bad complete address", reply{body: answer(complete, `"javascript:alert(1)"`)}, oauth.ErrMalformed},
		{"an interval longer than the code's life", reply{body: answer(`"interval":5`, `"interval":300`)}, oauth.ErrMalformed},
		{"an interval beyond all numbers", reply{body: answer(`"interval":5`, `"interval":1e999`)}, oauth.ErrMalformed},
		{"a web page", reply{status: 200, body: `<html>sign in</html>`}, oauth.ErrMalformed},
		{"two answers", reply{body: answer() + answer()}, oauth.ErrMalformed},
		{"an answer that is larger than all reason", reply{status: 200, body: `{"x":"` + strings.Repeat("a", 1<<20) + `"}`}, oauth.ErrMalformed},
		{"a redirect", reply{status: 307, header: http.Header{"Location": {"https://evil.example/"}}}, oauth.ErrRedirect},
	} {
		t.Run(tc.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &devicePlay{code: tc.code, replies: []reply{{body: tokenAnswer}}}
				_, codes, err := p.device(t, t.Context(), nil)
				switch {
				case tc.want == nil && (err != nil || len(codes) != 1):
					t.Fatalf("%d codes, %v", len(codes), err)
				case tc.want != nil && (!errors.Is(err, tc.want) || len(codes) != 0 || len(p.at) != 0):
					t.Fatalf("%v, want %v; %d codes were shown and %d token requests sent", err, tc.want, len(codes), len(p.at))
				}
				if err != nil && (strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r > '~' }) || strings.Contains(err.Error(), "evil")) {
					t.Errorf("the error has the server's words in it: %q", err)
				}
			})
		})
	}
}

// A huge lifetime does not keep a process waiting for years.
func TestT15DeviceLifeIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &devicePlay{code: reply{body: strings.Replace(codeAnswer, "300", "1e300", 1)}, replies: []reply{{body: pendingAnswer}}}
		_, _, err := p.device(t, t.Context(), nil)
		wantError(t, err, oauth.ErrTimeout)
		if took := time.Since(p.start); took != time.Hour {
			t.Errorf("it took %v, want 1h", took)
		}
	})
}

func TestT15DeviceRefusals(t *testing.T) {
	for says, tc := range map[string]struct {
		change func(*oauth.DeviceRequest)
		want   error
	}{
		"no such endpoint":         {func(r *oauth.DeviceRequest) { r.DeviceAuthorization = "" }, oauth.ErrNoDevice},
		"an endpoint on http":      {func(r *oauth.DeviceRequest) { r.DeviceAuthorization = "http://login.example/" }, oauth.ErrInsecureURL},
		"nobody to show it to":     {func(r *oauth.DeviceRequest) { r.OnCode = nil }, nil},
		"a scope with a quote":     {func(r *oauth.DeviceRequest) { r.Scopes = []string{`a"b`} }, nil},
		"a parameter of our own":   {func(r *oauth.DeviceRequest) { r.Extra = url.Values{"scope": {"all"}} }, nil},
		"no client":                {func(r *oauth.DeviceRequest) { r.Client.ID = "" }, nil},
		"a secret without a place": {func(r *oauth.DeviceRequest) { r.Client.Auth = oauth.Basic }, nil},
	} {
		t.Run(says, func(t *testing.T) {
			p := &devicePlay{code: reply{body: codeAnswer}}
			_, codes, err := p.device(t, t.Context(), tc.change)
			if err == nil || tc.want != nil && !errors.Is(err, tc.want) || len(codes) != 0 || len(p.forms) != 0 {
				t.Errorf("%v, want %v; %d requests", err, tc.want, len(p.forms))
			}
		})
	}
}

// What goes out is what RFC 8628 sections 3.1 and 3.4 have, and no more.
func TestT15DeviceRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &devicePlay{code: reply{body: codeAnswer}, replies: []reply{{body: tokenAnswer}}}
		_, _, err := p.device(t, t.Context(), func(r *oauth.DeviceRequest) {
			r.Extra = url.Values{"prompt": {"consent"}}
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []url.Values{
			{"client_id": {"app"}, "scope": {"music.read"}, "prompt": {"consent"}},
			{"client_id": {"app"}, "device_code": {"dc-1"}, "grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}},
		}
		if diff := cmp.Diff(want, p.forms); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

// The whole way against the scripted server: its metadata, its page, its tokens.
func TestT15DeviceLogin(t *testing.T) {
	r := newRig(t, authtest.Params{Device: true, DeviceInterval: time.Second, Consent: true})
	e, err := r.wire.Discover(t.Context(), r.server.Issuer())
	if err != nil || e.DeviceAuthorization == "" {
		t.Fatalf("%q, %v", e.DeviceAuthorization, err)
	}
	var code oauth.DeviceCode
	req := oauth.DeviceRequest{
		Endpoints: e, Client: oauth.Client{ID: "app"}, Scopes: []string{"openid", "music.read"},
		OnCode: func(c oauth.DeviceCode) {
			code = c
			if err := (&authtest.Browser{}).Open(t.Context(), c.VerificationURIComplete); err != nil {
				t.Error(err)
			}
		},
	}
	tokens, err := r.wire.Device(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if !r.server.AccessValid(tokens.Access) || tokens.Subject != "user-1" || !slices.Equal(tokens.Scope, req.Scopes) {
		t.Errorf("%+v", tokens)
	}
	if n := r.server.Counts().Requests[authtest.Token]; n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
	if !strings.Contains(code.VerificationURIComplete, code.UserCode) {
		t.Errorf("%+v", code)
	}
}

// Where the device endpoint does not look at the client and the token endpoint wants
// the secret in the body, that is found out once, not at each question.
func TestDeviceFindsOutHowTheSecretIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &devicePlay{code: reply{body: codeAnswer}, replies: []reply{
			{status: 401, body: `{"error":"invalid_client"}`}, {body: pendingAnswer}, {body: pendingAnswer}, {status: 200, body: `{"access_token":"a","token_type":"bearer"}`},
		}}
		tokens, _, err := p.device(t, t.Context(), func(r *oauth.DeviceRequest) {
			r.Client = oauth.Client{ID: "app", Secret: "made-up", Auth: oauth.Basic, Guessed: true}
		})
		if err != nil || tokens.Auth != oauth.Post || len(p.at) != 4 || time.Since(p.start) != 15*time.Second {
			t.Errorf("%v with %q, %d requests in %v", err, tokens.Auth, len(p.at), time.Since(p.start))
		}
	})
}
