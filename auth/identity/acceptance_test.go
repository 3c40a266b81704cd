package identity

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stagedoor-app/stagedoor/auth/secret"
)

var names = map[string]string{"": "", "ada": "Ada Lovelace", "grace": "Grace Hopper", "mallory": ""}

func claims(t *rapid.T) Claims {
	subject := rapid.SampledFrom([]string{"", "ada", "grace", "mallory"}).Draw(t, "subject")
	return Claims{
		Subject: subject, Name: names[subject],
		Scopes: rapid.SampledFrom([][]string{nil, {"read"}, {"read", "write"}}).Draw(t, "scopes"),
		Issuer: rapid.SampledFrom([]string{"", "https://a", "https://b"}).Draw(t, "issuer"),
	}
}

// Whatever logins, answers and silences follow each other: a login gets through
// only if its account, scopes and issuer are the ones that were there first or
// that the user accepted, and a known account is never taken for granted.
func TestNothingButTheAcceptedLoginGetsThrough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Acceptance
		var accepted *Claims // as the user would say
		present := ""        // whose this login is, as far as the provider has said
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"login", "login", "asked", "accept"}).Draw(t, "step") {
			case "login":
				now := claims(t)
				s, _ = s.After().Check(now)
				present = now.Subject
				accepted = learn(accepted, now, s)
			case "asked": // at a hand-out
				if s.Changed != nil {
					continue // refused before anybody is asked
				}
				now := claims(t)
				s, _ = s.Check(now)
				if now.Subject != "" {
					present = now.Subject
				}
				accepted = learn(accepted, now, s)
			case "accept":
				var ok bool
				var now Claims
				if s, _, now, ok = s.Accept(time.Time{}); ok {
					accepted = &now
				}
			}
			brief, words := s.Block()
			if (brief == "") != (words == "") {
				t.Fatalf("%q but %q", brief, words)
			}
			if brief != "" || accepted == nil {
				continue
			}
			if accepted.Subject != "" && present != accepted.Subject {
				t.Fatalf("the login is of %q and gets through; accepted is %q", present, accepted.Subject)
			}
			if s.Changed != nil || s.Accepted.Subject != accepted.Subject {
				t.Fatalf("accepted is %+v, and %+v is kept", accepted, s)
			}
		}
	})
}

// learn is what is accepted after a login was let through: at first all of it,
// later what was not known.
func learn(accepted *Claims, now Claims, s Acceptance) *Claims {
	if accepted == nil {
		return &now
	}
	if brief, _ := s.Block(); brief != "" {
		return accepted
	}
	learnt := *accepted
	if learnt.Subject == "" {
		learnt.Subject = now.Subject
	}
	return &learnt
}

// Scopes that a version before took for one, because the provider parts them with
// commas, are no new rights; another one still is.
func TestScopesPartedByCommasAreNotWider(t *testing.T) {
	before := Claims{Scopes: []string{"repo,gist"}}
	if d := Differ(before, Claims{Scopes: []string{"gist", "repo"}}); len(d.Wider) > 0 {
		t.Errorf("wider: %q", d.Wider)
	}
	if d := Differ(Claims{Scopes: []string{"User.Read", "Mail.Read"}}, Claims{Scopes: []string{"mail.read", "user.read"}}); len(d.Wider) > 0 {
		t.Errorf("in another order and letter case: %q", d.Wider)
	}
	if d := Differ(before, Claims{Scopes: []string{"gist", "repo", "admin"}}); !slices.Equal(d.Wider, []string{"admin"}) {
		t.Errorf("wider: %q", d.Wider)
	}
}

// Checking the same claims twice changes nothing and is no news.
func TestCheckingTwiceIsNoNews(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, _ := Acceptance{}.Check(claims(t))
		s, _ = s.After().Check(claims(t))
		now := claims(t)
		once, _ := s.Check(now)
		twice, v := once.Check(now)
		if v.News {
			t.Fatalf("told twice: %+v", v)
		}
		if a, b := once.Changed, twice.Changed; (a == nil) != (b == nil) || a != nil && (a.Subject != b.Subject || !slices.Equal(a.Scopes, b.Scopes)) {
			t.Fatalf("%+v, then %+v", once, twice)
		}
	})
}

// A binding differs from every other one, and from itself in nothing.
func TestMovesNamesEveryDifference(t *testing.T) {
	full := Binding{
		Provider: "oidc", Issuer: "https://a", ClientID: "id", Confidential: true, ClientAuth: "client_secret_basic",
		Authorization: "https://a/authorize", Token: "https://a/token", Revocation: "https://a/revoke", UserInfo: "https://a/me", Device: "https://a/device",
	}
	if m := full.Moves(full); len(m) > 0 {
		t.Errorf("differs from itself: %v", m)
	}
	for what, change := range map[string]func(*Binding){
		"provider": func(b *Binding) { b.Provider = "oauth2" }, "issuer": func(b *Binding) { b.Issuer = "https://a/" },
		"client_id": func(b *Binding) { b.ClientID = "ID" }, "client": func(b *Binding) { b.Confidential = false },
		"client_auth": func(b *Binding) { b.ClientAuth = "" }, "authorization": func(b *Binding) { b.Authorization = "" },
		"redirect_path": func(b *Binding) { b.RedirectPath = "/other" }, "iss_parameter": func(b *Binding) { b.IssParameter = true },
		"token": func(b *Binding) { b.Token += "?to=b" }, "revocation": func(b *Binding) { b.Revocation = "https://b/revoke" },
		"userinfo": func(b *Binding) { b.UserInfo = "https://b" }, "device_authorization": func(b *Binding) { b.Device = "" },
		"trust": func(b *Binding) { b.Trust = "sha256/" },
		"jwks":  func(b *Binding) { b.JWKS = "https://b/keys" },
	} {
		other := full
		change(&other)
		if m := full.Moves(other); len(m) != 1 || m[0].What != what {
			t.Errorf("%s: %v", what, m)
		}
	}
}

// Of what an issuer says of itself only another host is told.
func TestMovedTellsOfAnotherHost(t *testing.T) {
	b := Binding{Issuer: "https://a", Authorization: "https://a/authorize", Token: "https://api.a/token"}
	for name, c := range map[string]struct {
		now  Binding
		want []string
	}{
		"another path":                   {Binding{Authorization: "https://a/v2/authorize", Token: "https://api.a/v2/token"}, nil},
		"another host":                   {Binding{Authorization: "https://a/authorize", Token: "https://evil/token"}, []string{"token"}},
		"one of the issuer's own hosts":  {Binding{Authorization: "https://api.a/authorize", Token: "https://api.a/token"}, []string{"authorization"}},
		"a new endpoint at a known one":  {Binding{Authorization: "https://a/authorize", Token: "https://api.a/token", Revocation: "https://api.a/revoke"}, nil},
		"a new endpoint elsewhere":       {Binding{Authorization: "https://a/authorize", Token: "https://api.a/token", Device: "https://evil/device"}, []string{"device_authorization"}},
		"a key set where none was bound": {Binding{Authorization: "https://a/authorize", JWKS: "https://keys.example"}, nil},
		"an endpoint that is gone":       {Binding{Authorization: "https://a/authorize"}, nil},
	} {
		var got []string
		for _, m := range b.Moved(c.now) {
			got = append(got, m.What)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A client secret can be any text, and one that is stored plainly is bound to
// nothing.
func TestClientSecretComesBack(t *testing.T) {
	for _, value := range []secret.String{"s3cret", `{"v":1}`, `{"v":1,"client_secret":"x"} `, `"quoted"`, "{", "ü <&> \n"} {
		want := ClientSecret{Value: value, For: Binding{Provider: "oidc", Issuer: "https://a", ClientID: "id"}}
		item, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if got := DecodeClientSecret(item); got != want {
			t.Errorf("%q came back as %+v", value.Reveal(), got)
		}
	}
	if got := DecodeClientSecret("plain {text}"); got.Value != "plain {text}" || !got.For.IsZero() {
		t.Errorf("%+v", got)
	}
}

// A provider may name one account differently in its ID tokens and at its
// identity call. Each is compared with its like, and a new login that is named in
// a way nobody knows yet is not taken for the accepted one.
func TestAnAccountOfTwoNames(t *testing.T) {
	signed, called, both := Claims{Signed: "user-1", Name: "user-1"}, Claims{Subject: "4711", Name: "ada"}, Claims{Subject: "4711", Signed: "user-1", Name: "ada"}
	for name, c := range map[string]struct {
		login []Claims // the first one, and what was said of it later
		again []Claims // a second one, likewise
		want  string
	}{
		"the daily question names it differently":    {login: []Claims{signed, called, called}},
		"the next login names both":                  {login: []Claims{signed}, again: []Claims{both, called}},
		"both, and then the ID token alone":          {login: []Claims{both}, again: []Claims{signed, called}},
		"learnt from the daily question":             {login: []Claims{signed, called}, again: []Claims{called}},
		"a login that is named in a new way only":    {login: []Claims{signed}, again: []Claims{called}, want: "account not confirmed"},
		"which the daily question does not make one": {login: []Claims{signed}, again: []Claims{called, called}, want: "account not confirmed"},
		"another ID token":                           {login: []Claims{both}, again: []Claims{{Signed: "user-2", Name: "user-2"}}, want: "another account"},
		"another answer of the daily question":       {login: []Claims{both, {Subject: "4712"}}, want: "another account"},
		"the same call with another ID token":        {login: []Claims{both}, again: []Claims{{Subject: "4711", Signed: "user-2"}}, want: "another account"},
		"nobody says":                                {login: []Claims{both}, again: []Claims{{}}, want: "account not confirmed"},
	} {
		t.Run(name, func(t *testing.T) {
			var s Acceptance
			for _, said := range c.login {
				s, _ = s.Check(said)
			}
			if c.again != nil {
				s = s.After()
			}
			for _, said := range c.again {
				s, _ = s.Check(said)
			}
			if brief, words := s.Block(); brief != c.want {
				t.Errorf("%q (%s), want %q", brief, words, c.want)
			}
			if c.want == "another account" {
				changed := *s.Changed
				if s, _, _, _ = s.Accept(time.Time{}); s.Changed != nil || s.Accepted.Signed != changed.Signed || s.Accepted.Subject != changed.Subject {
					t.Errorf("accepted: %+v", s)
				}
			}
		})
	}
}
