package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
)

// A refusal that may be about the request as well ends a login when the provider has
// said the same for an hour, and no sooner; then the refresh token is sent no more.
func TestUnclearRefusalIsBelievedWhenItRepeats(t *testing.T) {
	unclear := authtest.Answer{Status: 400, Body: `{"error":"invalid_request"}`}
	other := authtest.Answer{Status: 404, Body: `{"message":"no route"}`}
	client := authtest.Answer{Status: 401, Body: `{"error":"invalid_client"}`}
	later := authtest.Answer{Status: 400, Body: `{"error":"rate_limited","message":"rate limit"}`}
	page := authtest.Answer{Status: 403, Body: "<html>"}
	type step struct {
		after  time.Duration
		answer authtest.Answer
	}
	for name, c := range map[string]struct {
		steps []step
		ended bool
	}{
		"three times over an hour":      {[]step{{0, unclear}, {30 * time.Minute, unclear}, {31 * time.Minute, unclear}}, true},
		"twice, a day apart":            {[]step{{0, unclear}, {24 * time.Hour, unclear}}, false},
		"ten times in a minute":         {[]step{{0, unclear}, {time.Second, unclear}, {time.Second, unclear}, {time.Second, unclear}, {time.Second, unclear}}, false},
		"many times, and once later":    {[]step{{0, unclear}, {time.Second, unclear}, {time.Second, unclear}, {time.Hour, unclear}}, true},
		"another refusal in between":    {[]step{{0, unclear}, {time.Hour, other}, {time.Hour, unclear}}, false},
		"the clock went back":           {[]step{{0, unclear}, {time.Hour, unclear}, {-24 * time.Hour, unclear}}, false},
		"the client, for a month":       {[]step{{0, client}, {240 * time.Hour, client}, {240 * time.Hour, client}, {240 * time.Hour, client}}, false},
		"too many requests, for a day":  {[]step{{0, later}, {8 * time.Hour, later}, {8 * time.Hour, later}, {8 * time.Hour, later}}, false},
		"a gateway's page, for a day":   {[]step{{0, page}, {8 * time.Hour, page}, {8 * time.Hour, page}, {8 * time.Hour, page}}, false},
		"in a 200, three times in days": {[]step{{0, authtest.Answer{Status: 200, Body: `{"ok":false}`}}, {48 * time.Hour, authtest.Answer{Status: 200, Body: `{"ok":false}`}}, {48 * time.Hour, authtest.Answer{Status: 200, Body: `{"ok":false}`}}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, authtest.Static)
			r.signIn()
			r.clock.Add(int64(48 * time.Hour / time.Second))
			for i, s := range c.steps {
				r.clock.Add(int64(s.after / time.Second))
				r.server.Script(authtest.Token, s.answer)
				_, err := r.Fresh(t.Context(), r.grant)
				if last := i == len(c.steps)-1; err == nil || errors.Is(err, ErrLoginNeeded) != (last && c.ended) {
					t.Fatalf("after answer %d: %v", i+1, err)
				}
				r.restart() // it is counted in the vault
			}
			asked := r.posts()
			_, err := r.Fresh(t.Context(), r.grant)
			if c.ended != errors.Is(err, ErrLoginNeeded) || c.ended != (r.posts() == asked) {
				t.Errorf("then: %v, asked %d times more", err, r.posts()-asked)
			}
			if set := r.stored(); !c.ended && (err != nil || set.Unclear != unclear0) {
				t.Errorf("once it works again: %v, counted %+v", err, set.Unclear)
			}
			if r.stored().Refresh.Empty() {
				t.Error("the refresh token is gone")
			}
			if data := r.told(audit.RefreshFailed)[0].Data; c.ended && (data["needs_login"] != true || data["repeated"] != true) {
				t.Errorf("the log says %v", data)
			}
		})
	}
}

var unclear0 = unclear{}

// No answer to a refresh, whatever its form, makes a stored refresh token disappear
// unless its successor is stored, and none but a final refusal ends the login.
func TestNoAnswerLosesARefreshToken(t *testing.T) {
	r := newRig(t, authtest.Static)
	rapid.Check(t, func(rt *rapid.T) {
		last := r.signIn().Refresh
		for i := range rapid.IntRange(1, 4).Draw(rt, "answers") {
			r.clock.Add(11 * 365 * 24 * 3600) // beyond the longest life
			successor := fmt.Sprintf("refresh-token-made-up-%d", i)
			a := drawAnswer(rt, successor)
			r.server.Script(authtest.Token, a)
			before, asked := r.stored(), r.posts()
			for range 3 { // the connection that the last answer cut off may be noticed only now
				if _, err := r.Fresh(t.Context(), r.grant); r.posts() > asked {
					break
				} else if err == nil {
					rt.Fatal("a token, and nobody was asked")
				}
			}
			if r.posts() == asked {
				rt.Fatal("the provider was not asked")
			}
			now := r.stored()
			given := a.Status/100 == 2 && strings.Contains(a.Body, successor)
			switch {
			case now.Refresh != last && (!given || now.Refresh.Reveal() != successor):
				rt.Fatalf("%d %q: the refresh token is now %q", a.Status, a.Body, now.Refresh.Reveal())
			case now.Refused && !before.Refused && (a.Status/100 == 3 || a.Status >= 500 || a.Status == 408 || a.Status == 425 || a.Status == 429 || strings.HasPrefix(a.Body, "<")):
				rt.Fatalf("%d %q ended the login", a.Status, a.Body)
			}
			if last = now.Refresh; now.Refused {
				return
			}
		}
	})
}

// drawAnswer makes up an answer of a token endpoint or of what stands before one.
func drawAnswer(rt *rapid.T, successor string) authtest.Answer {
	value := rapid.SampledFrom([]any{
		"", "invalid_grant", "invalid_client", "invalid_refresh_token", "expired", "ratelimited", "bearer", "ok", "access-token-made-up", successor,
		true, false, nil, 0, 400, 3600,
		[]any{},
		map[string]any{"code": "invalid_grant", "refresh_token": "nested"},
		[]any{map[string]any{"message": "Session not found"}},
	})
	name := rapid.SampledFrom([]string{"access_token", "refresh_token", "token_type", "expires_in", "scope", "error", "error_description", "errors", "message", "ok", "success", "status", "data"})
	members := rapid.MapOfN(name, value, 0, 5).Draw(rt, "members")
	if rapid.Bool().Draw(rt, "granted") {
		maps.Copy(members, map[string]any{"access_token": "access-token-made-up", "refresh_token": successor})
	}
	if s, ok := members["refresh_token"].(string); ok && s != "" {
		members["refresh_token"] = successor
	}
	body, err := json.Marshal(members)
	if err != nil {
		rt.Fatal(err)
	}
	a := authtest.Answer{
		Status: rapid.SampledFrom([]int{200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 408, 425, 429, 500, 503}).Draw(rt, "status"),
		Header: http.Header{"Content-Type": {"application/json"}}, Body: string(body),
	}
	switch rapid.IntRange(0, 7).Draw(rt, "form") {
	case 0:
		form := url.Values{}
		for k, v := range members {
			if s, ok := v.(string); ok {
				form.Set(k, s)
			}
		}
		a.Header, a.Body = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, form.Encode()
	case 1:
		a.Header, a.Body = http.Header{"Content-Type": {"text/html"}}, "<html>"+a.Body
	case 2:
		a.Body = "[" + a.Body + "]"
	case 3:
		a.Body = a.Body[:len(a.Body)-rapid.IntRange(0, len(a.Body)).Draw(rt, "missing")]
	case 4:
		a.Cut = rapid.IntRange(1, len(a.Body)).Draw(rt, "cut")
	}
	return a
}
