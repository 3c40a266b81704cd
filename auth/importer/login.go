package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// importLogin brings one login into a profile and the vault.
func (i *Importer) importLogin(ctx context.Context, u *unit, r Request) (err error) {
	if u.row, err = provider.Lookup(u.login.Provider); err != nil {
		return err
	}
	found, err := i.decide(ctx, u, r)
	if err != nil {
		return err
	}
	i.redirect(u)
	u.set = SetOf(u.login, i.Now())
	if holdsToken(u.set) && !usable(u.set, i.Now()) {
		u.warn("its access token has ended and there is none to renew it with")
	}
	if r.DryRun && u.result.Action != Unchanged {
		describe(&u.result, u.set, i.Now())
		u.result.Expires = u.login.Expires // as far as the file says
		if u.result.Action != Created {
			return nil
		}
		return errors.Join(profile.CheckName(u.name), account.Account{Profile: u.profile(), Row: u.row}.Check())
	}
	if u.result.Action != Unchanged {
		if err := i.saveImport(ctx, u, found); err != nil {
			return err
		}
	}
	return i.describeSaved(ctx, &u.result)
}

// decide says what is to become of a login, and finds the profile that exists.
func (i *Importer) decide(ctx context.Context, u *unit, r Request) (found profile.Profile, err error) {
	found, err = i.find(u.name)
	if errors.Is(err, profile.ErrNotFound) {
		// Two profiles with one refresh token would take it from each other.
		switch holder, ok, lookErr := i.holder(ctx, u.login); {
		case lookErr != nil:
			return found, lookErr
		case ok && r.Profile != "" && !r.Force:
			return found, hint.Wrap(fmt.Errorf("%w: %s has this login already", profile.ErrExists, holder.Name),
				"leave --profile out, and give it another name with: stagedoor rename "+holder.Name+" "+r.Profile)
		case ok && r.Profile == "":
			found, err, u.name = holder, nil, holder.Name
		}
	}
	u.result = Login{
		Profile: u.name, Provider: u.row.ID, ClientSecret: !u.login.ClientSecret.Empty(),
		ClientID: cmp.Or(u.login.ClientID, found.ClientID), Action: Created,
	}
	if err == nil {
		u.result.Action, err = i.importAction(ctx, found, u.login, r)
	} else if errors.Is(err, profile.ErrNotFound) {
		err = nil
	}
	// A token is lost when it is used with the client id of another app.
	if guess := u.result.Action == Created || u.result.Action == Updated && r.Profile == ""; err == nil && guess && u.login.ClientID == "" {
		advice := "pass the id of your app at " + u.row.Name + " with --client-id"
		if names := u.sources[0].doc.Aliases; len(names) > 0 {
			advice = "if it is the one in " + strings.Join(names, " or ") + ", pass that with --client-id"
		}
		err = hint.Wrap(ErrNoClientID, advice)
	}
	return found, err
}

func (i *Importer) find(name string) (profile.Profile, error) {
	list, err := i.Profiles.Load()
	if err != nil {
		return profile.Profile{}, err
	}
	return list.Find(name)
}

// importAction says what an import means for a profile that exists. One that
// has another login keeps it, unless the user said otherwise.
func (i *Importer) importAction(ctx context.Context, p profile.Profile, l migrate.Login, r Request) (Action, error) {
	if p.Provider != l.Provider {
		return "", hint.Wrap(fmt.Errorf("%w: %s is an account at %s", profile.ErrExists, p.Name, p.Provider),
			"choose another name: --profile NAME")
	}
	c, err := i.compare(ctx, p, l)
	switch {
	case err != nil:
		return "", err
	case r.Force && c.held && !l.HasTokens() && l.ClientID != "" && l.ClientID != p.ClientID:
		return "", hint.Wrap(fmt.Errorf("%w: the tokens that %s has are of another client id", profile.ErrExists, p.Name),
			"choose another name with --profile NAME, or revoke them first: stagedoor revoke "+p.Name)
	case r.Force, c.lacks && !c.differs:
		return Updated, nil
	case !c.differs:
		return Unchanged, nil
	}
	return "", hint.Wrap(fmt.Errorf("%w: %s has another %s", profile.ErrExists, p.Name, c.other()),
		"choose another name with --profile NAME, or replace what it has with --force")
}

// comparison of a profile with a login. One that only lacks something was made
// by hand, or by an import that was killed, and is completed.
type comparison struct {
	lacks   bool // something that the login has
	differs bool // it has something else in its place
	held    bool // it has tokens
}

// other says what it has in the place of what the login has.
func (c comparison) other() string {
	if c.held {
		return "login"
	}
	return "client id or client secret"
}

// compare looks what a profile has of a login. Tokens that came of the login's
// own, by refreshing, are no others: of those the audit log knows. A secret that
// a login here has done without until now would change how it is renewed.
func (i *Importer) compare(ctx context.Context, p profile.Profile, l migrate.Login) (c comparison, err error) {
	c.differs = l.ClientID != "" && l.ClientID != p.ClientID
	set, err := i.Tokens.Load(ctx, p.ID)
	c.held = err == nil
	if token.Unread(err) {
		return c, err
	}
	if !l.ClientSecret.Empty() {
		item, err := i.Vault.Get(ctx, account.SecretItem(p.ID))
		if err != nil && !errors.Is(err, vault.ErrNotFound) {
			return c, err
		}
		kept := identity.DecodeClientSecret(item).Value
		c.lacks = kept.Empty() || !p.HasSecret
		c.differs = c.differs || c.lacks && c.held || !kept.Empty() && kept != l.ClientSecret
	}
	if !l.HasTokens() || c.differs {
		return c, nil
	}
	if c.held && set.Refresh == l.Refresh && (!l.Refresh.Empty() || set.Access == l.Access) {
		return c, nil
	}
	imported, err := i.importedBefore(ctx, p, l) // and renewed, or revoked, since
	c.lacks = c.lacks || !c.held && !imported
	c.differs = c.held && !imported
	return c, err
}

// importedBefore asks the audit log whether these tokens came into the profile once.
func (i *Importer) importedBefore(ctx context.Context, p profile.Profile, l migrate.Login) (bool, error) {
	events, err := i.Log.Query(ctx, audit.Query{Profile: p.ID, Name: audit.Imported})
	if err != nil || len(events) == 0 {
		return false, err
	}
	mark := i.Fingerprint(ctx, telling(l))
	return mark != "" && slices.ContainsFunc(events, func(e audit.Event) bool { return e.Data["token"] == mark }), nil
}

// holder finds the profile that has the login's tokens, or newer ones that came
// of them.
func (i *Importer) holder(ctx context.Context, l migrate.Login) (profile.Profile, bool, error) {
	list, err := i.Profiles.Load()
	if err != nil || !l.HasTokens() {
		return profile.Profile{}, false, err
	}
	l.ClientID, l.ClientSecret = "", "" // only the tokens count
	for _, p := range list.Profiles {
		if p.Provider != l.Provider {
			continue
		}
		c, err := i.compare(ctx, p, l)
		if err != nil || !c.lacks && !c.differs {
			return p, err == nil, err
		}
	}
	return profile.Profile{}, false, nil
}

// telling is the token that tells a login from another.
func telling(l migrate.Login) secret.String { return cmp.Or(l.Refresh, l.Access) }
