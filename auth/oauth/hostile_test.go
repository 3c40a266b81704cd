package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// canary stands in every place where a server can put words of its own.
const canary = "canary-4711"

// outcome of a refresh, in the words of whoever keeps the tokens.
type outcome struct {
	Access  string        // "" if there is none to use
	Refresh string        // the rotated token that has to be saved, with an error or without
	Life    time.Duration // 0: not said
	Scope   string

	Err       string // what the error says, or ""
	Code      string
	Transient bool
	Dead      bool // only a new login helps
	Wait      time.Duration
}

var jsonType = http.Header{"Content-Type": {"application/json"}}

// What a refresh makes of each thing a token endpoint can say.
func TestHostileTokenAnswers(t *testing.T) {
	const rest = `,"token_type":"Bearer","refresh_token":"r2"`
	good := func(life time.Duration) outcome {
		return outcome{Access: "a2", Refresh: "r2", Life: life}
	}
	expires := func(v string) string { return `{"access_token":"a2","expires_in":` + v + rest + `}` }
	bad := func(reason string) outcome { return outcome{Err: reason} }
	saved := func(reason string) outcome { return outcome{Refresh: "r2", Err: reason} }

	const (
		notObject = "token request to HOST: the answer is not a JSON object (HTTP status 200)"
		noAccess  = "token request to HOST: the answer has no usable access token (HTTP status 200)"
		noRefresh = "token request to HOST: the answer has an unusable refresh token (HTTP status 200)"
		notBearer = "token request to HOST: the answer's token type is not bearer (HTTP status 200)"
		tooLarge  = "token request to HOST: the answer is larger than 1 MiB (HTTP status 200)"
		longScope = "token request to HOST: the answer's scope is larger than 8 KiB (HTTP status 200)"
		cutOff    = "token request to HOST: the connection was closed before the answer was complete (HTTP status 200)"
		unknown   = "token request to HOST: refused with an error code that no standard defines (HTTP status 400)"
	)
	for _, tc := range []struct {
		says   string // the outcome in words
		body   string
		status int         // 0: 200
		header http.Header // nil: application/json
		answer authtest.Answer
		want   outcome
	}{
		// What one provider sends is kept beside what is others'.
		{says: "a scope of 8 KiB is taken", body: `{"access_token":"a2","scope":"` + strings.Repeat("s", 8<<10-2) + `"` + rest + `}`, want: outcome{Access: "a2", Refresh: "r2", Scope: strings.Repeat("s", 8<<10-2)}},
		{says: "a longer scope is refused, the refresh token is saved", body: `{"access_token":"a2","scope":"` + strings.Repeat("s", 8<<10) + `"` + rest + `}`, want: saved(longScope)},
		{says: "so is one in an array", body: `{"access_token":"a2","scope":["` + strings.Repeat(`s","`, 3<<10) + `s"]` + rest + `}`, want: saved(longScope)},
		{says: "an access token beyond 64 KiB is refused", body: `{"access_token":"` + strings.Repeat("a", 64<<10+1) + `"` + rest + `}`, want: saved(noAccess)},
		{says: "a refresh token beyond 64 KiB is refused, the access token can be revoked", body: `{"access_token":"a2","token_type":"Bearer","refresh_token":"` + strings.Repeat("r", 64<<10+1) + `"}`, want: outcome{Access: "a2", Err: noRefresh}},
		// Of an answer without a refresh token, what it granted can be revoked.
		{says: "a longer scope alone is refused", body: `{"access_token":"a2","token_type":"Bearer","scope":"` + strings.Repeat("s", 8<<10) + `"}`, want: outcome{Access: "a2", Err: longScope}},
		{says: "another token type alone is refused", body: `{"access_token":"a2","token_type":"mac"}`, want: outcome{Access: "a2", Err: notBearer}},
		{says: "a token that is an error, too, is refused", body: `{"access_token":"a2","token_type":"Bearer","error":"invalid_grant"}`, want: outcome{Access: "a2", Err: "token request to HOST: the answer is both a token and an error (HTTP status 200)"}},

		// A lifetime that cannot be read never costs the rotated token.
		{says: "an ordinary answer is taken", body: expires(`3600`), want: good(time.Hour)},
		{says: "a float is a number of seconds", body: expires(`3600.0`), want: good(time.Hour)},
		{says: "so is 1e3", body: expires(`1e3`), want: good(1000 * time.Second)},
		{says: "a lifetime in quotes is read", body: expires(`"3600"`), want: good(time.Hour)},
		{says: "a lifetime of letters counts as not said", body: expires(`"abc"`), want: good(0)},
		{says: "hexadecimal counts as not said", body: expires(`"0x10"`), want: good(0)},
		{says: "infinity counts as not said", body: expires(`"Inf"`), want: good(0)},
		{says: "an empty lifetime counts as not said", body: expires(`""`), want: good(0)},
		{says: "null counts as not said", body: expires(`null`), want: good(0)},
		{says: "zero counts as not said, or every use would refresh", body: expires(`0`), want: good(0)},
		{says: "negative counts as not said", body: expires(`-1`), want: good(0)},
		{says: "an object counts as not said", body: expires(`{"s":1}`), want: good(0)},
		{says: "a huge lifetime is ten years", body: expires(`1e300`), want: good(87600 * time.Hour)},
		{says: "a lifetime beyond float64 is ten years", body: expires(`1e999`), want: good(87600 * time.Hour)},
		{says: "two different lifetimes count as not said", body: expires(`1,"expires_in":2`), want: good(0)},
		{says: "a missing lifetime is not said", body: `{"access_token":"a2"` + rest + `}`, want: good(0)},

		// Names and values that readers differ on.
		{says: "without a refresh token the old one stays", body: `{"access_token":"a2","token_type":"bearer"}`, want: outcome{Access: "a2"}},
		{says: "an empty refresh token is none", body: `{"access_token":"a2","token_type":"bearer","refresh_token":""}`, want: outcome{Access: "a2"}},
		{says: "a null refresh token is none", body: `{"access_token":"a2","token_type":"bearer","refresh_token":null}`, want: outcome{Access: "a2"}},
		{says: "two access tokens are refused, the refresh token is saved", body: `{"access_token":"a2","access_token":"a3"` + rest + `}`, want: saved(noAccess)},
		{says: "the same access token twice is one", body: `{"access_token":"a2","access_token":"a2"` + rest + `}`, want: good(0)},
		{says: "an escaped name is the same name", body: `{"access_token":"a2","access\u005ftoken":"a3"` + rest + `}`, want: saved(noAccess)},
		{says: "two refresh tokens are refused, the access token can be revoked", body: `{"access_token":"a2","token_type":"Bearer","refresh_token":"r2","refresh_token":"r3"}`, want: outcome{Access: "a2", Err: noRefresh}},
		{says: "a name in the wrong case is another name", body: `{"Access_Token":"a2"` + rest + `}`, want: saved(noAccess)},
		{says: "nor does it replace the right one", body: `{"access_token":"a2","ACCESS_TOKEN":"a3","Refresh_Token":"r3"` + rest + `}`, want: good(0)},
		{says: "a doubled name that means nothing to us is ignored", body: `{"x":1,"x":2,"access_token":"a2"` + rest + `}`, want: good(0)},

		// Characters that would break a header, a file or an environment.
		{says: "a newline in the access token is refused, the refresh token is saved", body: `{"access_token":"a\nX: y"` + rest + `}`, want: saved(noAccess)},
		{says: "a NUL in the access token is refused", body: `{"access_token":"a\u0000"` + rest + `}`, want: saved(noAccess)},
		{says: "a space in the access token is refused", body: `{"access_token":"a b"` + rest + `}`, want: saved(noAccess)},
		{says: "letters beyond ASCII in the access token are refused", body: `{"access_token":"ä"` + rest + `}`, want: saved(noAccess)},
		{says: "half a surrogate in the access token is refused", body: `{"access_token":"\ud800"` + rest + `}`, want: saved(noAccess)},
		{says: "bytes that are not UTF-8 in the access token are refused", body: "{\"access_token\":\"a\xff\"" + rest + `}`, want: saved(noAccess)},
		{says: "bytes that are not UTF-8 elsewhere do no harm", body: "{\"name\":\"\xff\",\"access_token\":\"a2\"" + rest + `}`, want: good(0)},
		{says: "a carriage return in the refresh token is refused, the access token can be revoked", body: `{"access_token":"a2","token_type":"Bearer","refresh_token":"r\r"}`, want: outcome{Access: "a2", Err: noRefresh}},
		{says: "an access token of 3 KB is taken", body: `{"access_token":"` + strings.Repeat("a", 3000) + `"` + rest + `}`, want: outcome{Access: strings.Repeat("a", 3000), Refresh: "r2"}},
		{says: "an access token of 100 KB is refused", body: `{"access_token":"` + strings.Repeat("a", 100_000) + `"` + rest + `}`, want: saved(noAccess)},

		// Kinds of values.
		{says: "a number is no token", body: `{"access_token":12345` + rest + `}`, want: saved(noAccess)},
		{says: "a list is no token", body: `{"access_token":["a2"]` + rest + `}`, want: saved(noAccess)},
		{says: "an empty access token is none", body: `{"access_token":""` + rest + `}`, want: saved(noAccess)},
		{says: "a refresh token that is a number is refused, the access token can be revoked", body: `{"access_token":"a2","token_type":"Bearer","refresh_token":1}`, want: outcome{Access: "a2", Err: noRefresh}},
		{says: "bearer in any case is bearer", body: `{"access_token":"a2","token_type":"bEARER","refresh_token":"r2"}`, want: good(0)},
		{says: "another token type is refused, the refresh token is saved", body: `{"access_token":"a2","token_type":"mac","refresh_token":"r2"}`, want: saved(notBearer)},
		{says: "a token type of DPoP is refused", body: `{"access_token":"a2","token_type":"DPoP","refresh_token":"r2"}`, want: saved(notBearer)},
		{says: "no token type is taken for bearer", body: `{"access_token":"a2","refresh_token":"r2"}`, want: good(0)},
		{says: "a scope in words is read", body: `{"scope":"x  y","access_token":"a2"` + rest + `}`, want: outcome{Access: "a2", Refresh: "r2", Scope: "x y"}},
		{says: "a scope with commas is read", body: `{"scope":"repo,gist","access_token":"a2"` + rest + `}`, want: outcome{Access: "a2", Refresh: "r2", Scope: "repo gist"}},
		{says: "a comma within a scope stays, where spaces part them", body: `{"scope":"x,y z","access_token":"a2"` + rest + `}`, want: outcome{Access: "a2", Refresh: "r2", Scope: "x,y z"}},
		{says: "a scope in a list is read", body: `{"scope":["x","y"],"access_token":"a2"` + rest + `}`, want: outcome{Access: "a2", Refresh: "r2", Scope: "x y"}},
		{says: "an empty scope is not said", body: `{"scope":"","access_token":"a2"` + rest + `}`, want: good(0)},
		{says: "a scope with control characters is not said", body: `{"scope":"x\u001b[31m","access_token":"a2"` + rest + `}`, want: good(0)},
		{says: "an unusable ID token does no harm", body: `{"id_token":"a\nb","access_token":"a2"` + rest + `}`, want: good(0)},

		// Bodies that are something else.
		{says: "JSON that is called text is read", header: http.Header{"Content-Type": {"text/plain"}}, body: expires(`60`), want: good(time.Minute)},
		{says: "a form that says so is read", header: http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}, body: "access_token=a2&expires_in=60&refresh_token=r2&scope=repo%2Cgist&token_type=bearer", want: outcome{Access: "a2", Refresh: "r2", Life: time.Minute, Scope: "repo gist"}},
		{says: "a form with two refresh tokens gives none", header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, body: "access_token=a2&refresh_token=r2&refresh_token=r3", want: outcome{Access: "a2", Err: noRefresh}},
		{says: "a form that is cut off is not read", answer: authtest.Answer{Cut: 32, Status: 200, Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: "access_token=a2&refresh_token=r234"}, want: outcome{Err: cutOff, Transient: true}},
		{says: "an empty error beside a token is none", body: `{"error":"","access_token":"a2"` + rest + `}`, want: good(0)},
		{says: "a form is refused", header: http.Header{"Content-Type": {"text/plain"}}, body: "access_token=a2&refresh_token=r2", want: bad(notObject)},
		{says: "a page is refused", header: http.Header{"Content-Type": {"text/html"}}, body: "<html>" + canary + "</html>", want: bad(notObject)},
		{says: "an empty body is refused", body: "", want: bad(notObject)},
		{says: "a list is refused", body: `[{"access_token":"a2"` + rest + `}]`, want: bad(notObject)},
		{says: "null is refused", body: `null`, want: bad(notObject)},
		{says: "two objects are refused, the refresh token is saved", body: expires(`1`) + `{}`, want: saved(notObject)},
		{says: "an object that ends early is refused, the refresh token is saved", body: `{"access_token":"a2"` + rest + `,"sco`, want: saved(notObject)},
		{says: "a refresh token that ends early is not saved, the access token can be revoked", body: `{"access_token":"a2","refresh_token":"r2`, want: outcome{Access: "a2", Err: notObject}},
		{says: "a byte order mark is skipped", body: "\xef\xbb\xbf" + expires(`60`), want: good(time.Minute)},
		{says: "nesting without end is refused", body: `{"x":` + strings.Repeat("[", 100_000), want: bad(notObject)},
		{says: "status 201 is a success", status: 201, body: expires(`60`), want: good(time.Minute)},
		{says: "ten megabytes are refused", body: `{"x":"` + strings.Repeat("x", 10<<20) + `"}`, want: bad(tooLarge)},
		{says: "ten megabytes are refused, a refresh token before them is saved", body: `{"refresh_token":"r2","x":"` + strings.Repeat("x", 10<<20) + `"}`, want: saved(tooLarge)},
		{says: "an answer cut off may be repeated, the refresh token in it is saved", answer: authtest.Answer{Cut: 40, Status: 200, Body: `{"refresh_token":"r2","access_token":"a2","token_type":"Bearer"}`}, want: outcome{Refresh: "r2", Err: cutOff, Transient: true}},

		// Refusals.
		{says: "invalid_grant ends the login", status: 400, body: `{"error":"invalid_grant","error_description":"` + canary + `"}`, want: outcome{Err: "token request to HOST: invalid_grant (HTTP status 400)", Code: "invalid_grant", Dead: true}},
		{says: "an error with status 200 is an error", body: `{"error":"invalid_grant"}`, want: outcome{Err: "token request to HOST: invalid_grant (HTTP status 200)", Code: "invalid_grant", Dead: true}},
		{says: "a token and an error at once are refused, the refresh token is saved", body: `{"error":"invalid_grant","access_token":"a2"` + rest + `}`, want: saved("token request to HOST: the answer is both a token and an error (HTTP status 200)")},
		{says: "an error code of the server's own is not repeated", status: 400, body: `{"error":"` + canary + `"}`, want: outcome{Err: unknown, Dead: true}},
		{says: "an error that is an object is refused", status: 400, body: `{"error":{"message":"` + canary + `"}}`, want: outcome{Err: "token request to HOST: refused (HTTP status 400)", Dead: true}},
		{says: "two error codes are none", status: 400, body: `{"error":"invalid_grant","error":"invalid_client"}`, want: outcome{Err: "token request to HOST: refused (HTTP status 400)"}},
		{says: "a refusal with tokens in it gives none", status: 400, body: expires(`60`), want: outcome{Err: "token request to HOST: refused (HTTP status 400)"}},
		{says: "invalid_client with 401 is no end of the login", status: 401, body: `{"error":"invalid_client"}`, want: outcome{Err: "token request to HOST: invalid_client (HTTP status 401)", Code: "invalid_client"}},
		{says: "404 is permanent", status: 404, body: canary, want: outcome{Err: "token request to HOST: refused (HTTP status 404)"}},
		{says: "408 may be repeated", status: 408, want: outcome{Err: "token request to HOST: refused (HTTP status 408)", Transient: true}},
		{says: "429 waits as many seconds as it says", status: 429, header: http.Header{"Retry-After": {"120"}}, want: outcome{Err: "token request to HOST: refused (HTTP status 429)", Transient: true, Wait: 2 * time.Minute}},
		{says: "429 waits until the date it says", status: 429, header: http.Header{"Retry-After": {"Fri, 20 Nov 2026 09:05:00 GMT"}}, want: outcome{Err: "token request to HOST: refused (HTTP status 429)", Transient: true, Wait: 5 * time.Minute}},
		{says: "a date that is over is no wait", status: 429, header: http.Header{"Retry-After": {"Fri, 20 Nov 2020 09:05:00 GMT"}}, want: outcome{Err: "token request to HOST: refused (HTTP status 429)", Transient: true}},
		{says: "a wait of a thousand years is a day", status: 503, header: http.Header{"Retry-After": {"31536000000"}}, want: outcome{Err: "token request to HOST: refused (HTTP status 503)", Transient: true, Wait: 24 * time.Hour}},
		{says: "a wait that cannot be read is none", status: 503, header: http.Header{"Retry-After": {"soon " + canary}}, want: outcome{Err: "token request to HOST: refused (HTTP status 503)", Transient: true}},
		{says: "a gateway's page may be repeated", status: 502, header: http.Header{"Content-Type": {"text/html"}}, body: "<html>" + canary, want: outcome{Err: "token request to HOST: refused (HTTP status 502)", Transient: true}},
		{says: "invalid_grant with 503 does not end the login", status: 503, body: `{"error":"invalid_grant"}`, want: outcome{Err: "token request to HOST: invalid_grant (HTTP status 503)", Code: "invalid_grant", Transient: true}},
		{says: "temporarily_unavailable with 400 may be repeated", status: 400, body: `{"error":"temporarily_unavailable"}`, want: outcome{Err: "token request to HOST: temporarily_unavailable (HTTP status 400)", Code: "temporarily_unavailable", Transient: true}},
		{says: "a redirect is not followed", status: 307, header: http.Header{"Location": {"/token"}}, want: outcome{Err: "token request to HOST: answered with a redirect, which is not followed (HTTP status 307)"}},
		{says: "a dropped connection may be repeated, with care", answer: authtest.Answer{Drop: true}, want: outcome{Err: "token request to HOST: the connection was closed before the answer was complete", Transient: true}},
	} {
		t.Run(tc.says, func(t *testing.T) {
			r := newRig(t, authtest.Params{})
			answer := tc.answer
			if !answer.Drop && answer.Cut == 0 {
				answer = authtest.Answer{Status: tc.status, Header: tc.header, Body: tc.body}
				if answer.Status == 0 {
					answer.Status = http.StatusOK
				}
				if answer.Header == nil {
					answer.Header = jsonType
				}
			}
			r.server.Script(authtest.Token, answer)
			e := r.server.Endpoints()
			got, err := r.wire.Refresh(t.Context(), e, oauth.Client{ID: "app"}, "r1")
			seen := outcome{
				Access: got.Access.Reveal(), Refresh: got.Refresh.Reveal(),
				Scope: strings.Join(got.Scope, " "),
			}
			if !got.Expires.IsZero() {
				seen.Life = got.Expires.Sub(r.clock.Now())
			}
			if err != nil {
				var typed *oauth.Error
				if !errors.As(err, &typed) {
					t.Fatalf("error of type %T: %v", err, err)
				}
				if !typed.Sent {
					t.Error("the server had the request, and the error says that it did not")
				}
				seen.Err = strings.ReplaceAll(err.Error(), strings.TrimPrefix(r.server.Issuer(), "http://"), "HOST")
				seen.Code, seen.Transient, seen.Wait = typed.Code, oauth.IsTransient(err), typed.RetryAfter
				if strings.Contains(err.Error()+hint.Of(err), canary) {
					t.Error("the server's words were repeated")
				}
				seen.Dead = oauth.IsGrantRefused(err)
			}
			if diff := cmp.Diff(tc.want, seen); diff != "" {
				t.Error(diff)
			}
			if n := r.server.Counts().Requests[authtest.Token]; n != 1 {
				t.Errorf("%d token requests, want exactly one", n)
			}
		})
	}
}

// A server that trickles cannot keep the profile's lock for ever.
func TestSlowServers(t *testing.T) {
	body := `{"access_token":"a2","token_type":"Bearer","refresh_token":"` + strings.Repeat("r", 1000) + `"}`
	for name, answer := range map[string]authtest.Answer{
		"says nothing":  {Hold: make(chan struct{})},
		"trickles":      {Status: 200, Header: jsonType, Body: body, Trickle: 5 * time.Millisecond},
		"trickles 400s": {Status: 400, Header: jsonType, Body: body, Trickle: 5 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, authtest.Params{})
			r.server.Script(authtest.Token, answer)
			r.http.Timeout = 100 * time.Millisecond
			w := r.newWire(oauth.Params{})
			_, err := w.Refresh(t.Context(), r.server.Endpoints(), oauth.Client{ID: "app"}, "r1")
			if name == "trickles 400s" {
				if err == nil || oauth.IsGrantRefused(err) {
					t.Fatalf("error %v", err)
				}
				return
			}
			wantError(t, err, oauth.ErrTimeout)
			if !oauth.IsTransient(err) {
				t.Error("it may be quicker next time")
			}
		})
	}
}

// What never reached the provider has spent nothing.
func TestNotSent(t *testing.T) {
	r := newRig(t, authtest.Params{})
	e := r.server.Endpoints()
	_ = r.server.Close()
	_, err := r.wire.Refresh(t.Context(), e, oauth.Client{ID: "app"}, "r1")
	var typed *oauth.Error
	if !errors.As(err, &typed) || typed.Sent || !typed.Transient || typed.Status != 0 {
		t.Fatalf("%#v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = r.wire.Refresh(ctx, e, oauth.Client{ID: "app"}, "r1")
	wantError(t, err, context.Canceled)
}

// The lost response: the provider has rotated, and nobody heard. The caller
// needs to know that the token may be spent.
func TestLostResponse(t *testing.T) {
	r := newRig(t, authtest.Params{Rotation: authtest.FamilyRevoking})
	first := r.login()
	r.server.Script(authtest.Token, authtest.Answer{Process: true, Drop: true})
	_, err := r.wire.Refresh(t.Context(), r.server.Endpoints(), oauth.Client{ID: "app"}, first.Refresh)
	var typed *oauth.Error
	if !errors.As(err, &typed) || !typed.Sent || !typed.Transient {
		t.Fatalf("%#v", err)
	}
	_, err = r.wire.Refresh(t.Context(), r.server.Endpoints(), oauth.Client{ID: "app"}, first.Refresh)
	if !oauth.IsGrantRefused(err) {
		t.Fatalf("error %v", err)
	}
	if c := r.server.Counts(); c.Reuse != 1 || c.Grants["refresh_token"] != 2 {
		t.Errorf("%+v", c)
	}
}

// A token in an error would be in the log next.
func TestErrorsKeepSecrets(t *testing.T) {
	r := newRig(t, authtest.Params{})
	token := secret.String(canary)
	for i, status := range []int{400, 401, 302, 500, 200} {
		r.server.Script(authtest.Token, authtest.Answer{
			Status: status, Header: http.Header{"Location": {"/?" + canary}},
			Body: `{"error":"` + canary + `","error_description":"` + canary + `","error_uri":"` + canary + `"}`,
		})
		_, err := r.wire.Refresh(t.Context(), r.server.Endpoints(), oauth.Client{ID: "app", Secret: canary, Auth: oauth.Post}, token)
		if err == nil || strings.Contains(err.Error()+hint.Of(err), canary) {
			t.Errorf("%s: %v", strconv.Itoa(i), err)
		}
	}
}
