package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

type createOptions struct {
	auth.NewProfile
	secretFromStdin bool
	askSecret       bool
}

func newCreateProfile(env Env) *cobra.Command {
	o := createOptions{}
	cmd := &cobra.Command{
		Use:   "create-profile NAME --provider PROVIDER",
		Short: "Create a profile for an account",
		Long: `Create a profile for an account at Spotify, TIDAL, an OpenID Connect issuer or
any OAuth 2.0 server. Register the redirect URI that is printed with the
provider, path included. A client secret is needed for confidential clients only;
it is read from standard input or asked for, and never taken from the command
line.`,
		Example: `  stagedoor create-profile work --provider spotify --client-id ID
  stagedoor create-profile hifi --provider tidal --client-id ID --redirect-port 8899
  stagedoor create-profile corp --provider oidc --issuer https://login.example.com --client-id ID
  pass show corp | stagedoor create-profile corp --provider oidc --issuer https://login.example.com --client-id ID --client-secret-stdin`,
		Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			if cmd.Flags().Changed("redirect-port") && o.RedirectPort == 0 {
				return hint.Wrap(usageError("0 is not a port"), "leave --redirect-port out for any free one")
			}
			return with(cmd.Context(), env, func(k Keeper) error { return runCreate(cmd.Context(), env, k, o) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Provider, "provider", "", "spotify, tidal, oidc or oauth2")
	f.StringVar(&o.ClientID, "client-id", "", "the app's client id; another profile's of the same provider if left out")
	f.BoolVar(&o.secretFromStdin, "client-secret-stdin", false, "read the client secret from standard input")
	f.BoolVar(&o.askSecret, "client-secret", false, "ask for the client secret")
	f.StringVar(&o.Issuer, "issuer", "", "the issuer's address (oidc)")
	f.StringVar(&o.Endpoints.Authorization, "auth-url", "", "authorization endpoint (oauth2)")
	f.StringVar(&o.Endpoints.Token, "token-url", "", "token endpoint (oauth2)")
	f.StringVar(&o.Endpoints.Revocation, "revoke-url", "", "revocation endpoint (oauth2)")
	f.StringVar(&o.Endpoints.DeviceAuthorization, "device-url", "", "device authorization endpoint (oauth2), for login --device")
	f.StringVar(&o.Endpoints.UserInfo, "userinfo-url", "", "userinfo endpoint (oauth2)")
	f.StringArrayVar(&o.Scopes, "scope", nil, "a scope to ask for, or several with spaces or commas between; may be repeated")
	f.IntVar(&o.RedirectPort, "redirect-port", 0, "the port of the registered redirect URI")
	f.StringVar(&o.RedirectPath, "redirect-path", "", "the path of a redirect URI that is registered already (oidc, oauth2)")
	_ = cmd.RegisterFlagCompletionFunc("provider", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var ids []string
		for _, p := range provider.All() {
			ids = append(ids, p.ID+"\t"+p.Name)
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

func runCreate(ctx context.Context, env Env, k Keeper, o createOptions) error {
	var err error
	switch {
	case o.Provider == "":
		return hint.Wrap(usageError("which provider is %s at?", o.Name), "pass --provider spotify, tidal, oidc or oauth2")
	case o.secretFromStdin && o.askSecret:
		return usageError("--client-secret and --client-secret-stdin exclude each other")
	case o.secretFromStdin:
		o.ClientSecret, err = readSecret(env.In)
	case o.askSecret && env.ReadPassword == nil:
		return hint.Wrap(usageError("there is no terminal to ask for the client secret"), "pass it on standard input with --client-secret-stdin")
	case o.askSecret:
		if o.ClientSecret, err = env.ReadPassword("Client secret: "); err == nil && o.ClientSecret.Empty() {
			err = hint.Wrap(usageError("no client secret was typed"), "leave --client-secret out for a public client")
		}
	}
	if err != nil {
		return err
	}
	o.Warn = func(text string) { _, _ = fmt.Fprintln(env.Err, "note: "+printable(text)) }
	p, err := k.CreateProfile(ctx, o.NewProfile)
	if err != nil {
		return err
	}
	if p.RedirectPath != "" && p.RedirectPath == auth.OwnRedirectPath(p) {
		o.Warn("the redirect URI's path is this provider's own, so that no other provider can answer in its place; register it as it is")
	}
	_, err = fmt.Fprintf(env.Out, "created %s (%s)\nredirect URI to register: %s\nnext: stagedoor login %s\n", p.Name, p.Provider, auth.RedirectURI(p), p.Name)
	return err
}

// readSecret reads all there is: of several lines nobody can say which one is the
// secret. More than the Keeper takes is left for it to refuse.
func readSecret(r io.Reader) (secret.String, error) {
	typed, err := io.ReadAll(io.LimitReader(r, 64<<10))
	if err != nil {
		return "", fmt.Errorf("read the client secret: %w", err)
	}
	if len(bytes.TrimSpace(typed)) == 0 {
		return "", hint.Wrap(usageError("standard input has no client secret"), "pipe it in, alone on one line: pass show NAME | head -n 1 | stagedoor …")
	}
	return secret.String(typed), nil
}
