package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth"
)

type loginOptions struct {
	profile   string
	noBrowser bool
	json      bool
}

func newLogin(env Env) *cobra.Command {
	o := loginOptions{}
	cmd := &cobra.Command{
		Use:   "login [PROFILE]",
		Short: "Sign in with the browser",
		Long: `Sign in to the profile's provider with the system's browser, and keep the tokens
in the keychain. With --no-browser the address is printed alone on the first
line of standard output, to be opened by whatever browser reaches this machine's
loopback interface.`,
		Example: `  stagedoor login work
  stagedoor login work --no-browser`,
		Args:              atMost(1),
		ValidArgsFunction: completeProfiles(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.profile = first(args)
			return with(cmd.Context(), env, func(k Keeper) error { return runLogin(cmd.Context(), env, k, o) })
		},
	}
	cmd.Flags().BoolVar(&o.noBrowser, "no-browser", false, "print the address instead of opening a browser")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the result as JSON")
	return cmd
}

func runLogin(ctx context.Context, env Env, k Keeper, o loginOptions) error {
	result, err := k.Login(ctx, o.profile, auth.LoginOptions{
		NoBrowser: o.noBrowser,
		OnURL: func(url string) {
			if o.noBrowser {
				_, _ = fmt.Fprintln(env.Out, url)
				_, _ = fmt.Fprintln(env.Err, "Open this address in a browser on this machine. Waiting for the answer; Ctrl+C cancels.")
				return
			}
			_, _ = fmt.Fprintf(env.Err, "Opening the browser. If none appears, open this address:\n\n  %s\n\nWaiting for the answer; Ctrl+C cancels.\n", url)
		},
	})
	if err != nil {
		return err
	}
	if o.json {
		return writeJSON(env.Out, result)
	}
	who := result.Account
	if who == "" {
		who = "an account the provider does not name"
	}
	_, err = fmt.Fprintf(env.Out, "%s: signed in as %s\n", result.Profile, printable(who))
	if err == nil && len(result.Scopes) > 0 {
		_, err = fmt.Fprintf(env.Out, "granted: %s\n", printable(strings.Join(result.Scopes, " ")))
	}
	if err == nil && result.Changed != "" {
		_, err = fmt.Fprintf(env.Err, "This is not the login you had: %s.\nNo server gets a token of it until you accept it: stagedoor accept %s\n", printable(result.Changed), result.Profile)
	}
	return err
}
