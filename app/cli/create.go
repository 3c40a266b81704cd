package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

type createOptions struct {
	auth.NewProfile
	secretFromStdin bool
	askSecret       bool
	secretEnv       string // a variable's name
	clientIDEnv     string
	secretEnds      string
	caFile          string
	ports           []int
}

func newCmdCreateProfile(f *Factory, runF func(*createOptions) error) *cobra.Command {
	o := &createOptions{}
	cmd := &cobra.Command{
		Use:   "create-profile NAME [--provider PROVIDER]",
		Short: "Create a profile for an account",
		Long: `Create a profile for an account at a provider that is known (see "stagedoor
providers"), an OpenID Connect issuer or any OAuth 2.0 server. On a terminal it asks
for what the profile needs if no provider is named. Register the redirect URI that is
printed with the provider, path included. A client secret is needed for confidential
clients only; it is read from standard input or asked for, and never taken from the
command line.

With --provider api-key the profile is a key that you got from a service's page: it is
asked for, or read from standard input if that is no terminal, and servers get it as
{secret}. Nobody signs in. A key that gets old, or ends soon, is an alert.`,
		Example: `  stagedoor create-profile work --provider spotify --client-id ID
  stagedoor create-profile hifi --provider tidal --client-id ID --redirect-port 8899
  stagedoor create-profile corp --provider oidc --issuer https://login.example.com --client-id ID
  stagedoor create-profile dev --provider oauth2 --auth-url https://… --token-url https://… --client-id ID \
      --redirect-host localhost --redirect-port 8765 --redirect-port 8766
  stagedoor create-profile lab --provider oidc --issuer https://sso.lab --client-id ID --ca-file lab-ca.pem
  stagedoor create-profile github --provider api-key --owner Ada --secret-expires 2027-03-31
  stagedoor create-profile corp --provider oidc --issuer https://login.example.com --client-id ID --auth-param prompt=
  pass show corp | stagedoor create-profile corp --provider oidc --issuer https://login.example.com --client-id ID --client-secret-stdin`,
		Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			switch {
			case slices.Contains(o.ports, 0):
				return usage("leave --redirect-port out for any free one", "0 is not a port")
			case o.Provider == "" && f.ReadPassword == nil:
				return usage("pass --provider and one that stagedoor providers lists; for any other one oidc or oauth2", "which provider is %s at?", o.Name)
			case o.secretFromStdin && o.askSecret, o.secretEnv != "" && (o.secretFromStdin || o.askSecret):
				return usage("--ask-client-secret asks on the terminal, --client-secret-stdin reads a pipe, --client-secret-env a variable", "the client secret comes from one place")
			case o.ClientID != "" && o.clientIDEnv != "":
				return usage("name the variable or the id", "--client-id and --client-id-env exclude each other")
			case o.Provider == provider.APIKey: // has one in any case
			case o.secretEnds != "" && !o.askSecret && !o.secretFromStdin && o.secretEnv == "":
				return usage("pass the secret with --ask-client-secret, --client-secret-stdin or --client-secret-env", "there is no client secret that could expire")
			}
			if len(o.ports) > 0 {
				o.RedirectPort, o.MorePorts = o.ports[0], o.ports[1:]
			}
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return createProfileRun(ctx, f, k, o) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Provider, "provider", "", "one that \"stagedoor providers\" lists, or oidc or oauth2")
	flags.StringVar(&o.ClientID, "client-id", "", "the app's client id; another profile's of the same provider if left out")
	flags.StringVar(&o.clientIDEnv, "client-id-env", "", "the variable that has the client id")
	flags.BoolVar(&o.askSecret, "ask-client-secret", false, "ask for the client secret")
	flags.BoolVar(&o.secretFromStdin, "client-secret-stdin", false, "read the client secret from standard input")
	flags.StringVar(&o.secretEnv, "client-secret-env", "", "the variable that has the client secret or the API key")
	flags.StringVar(&o.Owner, "owner", "", "whose API key it is, for people (api-key)")
	addSecretExpires(cmd, &o.secretEnds)
	flags.StringArrayVar(&o.Params, "param", nil, "NAME=VALUE of the provider's addresses, such as host=gitlab.example.com; may be repeated")
	flags.StringVar(&o.Endpoints.AuthMethod, "auth-method", "", "how the client secret is shown: client_secret_basic, client_secret_post or none; found out if left out")
	flags.StringVar(&o.Issuer, "issuer", "", "the issuer's address (oidc)")
	flags.StringVar(&o.Endpoints.Authorization, "auth-url", "", "authorization endpoint (oauth2)")
	flags.StringVar(&o.Endpoints.Token, "token-url", "", "token endpoint (oauth2)")
	flags.StringVar(&o.Endpoints.Revocation, "revoke-url", "", "revocation endpoint (oauth2)")
	flags.StringVar(&o.Endpoints.DeviceAuthorization, "device-url", "", "device authorization endpoint (oauth2), for login --device")
	flags.StringVar(&o.Endpoints.UserInfo, "userinfo-url", "", "userinfo endpoint (oauth2)")
	flags.StringVar(&o.AccountField, "account-field", "", "where the userinfo answer has the account's id, such as data.0.id (oauth2)")
	flags.StringArrayVar(&o.AuthParams, "auth-param", nil, "NAME=VALUE for the address that a login opens; NAME= leaves one out; may be repeated")
	flags.StringArrayVar(&o.Scopes, "scope", nil, "a scope to ask for, or several with spaces or commas between; may be repeated")
	flags.IntSliceVar(&o.ports, "redirect-port", nil, "the port of the registered redirect URI; repeated, the first that is free is taken")
	flags.StringVar(&o.RedirectHost, "redirect-host", "", "localhost or 127.0.0.1, where the provider takes only the one; as it is known to want if left out")
	flags.StringVar(&o.RedirectPath, "redirect-path", "", "the path of a redirect URI that is registered already (oidc, oauth2)")
	flags.StringVar(&o.caFile, "ca-file", "", "certificates (PEM) to believe in place of the system's, for an issuer or server of your own")
	flags.StringArrayVar(&o.Pins, "pin", nil, "sha256/BASE64 of a public key that has to be in its chain of certificates; may be repeated")
	flags.BoolVar(&o.RefreshEndsAccess, "refresh-ends-access", false, "an access token is dead once there is the next one, so servers that share it agree when to refresh (oidc, oauth2)")
	flags.BoolVar(&o.UntilLogout, "until-logout", false, "keep the tokens in memory only, and forget them at logout (Linux)")
	completeFlag(cmd, "provider", f.providers)
	completeFlag(cmd, "redirect-host", func() []string { return []string{"localhost", "127.0.0.1"} })
	completeFlag(cmd, "auth-method", func() []string { return []string{string(oauth.Basic), string(oauth.Post), string(oauth.None)} })
	return cmd
}

// providers are what --provider takes, for completion, with the names for people.
func (f *Factory) providers() []string {
	all := provider.All()
	if dir, err := f.Folder(provider.Folder); err == nil {
		own, _ := provider.OwnRows(dir)
		all = append(all, own...)
	}
	return refs(all)
}

func refs(rows []provider.Provider) (ids []string) {
	for _, p := range rows {
		ids = append(ids, p.Ref()+"\t"+printable(p.Name))
	}
	return ids
}

// maxCAFile is more than the profile may keep, in bytes.
const maxCAFile = 1 << 20

type createKeeper interface {
	CreateProfile(ctx context.Context, n auth.NewProfile) (profile.Profile, error)
}

func createProfileRun(ctx context.Context, f *Factory, k createKeeper, o *createOptions) (err error) {
	if o.askSecret && f.ReadPassword == nil {
		return usage("pass it on standard input with --client-secret-stdin", "there is no terminal to ask for the client secret")
	}
	if o.SecretEnds, err = expiry(o.secretEnds); err != nil {
		return err
	}
	if o.clientIDEnv != "" {
		if o.ClientID, err = f.variable("client-id-env", o.clientIDEnv); err != nil {
			return err
		}
	}
	if o.Provider == "" {
		if err := o.asked(ctx, f); err != nil {
			return err
		}
	}
	switch {
	case o.secretEnv != "":
		var value string
		value, err = f.variable("client-secret-env", o.secretEnv)
		o.ClientSecret = secret.String(value)
	case o.Provider == provider.APIKey:
		o.ClientSecret, err = f.secret("API key", !o.secretFromStdin && f.ReadPassword != nil)
	case o.askSecret || o.secretFromStdin:
		o.ClientSecret, err = f.secret("client secret", o.askSecret)
	}
	if err != nil {
		return err
	}
	if o.caFile != "" {
		ca, err := durable.ReadLinked(o.caFile, maxCAFile)
		if err != nil {
			return hint.Wrap(hint.BadRequest(fmt.Errorf("--ca-file: %w", err)), "name a file of certificates in the PEM format")
		}
		o.CA = string(ca)
	}
	o.Warn = func(text string) { f.notef("note: %s\n", text) }
	p, err := k.CreateProfile(ctx, o.NewProfile)
	if err != nil {
		return err
	}
	if p.RedirectPath != "" && p.RedirectPath == auth.OwnRedirectPath(p) {
		o.Warn("the redirect URI's path is this provider's own, so that no other provider can answer in its place; register it as it is")
	}
	f.printf("created %s (%s)\n", p.Name, p.Provider)
	if p.Provider == provider.APIKey {
		f.printf("next: stagedoor setup --profile %s --env API_KEY={secret} -- COMMAND\n", p.Name)
		return nil
	}
	for _, uri := range auth.RedirectURIs(p) {
		f.printf("redirect URI to register: %s\n", uri)
	}
	f.printf("next: stagedoor login %s\n", p.Name)
	return nil
}

// asked asks for what a profile needs, of somebody who named no provider.
func (o *createOptions) asked(ctx context.Context, f *Factory) error {
	ask := func(value *string, question string) {
		if *value == "" && ctx.Err() == nil {
			*value = f.typed(question)
		}
	}
	ask(&o.Provider, "Provider (see stagedoor providers; oidc or oauth2 for any other):")
	dir, err := f.Folder(provider.Folder)
	if err != nil {
		return err
	}
	row, err := provider.Choose(dir, o.Provider)
	if err = cmp.Or(ctx.Err(), err); err != nil || row.Cannot != "" { // CreateProfile says why not
		return err
	}
	if row.Discovery && row.Issuer == "" {
		ask(&o.Issuer, "Issuer (https://…):")
	}
	ask(&o.ClientID, "Client id (of your app there; nothing for that of another profile):")
	if ctx.Err() == nil && row.ClientSecret != provider.NeverSecret && o.secretEnv == "" && !o.secretFromStdin && !o.askSecret {
		o.ClientSecret, err = f.ReadPassword("Client secret (nothing if the app has none): ")
	}
	return cmp.Or(ctx.Err(), err)
}
