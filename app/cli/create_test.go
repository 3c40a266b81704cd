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

// Whoever types a name alone is asked for the rest; who says more is not.
func TestCreateProfileAsksForWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		given, want auth.NewProfile
		typed, left string
	}{
		"a name":      {typed: "spotify\r\n ID \nmore", left: "more", want: auth.NewProfile{Provider: "spotify", ClientID: "ID"}},
		"an issuer":   {typed: "oidc\nhttps://a.example\nID\n", want: auth.NewProfile{Provider: "oidc", Issuer: "https://a.example", ClientID: "ID"}},
		"another's":   {typed: "tidal\n\n", want: auth.NewProfile{Provider: "tidal"}},
		"the rest":    {given: auth.NewProfile{Issuer: "I", ClientID: "C"}, typed: "oidc\n", want: auth.NewProfile{Provider: "oidc", Issuer: "I", ClientID: "C"}},
		"a provider":  {given: auth.NewProfile{Provider: "spotify"}, typed: "x", left: "x", want: auth.NewProfile{Provider: "spotify"}},
		"end of file": {typed: "spotify", want: auth.NewProfile{Provider: "spotify"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := strings.NewReader(c.typed)
			f := &Factory{In: in, Out: &bytes.Buffer{}, Err: &bytes.Buffer{}, ReadPassword: func(string) (secret.String, error) { return "", nil }}
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

func TestCreateProfileEndsAtAQuestion(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := &Factory{In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &bytes.Buffer{}, ReadPassword: func(string) (secret.String, error) { return "", nil }}
	k := createKeeperFunc(func(auth.NewProfile) (profile.Profile, error) {
		t.Error("a profile was created after Ctrl+C")
		return profile.Profile{}, nil
	})
	if err := createProfileRun(ctx, f, k, &createOptions{}); err == nil {
		t.Error("no error")
	}
}
