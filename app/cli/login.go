package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

type loginOptions struct {
	profile   string
	noBrowser bool
	device    bool
	json      bool

	untilLogout, chooses bool // chooses: untilLogout was said, and not left as it is
}

func newCmdLogin(f *Factory, runF func(*loginOptions) error) *cobra.Command {
	o := &loginOptions{}
	cmd := &cobra.Command{
		Use:   "login [PROFILE]",
		Short: "Sign in with the browser, or on another device",
		Long: `Sign in to the profile's provider with the system's browser, and keep the tokens
in the keychain. With --no-browser the address is printed alone on the first
line of standard output (with --json, of standard error), to be opened by
whatever browser reaches this machine's loopback interface.

A login of another account than before ends with exit status 5, and no server
gets a token of it until you say "stagedoor accept".

With --until-logout the profile's tokens, those it has too, are on no disk from
now on, and forgotten when you log out of the desktop (with lingering sessions,
when the machine stops); the profile stays. --until-logout=false ends that.

With --device nothing needs to reach this machine: it shows an address and a
code, to be typed in a browser anywhere. Not every provider offers that; Spotify
and TIDAL do not.`,
		Example: `  stagedoor login work
  stagedoor login work --no-browser
  stagedoor login work --until-logout
  stagedoor login work --device`,
		Args:              atMost(1),
		ValidArgsFunction: completeFirst(f.Names),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.profile, o.chooses = f.profile(args), cmd.Flags().Changed("until-logout")
			if o.device && o.noBrowser {
				return usage("--device shows a code for another device, --no-browser an address for this one", "--device and --no-browser exclude each other")
			}
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return loginRun(ctx, f, k, o) })
		},
	}
	cmd.Flags().BoolVar(&o.noBrowser, "no-browser", false, "print the address instead of opening a browser")
	cmd.Flags().BoolVar(&o.device, "device", false, "show a code to type in a browser on another device")
	cmd.Flags().BoolVar(&o.untilLogout, "until-logout", false, "from now on, keep the profile's tokens in memory only and forget them at logout (Linux)")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the result as JSON")
	return cmd
}

type loginKeeper interface {
	Login(ctx context.Context, name string, o auth.LoginOptions) (auth.LoginResult, error)
	LoginDevice(ctx context.Context, name string, onCode func(auth.DeviceCode)) (auth.LoginResult, error)
	KeepUntilLogout(ctx context.Context, name string, on bool) error
}

func loginRun(ctx context.Context, f *Factory, k loginKeeper, o *loginOptions) error {
	if o.chooses {
		if err := k.KeepUntilLogout(ctx, o.profile, o.untilLogout); err != nil {
			return err
		}
	}
	result, err := signIn(ctx, f, k, o)
	switch {
	case err != nil:
		return err
	case o.json:
		if err := f.json(result); err != nil {
			return err
		}
	default:
		f.printf("%s: signed in as %s\n", result.Profile, cmp.Or(result.Account, "an account the provider does not name, so that another one would not be noticed"))
		if len(result.Scopes) > 0 {
			f.printf("granted: %s\n", strings.Join(result.Scopes, " "))
		}
		f.values(result.Values)
		if result.ClientAuth != "" {
			f.notef("note: the provider refused the client secret in a header and took it in a second request (%s); from now on it is sent so\n", result.ClientAuth)
		}
		if len(result.NotGranted) > 0 {
			f.printf("not granted: %s\n", strings.Join(result.NotGranted, " "))
		}
	}
	if result.Blocked == "" {
		return nil
	}
	return hint.Wrap(attention{fmt.Sprintf("%s: blocked: %s (%s); no server gets a token of this login", result.Profile, result.Blocked, result.Changed)},
		fmt.Sprintf("if that is right: stagedoor accept %s; if not, sign in as before: stagedoor login %s", result.Profile, result.Profile))
}

// values says what servers get of the login besides its token, and what else they could.
func (f *Factory) values(all []auth.LoginValue) {
	for _, v := range all {
		if len(v.Found) == 0 {
			f.notef("note: the provider did not say %s; servers that read {%s} do not start until you sign in again\n", v.What, v.Name)
			continue
		}
		f.printf("%s: %s (%s)\n", v.Name, v.Found[0].Value, cmp.Or(v.Found[0].Label, v.What))
		for _, other := range v.Found[1:] {
			f.notef("note: there is %s, too: a server that is to use it gets %s in place of {%s}, with --env\n", cmp.Or(other.Label, other.Value), other.Value, v.Name)
		}
	}
}

func signIn(ctx context.Context, f *Factory, k loginKeeper, o *loginOptions) (auth.LoginResult, error) {
	out := f.Out
	if o.json { // standard output is for the result alone
		out = f.Err
	}
	if o.device {
		return k.LoginDevice(ctx, o.profile, func(c auth.DeviceCode) {
			showCode(out, c, f.Now())
			if f.Copy != nil {
				f.Copy(c.UserCode)
				f.notef("It was copied too, if your terminal lets programs do that.\n")
			}
		})
	}
	redirect := ""
	return k.Login(ctx, o.profile, auth.LoginOptions{
		NoBrowser:  o.noBrowser,
		OnRedirect: func(uri string) { redirect = uri },
		OnOpenFailed: func(err error) {
			f.notef("The browser could not be opened: %s\nOpen the address above by hand. Still waiting.\n", err)
		},
		OnURL: func(url string) {
			if o.noBrowser {
				_, _ = fmt.Fprintln(out, url)
				f.notef("Open this address in a browser on this machine. Waiting for the answer; Ctrl+C cancels.\n%s", registered(redirect))
				return
			}
			_, _ = fmt.Fprintf(f.Err, "Opening the browser. If none appears, open this address:\n\n  %s\n\nWaiting for the answer; Ctrl+C cancels.\n%s", url, registered(redirect))
		},
	})
}

// registered says what may be wrong when the provider shows an error in place of its
// page: then nothing ever comes back.
func registered(redirect string) string {
	if redirect == "" {
		return ""
	}
	return "Does the page show an error? Then register exactly this redirect URI at the provider: " + redirect + "\n"
}

// showCode tells the user what to do on the other device. The code and the
// address stand on lines of their own, to be copied and to be found by scripts.
func showCode(w io.Writer, c auth.DeviceCode, now time.Time) {
	_, _ = fmt.Fprintf(w, "Open this address in a browser on any device:\n\n  %s\n\nand enter this code:\n\n  %s\n\n", c.VerificationURI, c.UserCode)
	if c.VerificationURIComplete != "" {
		_, _ = fmt.Fprintf(w, "This address has the code in it; compare it with the one above:\n\n  %s\n\n", c.VerificationURIComplete)
	}
	left := max(c.Expires.Sub(now).Round(time.Minute), time.Minute)
	_, _ = fmt.Fprintf(w, "The code is good for %s. Waiting for the answer; Ctrl+C cancels.\n", span(left))
}
