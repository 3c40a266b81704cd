package auth_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// No answer to any request, whatever its form, makes a stored refresh token disappear:
// only its successor takes its place. What the user takes back is kept until the provider
// has said that it is.
func TestNoAnswerToAnythingLosesARefreshToken(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, authtest.Params{
			Rotation: rapid.SampledFrom([]authtest.Rotation{authtest.Static, authtest.Rotating}).Draw(rt, "rotation"), Device: true,
		})
		defer func() { _ = w.server.Close() }()
		id := w.create("work").ID
		w.login("work")
		for range rapid.IntRange(1, 4).Draw(rt, "operations") {
			w.clock.Advance(25 * time.Hour) // the token is over, and who it is for is to be asked again
			before := w.refreshToken(id)
			// What each endpoint answers first; where nothing is drawn it is honest.
			w.server.Unscript()
			said := map[authtest.Endpoint]authtest.Answer{}
			for _, at := range []authtest.Endpoint{
				authtest.Metadata, authtest.Keys, authtest.Token, authtest.UserInfo, authtest.Revocation, authtest.DeviceAuthorization,
			} {
				if rapid.IntRange(0, 2).Draw(rt, "odd "+string(at)) > 0 {
					continue
				}
				said[at] = anyAnswer(rt)
				w.server.Script(at, said[at])
			}
			op := rapid.SampledFrom([]string{"token", "token", "token", "login", "device", "upkeep", "revoke"}).Draw(rt, "operation")
			switch op {
			case "token":
				_, _ = w.open().Token(t.Context(), "work", "test")
			case "login":
				_, _ = w.open().Login(t.Context(), "work", auth.LoginOptions{})
			case "device":
				_, _ = w.open().LoginDevice(t.Context(), "work", func(c auth.DeviceCode) { _ = w.browser.Open(t.Context(), c.VerificationURIComplete) })
			case "upkeep":
				_ = w.keeper.CheckGrants(t.Context())
			case "revoke":
				r, err := w.open().Revoke(t.Context(), "work")
				if err != nil {
					rt.Fatal(err)
				}
				kept := w.kept("profile/" + id + "/revoke-pending")
				if r.Remote.Pending() && !strings.Contains(kept, `"refresh`) {
					rt.Fatalf("the revocation is %q, and what it takes to ask again is gone: %s\n%s", r.Remote, kept, show(said))
				}
				if a, odd := said[authtest.Revocation]; odd && a.Status/100 != 2 && !r.Remote.Pending() && r.Remote != "refused" {
					rt.Fatalf("the revocation is %q: %s", r.Remote, show(said))
				}
				return
			}
			now := w.refreshToken(id)
			// A made-up token may have come in a body that is packed.
			body := said[authtest.Token].Body
			if text, err := url.QueryUnescape(body); err == nil { // of a form
				body += text
			}
			given := said[authtest.Token].Status/100 == 2 && (now == "refresh-token-made-up" || now != "" && strings.Contains(body, now))
			if now != before && !given && !w.server.RefreshValid(secret.String(now)) {
				rt.Fatalf("after %s the refresh token is %q, and was %q: %s", op, now, before, show(said))
			}
			if w.view("work").Status == auth.StatusNeedsLogin {
				return // it was refused for good, or unclearly and again a day later
			}
		}
	})
}

// refreshToken is the one that is stored, or "".
func (w *world) refreshToken(id string) string {
	var set struct {
		Refresh string `json:"refresh_token"`
	}
	if text := w.kept("profile/" + id + "/tokens"); text != "" {
		if err := json.Unmarshal([]byte(text), &set); err != nil {
			w.t.Fatal(err)
		}
	}
	return set.Refresh
}

// kept is an item of the vault, or "".
func (w *world) kept(key string) string {
	value, _ := w.vault.Get(w.t.Context(), key)
	return value.Reveal()
}

// anyAnswer makes up what a server, a gateway, a captive portal or a broken line says.
func anyAnswer(rt *rapid.T) authtest.Answer {
	if rapid.IntRange(0, 11).Draw(rt, "no answer") == 0 {
		return authtest.Answer{Drop: true}
	}
	value := anyValue(4).Draw(rt, "value")
	body, err := json.Marshal(value)
	if err != nil {
		rt.Fatal(err)
	}
	a := authtest.Answer{
		Status: rapid.SampledFrom([]int{200, 200, 200, 200, 201, 202, 204, 206, 226, 301, 302, 304, 307, 400, 400, 401, 403, 404, 405, 408, 409, 410, 418, 421, 425, 429, 451, 500, 501, 502, 503, 504, 520}).Draw(rt, "status"),
		Header: http.Header{"Content-Type": {rapid.SampledFrom([]string{"application/json", "application/json;charset=UTF-8", "text/html", "text/plain", "application/problem+json", "application/x-www-form-urlencoded", "application/octet-stream", "nonsense"}).Draw(rt, "type")}},
		Body:   string(body),
	}
	switch rapid.IntRange(0, 13).Draw(rt, "form") {
	case 0:
		form := url.Values{}
		if members, ok := value.(map[string]any); ok {
			for k, v := range members {
				form.Set(k, fmt.Sprint(v))
			}
		}
		a.Header, a.Body = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, form.Encode()
	case 1:
		a.Body = "<html><body>" + a.Body
	case 2:
		a.Body = a.Body[:rapid.IntRange(0, len(a.Body)).Draw(rt, "truncated")]
	case 3:
		a.Cut = rapid.IntRange(1, len(a.Body)).Draw(rt, "cut")
	case 4:
		a.Body = strings.Repeat(rapid.SampledFrom([]string{"[", `{"error":`, " ", "x"}).Draw(rt, "again"), 1<<rapid.IntRange(1, 20).Draw(rt, "huge")) + a.Body
	case 5:
		a.Body = `{"access_token":"made-up-a","access_token":"made-up-b","refresh_token":"made-up-c","refresh_token":"made-up-d",` + strings.TrimPrefix(a.Body, "{")
	case 6:
		a.Body = "\xef\xbb\xbf" + a.Body
	case 7:
		a.Body = "\xff\xfe" + a.Body
	case 8:
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = z.Write(body)
		_ = z.Close()
		a.Body = packed.String()
		a.Header.Set("Content-Encoding", "gzip")
	case 9:
		a.Body = a.Body + a.Body
	}
	if a.Status/100 == 3 {
		a.Header.Set("Location", rapid.SampledFrom([]string{"/", "/token", "https://login.example.com/", ":"}).Draw(rt, "location"))
	}
	return a
}

var (
	anyName = rapid.SampledFrom([]string{
		"access_token", "refresh_token", "token_type", "expires_in", "refresh_token_expires_in", "refresh_expires_in", "scope", "id_token", "issuer", "jwks_uri",
		"token_endpoint", "authorization_endpoint", "revocation_endpoint", "keys", "kid", "sub", "id", "error", "error_description", "errors", "message", "code",
		"ok", "success", "status", "data", "authed_user", "active", "user_code", "device_code", "verification_uri", "interval", "",
	})
	anyText = rapid.SampledFrom([]string{
		"", "invalid_grant", "invalid_client", "invalid_request", "access_denied", "temporarily_unavailable", "slow_down", "bad_refresh_token", "expired", "revoked", "ratelimited",
		"Session not active", "Unknown or invalid refresh token.", "bearer", "Bearer", "mac", "openid profile email offline_access", "access-token-made-up", "refresh-token-made-up",
		"true", "3600", "-1", "1e400", "http://127.0.0.1:1/", "https://login.example.com/", "\x00\u202e", "eyJhbGciOiJub25lIn0.e30.",
	})
)

// anyValue makes up a JSON value that is nested so deep at most.
func anyValue(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(rt *rapid.T) any {
		switch rapid.IntRange(0, 9).Draw(rt, "kind") {
		case 0:
			return rapid.SampledFrom([]any{nil, true, false, 0, -1, 1, 3600, 1e300, 0.5}).Draw(rt, "scalar")
		case 1, 2:
			return anyText.Draw(rt, "text")
		case 3:
			if depth > 0 {
				return rapid.SliceOfN(anyValue(depth-1), 0, 3).Draw(rt, "list")
			}
		}
		members := map[string]any{}
		if depth > 0 {
			maps.Copy(members, rapid.MapOfN(anyName, anyValue(depth-1), 0, 5).Draw(rt, "members"))
		}
		if rapid.IntRange(0, 3).Draw(rt, "granted") == 0 {
			maps.Copy(members, map[string]any{"access_token": "access-token-made-up", "token_type": "Bearer", "refresh_token": "refresh-token-made-up"})
		}
		return members
	})
}

// show is what was answered, for people.
func show(said map[authtest.Endpoint]authtest.Answer) string {
	var b strings.Builder
	for _, at := range slices.Sorted(maps.Keys(said)) {
		a := said[at]
		fmt.Fprintf(&b, "\n%s: %d %v %.300q cut %d drop %v", at, a.Status, a.Header, a.Body, a.Cut, a.Drop)
	}
	return b.String()
}
