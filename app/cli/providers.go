package cli

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

type providersOptions struct {
	id    string
	check string // a file
	json  bool
}

func newCmdProviders(f *Factory, runF func(*providersOptions) error) *cobra.Command {
	o := &providersOptions{}
	cmd := &cobra.Command{
		Use:   "providers [ID | check FILE]",
		Short: "List the OAuth providers that are known",
		Long: `List the OAuth providers that are known. With an ID one is shown in full: what to
register there, where tokens go, how long they last, what a revocation reaches, and
where each fact comes from. What is from memory was not confirmed with the provider.

Any other provider works with "create-profile --provider oidc" and its issuer, or
with --provider oauth2 and its endpoints. One that departs from the standards, or is
used often, can have a file providers/ID.json in the state folder, like what --json
prints; this one is complete:

  {
    "name": "Acme",
    "authorization": "https://acme.example/authorize",
    "token": "https://acme.example/token",
    "revocation": "https://acme.example/revoke",
    "scopes": ["read", "offline_access"],
    "redirect": {"host": "localhost", "ports": [8765], "path": "/callback"},
    "rotation": "rotates",
    "identity": {"url": "https://acme.example/me", "ids": ["id"], "names": ["name"]}
  }

"check" says all that is wrong with such a file, with line and column. Other programs
may be able to write there, and a row says where tokens and the client secret go. So
"create-profile" takes it by the name with a digest only that is shown here,
ID@DIGEST; a profile that was made keeps it, whatever becomes of the file.`,
		Example: `  stagedoor providers
  stagedoor providers gitlab
  stagedoor providers github --json
  stagedoor providers check acme.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if first(args) == "check" {
				return exactly("check", "FILE")(cmd, args)
			}
			return atMost(1)(cmd, args)
		},
		ValidArgsFunction: completeFirst(f.providers),
		RunE: func(_ *cobra.Command, args []string) error {
			if o.id = first(args); len(args) == 2 {
				o.id, o.check = "", args[1]
			}
			if runF != nil {
				return runF(o)
			}
			return providersRun(f, o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print as JSON")
	return cmd
}

func providersRun(f *Factory, o *providersOptions) error {
	dir, err := f.Folder(provider.Folder)
	if err != nil {
		return err
	}
	if o.check != "" {
		return f.checkProvider(o, dir)
	}
	if o.id == "" {
		own, wrong := provider.OwnRows(dir)
		for _, err := range wrong {
			f.warn(err.Error(), hint.Of(err))
		}
		var all []listed
		for _, p := range append(provider.All(), own...) {
			all = append(all, listedAs(p))
		}
		return list(f, o.json, all, "providers", []string{"ID", "PROVIDER", "CLIENT SECRET", "SIGN IN"}, func(p listed) []string {
			name := p.Name
			if p.File != "" {
				name += " (your own, " + p.File + ")"
			}
			return []string{p.Provider.Ref(), name, needs(p.Provider), waysIn(p.Provider)}
		})
	}
	p, err := provider.Find(dir, o.id)
	if err != nil {
		return err
	}
	if o.json {
		return f.json(listedAs(p))
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
	add("your own", p.File)
	add("no login", p.Cannot)
	add("note", p.Note)
	for _, param := range p.Parameters {
		add("--param", param.Name+"="+cmp.Or(param.Default, "…")+"  "+param.What+", for example "+cmp.Or(param.Example, param.Default))
	}
	add("register at", p.DeveloperPage)
	redirect := strings.Join(auth.RedirectURIs(profile.Profile{Provider: p.ID, OwnRow: p.Text}), " and ")
	for i, step := range p.Steps {
		add(strconv.Itoa(i+1)+".", strings.ReplaceAll(step, "{redirect}", redirect))
	}
	if p.Cannot == "" {
		add("client secret", needs(p))
		add("sign in", waysIn(p))
		add("asks for", strings.Join(p.Scopes, " "))
		if p.Own() {
			add("redirect URI", redirect)
			add("authorization endpoint", p.Authorization)
		}
		add("token endpoint", p.Token)
		if p.Own() {
			add("revocation endpoint", p.Revocation)
			add("refreshes at", p.Dialect.RefreshURL)
			add("asked whose it is", p.Identity.URL)
		}
		add("refresh token", string(p.Rotation))
		add("login ends", days(p.GrantDays, "after the consent"), days(p.IdleDays, "without use"))
		for _, v := range p.Values {
			add("servers can read", "{"+v.Name+"}  "+v.What)
		}
		for _, param := range p.Parameters {
			add("servers can read", "{"+param.Name+"}  "+param.What)
		}
		if p.ReuseGrace > 0 {
			add("lost answer", "to a refresh, it is asked for again for "+count(p.ReuseGrace, "minute"))
		}
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
	return list(f, false, rows, "", []string{p.Ref(), p.Name}, func(row []string) []string { return row })
}

// listed is a row with what it is used by.
type listed struct {
	provider.Provider
	Ref  string `json:"provider,omitempty"` // of one of the user's own: what --provider takes
	File string `json:"file,omitempty"`
}

func listedAs(p provider.Provider) listed {
	if !p.Own() {
		return listed{Provider: p}
	}
	return listed{p, p.Ref(), p.File}
}

// checked is what "check --json" prints.
type checked struct {
	File   string           `json:"file"`
	Ref    string           `json:"provider,omitempty"`
	Faults []provider.Fault `json:"faults"`
}

// checkProvider says all that is wrong with a file.
func (f *Factory) checkProvider(o *providersOptions, dir string) error {
	p, err := provider.ReadFile(o.check)
	var wrong provider.FileError
	if err != nil && !errors.As(err, &wrong) {
		return hint.Wrap(err, cmp.Or(hint.Of(err), "name a file that can be read"))
	}
	if o.json {
		if err := f.json(checked{o.check, p.Ref(), append([]provider.Fault{}, wrong.Faults...)}); err != nil {
			return err
		}
	} else {
		for _, fault := range wrong.Faults {
			f.printf("%s:%s\n", o.check, fault.String())
		}
	}
	if n := len(wrong.Faults); n > 0 {
		return hint.New(o.check+" has "+count(n, "fault"), "a row to look at: stagedoor providers linear --json; --help has one, too")
	}
	if !o.json {
		f.printf("%s describes %s; in the folder %s it is --provider %s\n", o.check, p.Name, dir, p.Ref())
	}
	return nil
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
	case p.IsAPIKey():
		return "not needed"
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
