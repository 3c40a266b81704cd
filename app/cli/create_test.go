package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// createKeeperFunc is a Keeper that creates profiles.
type createKeeperFunc func(auth.NewProfile) (profile.Profile, error)

func (create createKeeperFunc) CreateProfile(_ context.Context, n auth.NewProfile) (profile.Profile, error) {
	return create(n)
}

func nowhere(string) (string, error) { return "/nowhere", nil }

// Whoever types a name alone is asked for the rest; who says more is not.
func TestCreateProfileAsksForWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		given, want auth.NewProfile
		typed, left string
	}{
		"a name":      {typed: "spotify\r\n ID \nmore", left: "more", want: auth.NewProfile{Provider: "spotify", ClientID: "ID", ClientSecret: "made-up"}},
		"an issuer":   {typed: "oidc\nhttps://a.example\nID\n", want: auth.NewProfile{Provider: "oidc", Issuer: "https://a.example", ClientID: "ID", ClientSecret: "made-up"}},
		"another's":   {typed: "tidal\n\n", want: auth.NewProfile{Provider: "tidal", ClientSecret: "made-up"}},
		"no issuer":   {typed: "vercel\nID\n", want: auth.NewProfile{Provider: "vercel", ClientID: "ID", ClientSecret: "made-up"}},
		"no secret":   {typed: "entra\nID\n", want: auth.NewProfile{Provider: "entra", ClientID: "ID"}},
		"no login":    {typed: "trello\nleft", left: "left", want: auth.NewProfile{Provider: "trello"}},
		"the rest":    {given: auth.NewProfile{Issuer: "I", ClientID: "C"}, typed: "oidc\n", want: auth.NewProfile{Provider: "oidc", Issuer: "I", ClientID: "C", ClientSecret: "made-up"}},
		"a provider":  {given: auth.NewProfile{Provider: "spotify"}, typed: "x", left: "x", want: auth.NewProfile{Provider: "spotify"}},
		"end of file": {typed: "spotify", want: auth.NewProfile{Provider: "spotify", ClientSecret: "made-up"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := strings.NewReader(c.typed)
			f := &Factory{Folder: nowhere, In: in, Out: &bytes.Buffer{}, Err: &bytes.Buffer{}, ReadPassword: func(string) (secret.String, error) { return "made-up", nil }}
			var got auth.NewProfile
			k := createKeeperFunc(func(n auth.NewProfile) (profile.Profile, error) { got = n; return profile.Profile{}, nil })
			if err := createProfileRun(t.Context(), f, k, &createOptions{NewProfile: c.given}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(auth.NewProfile{}, "Warn")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if left := c.typed[len(c.typed)-in.Len():]; left != c.left {
				t.Errorf("left of standard input: %q", left)
			}
		})
	}
}

// Nothing more is asked after Ctrl+C, or of somebody who names no provider.
func TestCreateProfileEndsAtAQuestion(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for typed, ctx := range map[string]context.Context{"spotify\nID\n": cancelled, "spotfy\nID\n": t.Context(), "\n": t.Context()} {
		f := &Factory{Folder: nowhere, In: strings.NewReader(typed), Out: &bytes.Buffer{}, Err: &bytes.Buffer{}, ReadPassword: func(string) (secret.String, error) {
			t.Errorf("%q: asked for the client secret", typed)
			return "", nil
		}}
		k := createKeeperFunc(func(auth.NewProfile) (profile.Profile, error) {
			t.Errorf("%q: a profile was created", typed)
			return profile.Profile{}, nil
		})
		if err := createProfileRun(ctx, f, k, &createOptions{}); err == nil {
			t.Errorf("%q: no error", typed)
		}
	}
}
