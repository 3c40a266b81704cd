package cli

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

type providersOptions struct {
	id   string
	json bool
}

func newCmdProviders(f *Factory, runF func(*providersOptions) error) *cobra.Command {
	o := &providersOptions{}
	cmd := &cobra.Command{
		Use:   "providers [ID]",
		Short: "List the OAuth providers that are known",
		Long: `List the OAuth providers that are known. With an ID one is shown in full: what to
register there, where tokens go, how long they last, what a revocation reaches, and
where each fact comes from. What is from memory was not confirmed with the provider.

Any other provider works with "create-profile --provider oidc" and its issuer, or
with --provider oauth2 and its endpoints.`,
		Example: `  stagedoor providers
  stagedoor providers gitlab
  stagedoor providers github --json`,
		Args:              atMost(1),
		ValidArgsFunction: completeFirst(providers),
		RunE: func(_ *cobra.Command, args []string) error {
			if o.id = first(args); runF != nil {
				return runF(o)
			}
			return providersRun(f, o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print as JSON")
	return cmd
}

func providersRun(f *Factory, o *providersOptions) error {
	if o.id == "" {
		return list(f, o.json, provider.All(), "providers", []string{"ID", "PROVIDER", "CLIENT SECRET", "SIGN IN"}, func(p provider.Provider) []string {
			return []string{p.ID, p.Name, needs(p), waysIn(p)}
		})
	}
	p, err := provider.Lookup(o.id)
	if err != nil {
		return err
	}
	if o.json {
		return f.json(p)
	}
	if p, err = p.With(""); err != nil {
		return err
	}
	var rows [][]string
	add := func(what string, values ...string) {
		for _, v := range values {
			if v != "" {
				rows = append(rows, []string{what, v})
			}
		}
	}
	add("no login", p.Cannot)
	add("note", p.Note)
	for _, param := range p.Parameters {
		add("--param", param.Name+"="+cmp.Or(param.Default, "…")+"  "+param.What+", for example "+cmp.Or(param.Example, param.Default))
	}
	add("register at", p.DeveloperPage)
	redirect := auth.RedirectURI(profile.Profile{Provider: p.ID})
	for i, step := range p.Steps {
		add(strconv.Itoa(i+1)+".", strings.ReplaceAll(step, "{redirect}", redirect))
	}
	if p.Cannot == "" {
		add("client secret", needs(p))
		add("sign in", waysIn(p))
		add("asks for", strings.Join(p.Scopes, " "))
		add("token endpoint", p.Token)
		add("refresh token", string(p.Rotation))
		add("login ends", days(p.GrantDays, "after the consent"), days(p.IdleDays, "without use"))
		if p.RefreshEndsAccess {
			add("a refresh", "ends the access token before at once; servers that share it agree when")
		}
		if p.Dialect.NoEnd {
			add("access token", "may have no known end; it is used until it is refused")
		}
		add("revocation", revokes(p))
	}
	add("remove the app at", p.AppsPage)
	for _, what := range slices.Sorted(maps.Keys(p.Sources)) {
		add("source of "+what, p.Sources[what])
	}
	return list(f, false, rows, "", []string{p.ID, p.Name}, func(row []string) []string { return row })
}

// needs says whether there is a client secret.
func needs(p provider.Provider) string {
	switch {
	case p.Cannot != "":
		return ""
	case p.ClientSecret == provider.NeedsSecret:
		return "needed"
	case p.ClientSecret == provider.NeverSecret:
		return "none"
	case p.ClientSecret == provider.SecretButDevices:
		return "in the browser"
	}
	return "if the app has one"
}

// waysIn says how one signs in.
func waysIn(p provider.Provider) string {
	switch {
	case p.Cannot != "":
		return "not possible"
	case p.Device != "":
		return "browser, --device"
	case p.Discovery:
		return "browser, --device where the issuer has it"
	case p.ByHand:
		return "browser, --device with --device-url"
	}
	return "browser"
}

func days(n int, what string) string {
	if n == 0 {
		return ""
	}
	return count(n, "day") + " " + what
}

// revokes says what a revocation does.
func revokes(p provider.Provider) string {
	switch {
	case p.Discovery || p.ByHand:
		return "if there is an endpoint"
	case p.Revocation == "":
		return "none: remove the app on the provider's page"
	case !p.Dialect.Revocable("access_token", false):
		return "ends all logins of the app and the account; takes the client secret"
	case p.Reach == "grant":
		return "ends all logins of the app and the account"
	case p.Reach == "project":
		return "ends all logins of the account with the developer's apps"
	}
	return "ends the login"
}
