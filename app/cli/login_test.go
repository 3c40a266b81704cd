package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

// loginDouble shows an address or a code and ends as err says.
type loginDouble struct {
	loginKeeper
	err error
}

const address = "https://example.com/authorize?state=x"

func (k loginDouble) Login(_ context.Context, name string, o auth.LoginOptions) (auth.LoginResult, error) {
	o.OnURL(address)
	return auth.LoginResult{Profile: name, Account: "Ada"}, k.err
}

func (k loginDouble) LoginDevice(_ context.Context, name string, onCode func(auth.DeviceCode)) (auth.LoginResult, error) {
	onCode(auth.DeviceCode{UserCode: "WDJB-MJHT", VerificationURI: "https://example.com/device", Expires: time.Unix(600, 0)})
	return auth.LoginResult{Profile: name, Account: "Ada"}, k.err
}

// Whoever signs in on a phone types the code or pastes it; a script finds it on
// a line of its own. Only a terminal gets it as a control sequence.
func TestDeviceCodeIsShownAndCopied(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		var out, errs bytes.Buffer
		var copied []string
		f := &Factory{Out: &out, Err: &errs, Now: func() time.Time { return time.Unix(0, 0) }}
		if terminal {
			f.Copy = func(text string) { copied = append(copied, text) }
		}
		if err := loginRun(t.Context(), f, loginDouble{}, &loginOptions{profile: "work", device: true}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "\n  WDJB-MJHT\n") || !strings.Contains(out.String(), "work: signed in as Ada") {
			t.Errorf("printed:\n%s", out.String())
		}
		if got := strings.Join(copied, ","); terminal && got != "WDJB-MJHT" || !terminal && got != "" {
			t.Errorf("terminal %v: copied %q", terminal, got)
		}
	}
	if got, want := CopySequence("WDJB-MJHT"), "\x1b]52;c;V0RKQi1NSkhU\x07"; got != want {
		t.Errorf("sequence %q, want %q", got, want)
	}
}

// A script that reads the result as JSON must find nothing else on standard
// output; without --json it finds the address on the first line.
func TestOfALoginTheJSONIsAloneOnStandardOutput(t *testing.T) {
	for _, o := range []loginOptions{{noBrowser: true, json: true}, {device: true, json: true}, {json: true}, {noBrowser: true}} {
		var out, errs bytes.Buffer
		f := &Factory{Out: &out, Err: &errs, Now: time.Now}
		if err := loginRun(t.Context(), f, loginDouble{}, &o); err != nil {
			t.Fatal(err)
		}
		if o.json && (!json.Valid(out.Bytes()) || !strings.Contains(errs.String(), "https://example.com/")) {
			t.Errorf("%+v: standard output %q, standard error %q", o, out.String(), errs.String())
		}
		if !o.json && !strings.HasPrefix(out.String(), address+"\n") {
			t.Errorf("%+v: the address is not alone on the first line: %q", o, out.String())
		}
	}
}

// A script must be able to tell "I changed my mind" from "it did not work".
func TestCancelledLoginHasAStatusOfItsOwn(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
	}{
		{fmt.Errorf("log in to OpenID Connect: login: %w", oauth.ErrCancelled), ExitCancelled},
		{fmt.Errorf("log in to OpenID Connect: %w", oauth.ErrDenied), ExitFailed},
	} {
		f := &Factory{Out: io.Discard, Err: io.Discard}
		if status := f.report(loginRun(t.Context(), f, loginDouble{err: c.err}, &loginOptions{})); status != c.status {
			t.Errorf("%v: exit status %d, want %d", c.err, status, c.status)
		}
	}
}
