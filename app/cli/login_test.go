package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/app/cli"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

// deviceKeeper shows a code and signs in.
type deviceKeeper struct{ cli.Keeper }

func (deviceKeeper) LoginDevice(_ context.Context, name string, onCode func(auth.DeviceCode)) (auth.LoginResult, error) {
	onCode(auth.DeviceCode{UserCode: "WDJB-MJHT", VerificationURI: "https://example.com/device", Expires: time.Unix(600, 0)})
	return auth.LoginResult{Profile: name, Account: "Ada"}, nil
}

func (deviceKeeper) Close(context.Context) error { return nil }

// Whoever signs in on a phone types the code or pastes it; a script finds it on
// a line of its own. Only a terminal gets it as a control sequence.
func TestDeviceCodeIsShownAndCopied(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		var out, errs bytes.Buffer
		var copied []string
		env := cli.Env{
			Out: &out, Err: &errs, Now: func() time.Time { return time.Unix(0, 0) },
			Keeper: func(context.Context) (cli.Keeper, error) { return deviceKeeper{}, nil },
		}
		if terminal {
			env.Copy = func(text string) { copied = append(copied, text) }
		}
		if status := cli.Run(t.Context(), env, []string{"login", "work", "--device"}); status != 0 {
			t.Fatalf("exit status %d: %s", status, errs.String())
		}
		if !strings.Contains(out.String(), "\n  WDJB-MJHT\n") || !strings.Contains(out.String(), "work: signed in as Ada") {
			t.Errorf("printed:\n%s", out.String())
		}
		if got := strings.Join(copied, ","); terminal && got != "WDJB-MJHT" || !terminal && got != "" {
			t.Errorf("terminal %v: copied %q", terminal, got)
		}
	}
	if got, want := cli.CopySequence("WDJB-MJHT"), "\x1b]52;c;V0RKQi1NSkhU\x07"; got != want {
		t.Errorf("sequence %q, want %q", got, want)
	}
}

// endingKeeper has a login that ends with an error.
type endingKeeper struct {
	cli.Keeper
	err error
}

func (k endingKeeper) Login(context.Context, string, auth.LoginOptions) (auth.LoginResult, error) {
	return auth.LoginResult{}, k.err
}

func (endingKeeper) Close(context.Context) error { return nil }

// A script must be able to tell "I changed my mind" from "it did not work".
func TestCancelledLoginHasAStatusOfItsOwn(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
	}{
		{fmt.Errorf("log in to OpenID Connect: login: %w", oauth.ErrCancelled), 130},
		{fmt.Errorf("log in to OpenID Connect: %w", oauth.ErrDenied), 1},
	} {
		var errs bytes.Buffer
		env := cli.Env{Out: io.Discard, Err: &errs, Keeper: func(context.Context) (cli.Keeper, error) { return endingKeeper{err: c.err}, nil }}
		if status := cli.Run(t.Context(), env, []string{"login", "work"}); status != c.status {
			t.Errorf("%v: exit status %d, want %d\n%s", c.err, status, c.status, errs.String())
		}
	}
}
