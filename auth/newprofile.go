package auth

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

// NewProfile is what the user says of a profile to be.
type NewProfile = account.New

// Providers returns the rows at which there can be a login, in the order to offer them:
// those that are built in, and then the user's own. What is wrong with files of the
// user's is in wrong.
func (k *Keeper) Providers() (rows []provider.Provider, wrong []error) {
	own, wrong := provider.OwnRows(k.rowDir())
	return append(provider.Offered(), own...), wrong
}

// rowDir is where the user's rows are.
func (k *Keeper) rowDir() string { return filepath.Join(k.dir, provider.Folder) }

// issuerWait bounds how long creating a profile waits for its issuer.
const issuerWait = 5 * time.Second

// CreateProfile adds a profile. An issuer is asked for its endpoints if it can be
// reached: a wrong one is refused now, and not at the first login.
func (k *Keeper) CreateProfile(ctx context.Context, n NewProfile) (profile.Profile, error) {
	warn := n.Warn
	if warn == nil {
		warn = func(string) {}
	}
	n.Rows = k.rowDir()
	a, err := n.Account()
	if err != nil {
		return profile.Profile{}, err
	}
	list, err := k.profiles.Load()
	if err != nil {
		return profile.Profile{}, err
	}
	if other, ok := sameApp(list, a.Profile.Service()); a.Profile.ClientID == "" && ok {
		a.Profile.ClientID = other.ClientID
		warn("its client id is that of " + other.Name)
	}
	if err := a.Check(); err != nil {
		return profile.Profile{}, err
	}
	if a.Row.IsAPIKey() && n.UntilLogout {
		return profile.Profile{}, errKeyStays
	}
	if _, err := list.Find(n.Name); err == nil {
		return profile.Profile{}, profile.Taken(n.Name)
	}
	if a.Row.Discovery {
		if err := k.askIssuer(ctx, &a.Profile, warn); err != nil {
			return profile.Profile{}, err
		}
	}
	if err := a.ChooseRedirect(n.RedirectPath, warn); err != nil {
		return profile.Profile{}, err
	}
	if err := oauth.CheckPorts(ctx, a.RedirectHost(), a.RedirectPorts()); err != nil {
		warn(err.Error() + ". A login needs the port")
	}
	warnUnnamed(a.Profile, warn)
	if a.Profile.HasSecret {
		a.Profile.SecretFrom = k.now().UTC()
	}
	if a.Profile, err = k.profiles.Create(ctx, a.Profile); err != nil {
		return profile.Profile{}, err
	}
	p := a.Profile
	if n.UntilLogout {
		if err := k.session.Turn(ctx, p.ID, true); err != nil {
			return profile.Profile{}, errors.Join(err, k.profiles.Delete(ctx, p.ID))
		}
	}
	if p.HasSecret {
		if err := k.secrets.Keep(ctx, a, identity.ClientSecret{Value: n.ClientSecret, Stored: p.SecretFrom, Ends: n.SecretEnds}); err != nil {
			// A profile whose secret is nowhere would fail at login for no visible reason.
			return profile.Profile{}, errors.Join(err, k.profiles.Delete(ctx, p.ID))
		}
	}
	k.record(ctx, p, audit.ProfileCreated, audit.OK, map[string]any{"provider": p.Provider, "confidential": p.HasSecret})
	if p.HasSecret {
		k.record(ctx, p, audit.CredentialStored, audit.OK, nil)
	}
	return p, nil
}

// warnUnnamed says when another account could not be noticed.
func warnUnnamed(p profile.Profile, warn func(string)) {
	a, err := account.Of(p)
	switch {
	case err != nil, a.Row.IsAPIKey(), a.IdentityURL() != "", slices.Contains(a.Scopes(), "openid"), a.Row.Discovery && p.Endpoints == nil: // which were not asked for
	case a.Row.ByHand:
		warn("nothing says whose login it is, so another account would not be noticed: --userinfo-url has the provider asked")
	case a.Row.Discovery:
		warn("without the scope openid nothing says whose login it is, so another account would not be noticed")
	default:
		warn("whether " + a.Row.Name + " says whose a login is shows at the login: if not, another account would not be noticed")
	}
}

// sameApp finds another profile of the service, whose client id a new one takes.
// Spotify gives a developer one client id for up to five users, so several
// profiles normally share it.
func sameApp(l profile.List, service string) (profile.Profile, bool) {
	i := slices.IndexFunc(l.Profiles, func(p profile.Profile) bool { return p.Service() == service })
	if i < 0 {
		return profile.Profile{}, false
	}
	return l.Profiles[i], true
}

// askIssuer finds out now what the first login would. An issuer that cannot be
// reached is no reason not to create the profile.
func (k *Keeper) askIssuer(ctx context.Context, p *profile.Profile, warn func(string)) error {
	limited, cancel := context.WithTimeout(ctx, issuerWait)
	defer cancel()
	e, err := k.wire.Trusting(p.Trust).Discover(limited, p.Issuer)
	switch {
	case err == nil:
	case errors.Is(ctx.Err(), context.Canceled):
		return oauth.ErrCancelled
	case oauth.IsTransient(err) && (p.Trust == "" || !errors.Is(err, oauth.ErrTLS)):
		warn("the issuer could not be asked (" + err.Error() + "): whether its address is right shows at the first login")
		return nil
	default:
		return fmt.Errorf("no endpoints from %s: %w", p.Issuer, err)
	}
	wanted := oauth.ClientAuth(byHand(*p).AuthMethod)
	method, err := e.SuggestAuth(p.HasSecret, wanted)
	switch {
	case err != nil:
		return hint.Wrap(hint.BadRequest(err), "create the profile without a client secret")
	case wanted != "" && method != wanted:
		return hint.Usage("the issuer does not offer "+string(wanted), "leave --auth-method out: "+string(method)+" is used")
	case p.HasSecret && wanted == "" && len(e.AuthMethods) == 0: // the first login finds out
		method = ""
	}
	p.Endpoints = account.Pin(e, method)
	return nil
}

// RedirectURI is the address to register with the provider for the profile,
// without a port where the provider leaves that to the app.
func RedirectURI(p profile.Profile) string { return append(RedirectURIs(p), "")[0] }

// RedirectURIs are the addresses to register where there are several ports.
func RedirectURIs(p profile.Profile) []string {
	a, err := account.Of(p)
	if err != nil {
		return nil
	}
	return a.RedirectURIs()
}

// OwnRedirectPath is account.Account.OwnRedirectPath of the profile.
func OwnRedirectPath(p profile.Profile) string {
	a, _ := account.Of(p)
	return a.OwnRedirectPath()
}
