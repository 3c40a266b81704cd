package cli

import (
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
}

func newLogin(env Env) *cobra.Command {
	o := loginOptions{}
	cmd := &cobra.Command{
		Use:   "login [PROFILE]",
		Short: "Sign in with the browser, or on another device",
		Long: `Sign in to the profile's provider with the system's browser, and keep the tokens
in the keychain. With --no-browser the address is printed alone on the first
line of standard output, to be opened by whatever browser reaches this machine's
loopback interface.

A login of another account than before ends with exit status 5, and no server
gets a token of it until you say "stagedoor accept".

With --device nothing needs to reach this machine: it shows an address and a
code, to be typed in a browser anywhere. Not every provider offers that; Spotify
and TIDAL do not.`,
		Example: `  stagedoor login work
  stagedoor login work --no-browser
  stagedoor login work --device`,
		Args:              atMost(1),
		ValidArgsFunction: completeProfiles(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.profile = first(args)
			return with(cmd.Context(), env, func(k Keeper) error { return runLogin(cmd.Context(), env, k, o) })
		},
	}
	cmd.Flags().BoolVar(&o.noBrowser, "no-browser", false, "print the address instead of opening a browser")
	cmd.Flags().BoolVar(&o.device, "device", false, "show a code to type in a browser on another device")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the result as JSON")
	return cmd
}

func runLogin(ctx context.Context, env Env, k Keeper, o loginOptions) error {
	if o.device && o.noBrowser {
		return hint.Wrap(usageError("--device and --no-browser exclude each other"), "--device shows a code for another device, --no-browser an address for this one")
	}
	result, err := login(ctx, env, k, o)
	if err != nil {
		return err
	}
	if o.json {
		err = writeJSON(env.Out, result)
	} else {
		err = writeLogin(env.Out, result)
	}
	if err != nil || result.Blocked == "" {
		return err
	}
	return hint.Wrap(attention{fmt.Sprintf("%s: blocked, %s: %s; no server gets a token of this login", result.Profile, result.Blocked, printable(result.Changed))},
		fmt.Sprintf("if that is right: stagedoor accept %s; if not, sign in as before: stagedoor login %s", result.Profile, result.Profile))
}

func writeLogin(w io.Writer, result auth.LoginResult) error {
	who := result.Account
	if who == "" {
		who = "an account the provider does not name, so that another one would not be noticed"
	}
	_, err := fmt.Fprintf(w, "%s: signed in as %s\n", result.Profile, printable(who))
	if err == nil && len(result.Scopes) > 0 {
		_, err = fmt.Fprintf(w, "granted: %s\n", printable(strings.Join(result.Scopes, " ")))
	}
	return err
}

func login(ctx context.Context, env Env, k Keeper, o loginOptions) (auth.LoginResult, error) {
	if o.device {
		out := env.Out
		if o.json { // standard output is for the result alone
			out = env.Err
		}
		return k.LoginDevice(ctx, o.profile, func(c auth.DeviceCode) {
			showCode(out, c, env.Now())
			if env.Copy != nil {
				env.Copy(c.UserCode)
				_, _ = fmt.Fprintln(env.Err, "It was copied too, if your terminal lets programs do that.")
			}
		})
	}
	return k.Login(ctx, o.profile, auth.LoginOptions{
		NoBrowser: o.noBrowser,
		OnOpenFailed: func(err error) {
			_, _ = fmt.Fprintf(env.Err, "The browser could not be opened: %s\nOpen the address above by hand. Still waiting.\n", printable(err.Error()))
		},
		OnURL: func(url string) {
			if o.noBrowser {
				_, _ = fmt.Fprintln(env.Out, url)
				_, _ = fmt.Fprintln(env.Err, "Open this address in a browser on this machine. Waiting for the answer; Ctrl+C cancels.")
				return
			}
			_, _ = fmt.Fprintf(env.Err, "Opening the browser. If none appears, open this address:\n\n  %s\n\nWaiting for the answer; Ctrl+C cancels.\n", url)
		},
	})
}

// showCode tells the user what to do on the other device. The code and the
// address stand on lines of their own, to be copied and to be found by scripts.
func showCode(w io.Writer, c auth.DeviceCode, now time.Time) {
	_, _ = fmt.Fprintf(w, "Open this address in a browser on any device:\n\n  %s\n\nand enter this code:\n\n  %s\n\n", c.VerificationURI, c.UserCode)
	if c.VerificationURIComplete != "" {
		_, _ = fmt.Fprintf(w, "This address has the code in it; compare it with the one above:\n\n  %s\n\n", c.VerificationURIComplete)
	}
	minutes := "a minute"
	if n := int(c.Expires.Sub(now).Round(time.Minute) / time.Minute); n > 1 {
		minutes = fmt.Sprintf("%d minutes", n)
	}
	_, _ = fmt.Fprintf(w, "The code is good for %s. Waiting for the answer; Ctrl+C cancels.\n", minutes)
}
