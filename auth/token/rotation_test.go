package token

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// The hot path is one read of the vault, and touches no file.
func TestHotPathReadsOnce(t *testing.T) {
	v := &authtest.Vault{}
	s := &Service{Params: Params{Vault: v, Now: func() time.Time { return epoch }}}
	set := Set{Gen: 1, Access: "a", Refresh: "r", Issued: epoch, Expires: epoch.Add(time.Hour)}
	item, err := set.encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Set(t.Context(), itemKey(profileID), item); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Fresh(t.Context(), Grant{ID: profileID}); err != nil { // a lock or a file would panic or fail: there are none
		t.Fatal(err)
	}
	if gets, sets := v.Calls(); gets != 1 || sets != 1 {
		t.Errorf("%d reads, %d writes", gets, sets-1)
	}
}

func TestLearnedRotation(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.grant.Rotation = provider.Unknown
	r.signIn()
	keep := authtest.Answer{Process: true, Rewrite: func(b []byte) []byte {
		return bytes.Replace(b, []byte("refresh_token"), []byte("no_such_token"), 1)
	}}
	// A provider that rotates now and then has not promised anything.
	r.later()
	r.fresh()
	if got := r.stored().Rotations; got != 1 {
		t.Errorf("%d rotations counted", got)
	}
	for range learned - 1 {
		r.later()
		r.fresh()
	}
	r.server.Script(authtest.Token, keep)
	r.later()
	r.fresh()
	events := r.told(audit.ReuseDetected)
	if len(events) != 1 || events[0].Data["kind"] != "not_rotated" {
		t.Fatalf("a rotation that did not come: %+v", events)
	}
	if alerts := r.alerts(); len(alerts) != 1 || alerts[0].Severity.String() != "P3" {
		t.Errorf("alerts %+v", alerts)
	}
	if got := r.stored().Rotations; got != 0 {
		t.Errorf("after it %d rotations are counted", got)
	}
}

// A refusal alone is no theft: an idle night, a password change and a removal
// by the user look the same. It takes a second sign.
func TestT6InvalidGrant(t *testing.T) {
	const reused, ended = "refresh token reuse detected", "the session has ended"
	const early = "early" // at a provider whose tokens stay
	for name, c := range map[string]struct {
		rotation provider.Rotation
		age      time.Duration // of the refused token
		says     string
		sign     any
	}{
		"rotated a minute ago":            {provider.Rotates, time.Minute, ended, "just_rotated"},
		"rotated an hour ago":             {provider.Rotates, time.Hour, ended, nil},
		"after an idle night":             {provider.Rotates, 12 * time.Hour, ended, nil},
		"the provider speaks of reuse":    {provider.Rotates, 12 * time.Hour, reused, "reuse_said"},
		"reuse, and not known to rotate":  {provider.Unknown, 12 * time.Hour, reused, "reuse_said"},
		"varies":                          {provider.Varies, time.Minute, ended, early},
		"static":                          {provider.Static, 5 * time.Hour, ended, early},
		"static, after an idle night":     {provider.Static, 8 * time.Hour, ended, nil},
		"static, and the clock went back": {provider.Static, -5 * time.Hour, ended, nil},
		"not learned yet":                 {provider.Unknown, time.Minute, ended, nil},
		"past the grant's life":           {provider.Rotates, 400 * 24 * time.Hour, ended, nil},
		"past the grant's life, and said": {provider.Rotates, 400 * 24 * time.Hour, reused, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, authtest.Rotating)
			r.grant.Rotation, r.grant.Life = c.rotation, provider.Life{Grant: 180 * 24 * time.Hour}
			set := r.signIn()
			r.server.RevokeAll()
			set.Expires = r.Now().Add(time.Second) // a short life, so that it is refreshed soon
			if err := r.save(t.Context(), profileID, set, set.Gen); err != nil {
				t.Fatal(err)
			}
			r.server.Script(authtest.Token, authtest.Answer{Status: 400, Body: `{"error":"invalid_grant","error_description":"` + c.says + `"}`})
			r.clock.Add(int64(c.age / time.Second))
			for range 3 {
				if _, err := r.Fresh(t.Context(), r.grant); !errors.Is(err, ErrLoginNeeded) {
					t.Fatalf("Fresh: %v", err)
				}
			}
			if r.posts() != 1 {
				t.Errorf("asked %d times", r.posts())
			}
			var sign any
			for _, e := range r.told(audit.ReuseDetected) {
				sign = e.Data["sign"]
			}
			if e := r.told(audit.RefreshFailed); len(e) > 0 && e[0].Data["early"] == true {
				sign = early
			}
			if sign != c.sign {
				t.Errorf("the sign of a theft is %v, want %v", sign, c.sign)
			}
			want := "refresh_failed P2"
			switch sign {
			case nil:
			case early:
				want = "ended_early P1"
			default:
				want = "token_reuse_detected P0"
			}
			if a := r.alerts(); len(a) == 0 || a[0].Rule+" "+a[0].Severity.String() != want {
				t.Errorf("alerts %+v, want %s", a, want)
			}
			if got := r.stored(); got.Refresh.Empty() || !got.Refused {
				t.Error("the tokens were deleted, or are tried again")
			}
		})
	}
}

// A login in use that ends long before its time is told with both possibilities,
// unless something of the user's explains it.
func TestLoginThatEndsBeforeItsTime(t *testing.T) {
	const life = 180 * 24 * time.Hour
	for name, c := range map[string]struct {
		rotation   provider.Rotation
		life       time.Duration
		authorized time.Duration // ago; 0: not known
		doubt      bool          // an earlier refresh got no answer
		took       bool          // the user revoked something there
		early      bool
	}{
		"in its first month":                       {rotation: provider.Varies, life: life, authorized: 20 * 24 * time.Hour, early: true},
		"in its last":                              {rotation: provider.Varies, life: life, authorized: 155 * 24 * time.Hour},
		"beyond its end":                           {rotation: provider.Varies, life: life, authorized: 185 * 24 * time.Hour},
		"nobody knows when it began":               {rotation: provider.Varies, life: life},
		"it has no end":                            {rotation: provider.Static, early: true},
		"the user revoked another profile there":   {rotation: provider.Static, took: true},
		"an answer was lost where tokens change":   {rotation: provider.Varies, life: life, authorized: time.Hour, doubt: true},
		"an answer was lost where they never do":   {rotation: provider.Static, doubt: true, early: true},
		"a provider that is known to rotate":       {rotation: provider.Rotates, life: life, authorized: time.Hour},
		"a provider of which nothing is known yet": {rotation: provider.Unknown, authorized: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, authtest.Static)
			r.grant.Rotation, r.grant.Life = c.rotation, provider.Life{Grant: c.life}
			r.TookBack = func(context.Context, string) bool { return c.took }
			set := r.signIn()
			set.Doubt, set.Authorized = c.doubt, time.Time{}
			if c.authorized != 0 {
				set.Authorized = r.Now().Add(-c.authorized)
			}
			if err := r.save(t.Context(), profileID, set, set.Gen); err != nil {
				t.Fatal(err)
			}
			r.server.RevokeAll()
			r.later()
			if _, err := r.Fresh(t.Context(), r.grant); !errors.Is(err, ErrLoginNeeded) {
				t.Fatalf("Fresh: %v", err)
			}
			want := map[bool]string{false: "refresh_failed P2", true: "ended_early P1"}[c.early]
			if a := r.alerts(); len(a) == 0 || a[0].Rule+" "+a[0].Severity.String() != want {
				t.Errorf("alerts %+v, want %s first", a, want)
			}
		})
	}
}

// Somebody without our lock was faster: theirs counts, and nobody is accused.
func TestT6SiblingRotation(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	mine := r.signIn()
	r.later()
	theirs := mine
	theirs.Gen, theirs.Access, theirs.Refresh = mine.Gen+1, "theirs", "theirs-too"
	theirs.Issued, theirs.Expires = r.Now(), r.Now().Add(time.Hour)
	item, err := theirs.encode()
	if err != nil {
		t.Fatal(err)
	}
	hold := make(chan struct{})
	r.server.Script(authtest.Token, authtest.Answer{Hold: hold, Status: 400, Body: `{"error":"invalid_grant"}`})
	r.step = func(step string) {
		if step == "intent written" {
			if err := r.Vault.Set(context.Background(), itemKey(profileID), item); err != nil {
				t.Error(err)
			}
			close(hold)
		}
	}
	set, err := r.Fresh(t.Context(), r.grant)
	if err != nil || set.Access != "theirs" {
		t.Errorf("Fresh: %v", err)
	}
	r.noFalseAlarm(0)
}

// An omitted refresh token keeps the old one; a new one retires the old for
// ever.
func TestT4RefreshTokenOfAnAnswer(t *testing.T) {
	static := newRig(t, authtest.Static)
	first := static.signIn()
	static.later()
	if got := static.fresh(); got.Refresh != first.Refresh {
		t.Error("a response without a refresh token lost the old one")
	}
	rotating := newRig(t, authtest.Rotating)
	seen := map[secret.String]bool{rotating.signIn().Refresh: true}
	for range 3 {
		rotating.later()
		set := rotating.fresh()
		if seen[set.Refresh] {
			t.Error("a retired refresh token came back")
		}
		seen[set.Refresh] = true
	}
	for _, q := range rotating.server.Requests() {
		if sent := q.Form.Get("refresh_token"); sent != "" && rotating.sends(secret.String(sent)) != 1 {
			t.Error("a refresh token was sent twice")
		}
	}
}

// A refresh asks for no scope, so that it cannot ask for more; what is granted
// less is stored and said.
func TestT5NarrowerGrant(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.signIn()
	r.server.Script(authtest.Token, authtest.Answer{Process: true, Rewrite: func(b []byte) []byte {
		return bytes.Replace(b, []byte("read write"), []byte("read"), 1)
	}})
	r.later()
	if diff := cmp.Diff([]string{"read"}, r.fresh().Scopes); diff != "" {
		t.Error("scopes (-want +got):\n" + diff)
	}
	if events := r.told(audit.ScopeNarrowed); len(events) != 1 || events[0].Data["lost"] != "write" {
		t.Errorf("in the audit log: %+v", events)
	}
	for _, q := range r.server.Requests() {
		if q.Form.Get("grant_type") == "refresh_token" && q.Form.Has("scope") {
			t.Error("a refresh asked for scopes")
		}
	}
}

// A refresh token is not shown to another issuer than its own.
func TestT10RefreshTokenStaysWithItsIssuer(t *testing.T) {
	r := newRig(t, authtest.Rotating)
	r.signIn()
	r.later()
	r.grant.Issuer = "https://elsewhere.example"
	if _, err := r.Fresh(t.Context(), r.grant); !errors.Is(err, ErrLoginNeeded) || r.posts() != 0 {
		t.Errorf("%v, %d requests", err, r.posts())
	}
}
