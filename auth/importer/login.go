package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
func (i *Importer) importLogin(ctx context.Context, u *unit, r Request) (Login, []string, error) {
	row, err := provider.Lookup(u.login.Provider)
	if err != nil {
		return Login{}, nil, err
	}
	port, warnings := i.redirectOf(row, u.login)
	set := i.importedSet(u.login)
	if u.login.HasTokens() && !usable(set, i.Now()) {
		warnings = append(warnings, "its access token has ended and there is none to renew it with")
		set = token.Set{}
	}
	result := Login{Profile: u.name, Provider: row.ID, ClientSecret: !u.login.ClientSecret.Empty()}
	found, err := i.find(u.name)
	if errors.Is(err, profile.ErrNotFound) {
		// Two profiles with one refresh token would take it from each other.
		switch holder, ok, lookErr := i.holder(ctx, u.login); {
		case lookErr != nil:
			return result, warnings, lookErr
		case ok && r.Profile != "" && !r.Force:
			return result, warnings, hint.Wrap(fmt.Errorf("%w: %s has this login already", profile.ErrExists, holder.Name),
				"leave --profile out, and give it another name with: stagedoor rename "+holder.Name+" "+r.Profile)
		case ok && r.Profile == "":
			found, err = holder, nil
			result.Profile, u.name = holder.Name, holder.Name
		}
	}
	switch {
	case errors.Is(err, profile.ErrNotFound):
		result.Action = Created
		u.login.ClientID = defaultString(u.login.ClientID, i.knownClientID(row.ID))
		result.ClientID = u.login.ClientID
	case err != nil:
		return result, warnings, err
	default:
		result.ClientID = defaultString(u.login.ClientID, found.ClientID)
		if result.Action, err = i.importAction(ctx, found, u.login, r); err != nil {
			return result, warnings, err
		}
	}
	if r.DryRun || result.Action == Unchanged {
		err = i.checkImport(row, u, port, result.Action)
	} else {
		err = i.saveImport(ctx, row, u, found, set, port, result.Action)
	}
	if err != nil {
		return result, warnings, err
	}
	if r.DryRun && result.Action != Unchanged {
		describe(&result, set, i.Now())
		return result, warnings, nil
	}
	return result, warnings, i.describeSaved(ctx, &result)
}

func (i *Importer) find(name string) (profile.Profile, error) {
	list, err := i.Profiles.Load()
	if err != nil {
		return profile.Profile{}, err
	}
	return list.Find(name)
}

// knownClientID is what CreateProfile would take for a profile without one.
func (i *Importer) knownClientID(service string) string {
	list, err := i.Profiles.Load()
	if err != nil {
		return ""
	}
	for _, p := range list.Profiles {
		if p.Service() == service {
			return p.ClientID
		}
	}
	return ""
}

// importAction says what an import means for a profile that exists.
func (i *Importer) importAction(ctx context.Context, p profile.Profile, l migrate.Login, r Request) (Action, error) {
	if p.Provider != l.Provider {
		return "", hint.Wrap(fmt.Errorf("%w: %s is an account at %s", profile.ErrExists, p.Name, p.Provider),
			"choose another name: --profile NAME")
	}
	lacks, differs, err := i.compare(ctx, p, l)
	switch {
	case err != nil:
		return "", err
	case r.Force, differs && r.Profile != "", lacks && !differs:
		return Updated, nil
	case !differs:
		return Unchanged, nil
	}
	return "", hint.Wrap(fmt.Errorf("%w: %s has another login", profile.ErrExists, p.Name),
		"choose another name with --profile NAME, or replace its login with --force")
}

// compare reports whether the profile lacks something that the login has, and
// whether it has something else in its place. One that only lacks something was
// made by hand, or by an import that was killed, and is completed. Tokens that
// came of the login's own, by refreshing, are no others: of those the book
// knows.
func (i *Importer) compare(ctx context.Context, p profile.Profile, l migrate.Login) (lacks, differs bool, err error) {
	differs = l.ClientID != "" && l.ClientID != p.ClientID
	if !l.ClientSecret.Empty() {
		item, err := i.Vault.Get(ctx, i.SecretItem(p.ID))
		if err != nil && !errors.Is(err, vault.ErrNotFound) {
			return false, false, err
		}
		kept := identity.DecodeClientSecret(item).Value
		lacks = kept.Empty() || !p.HasSecret
		differs = differs || !kept.Empty() && kept != l.ClientSecret
	}
	if !l.HasTokens() || differs {
		return lacks, differs, nil
	}
	set, err := i.Tokens.Load(ctx, p.ID)
	switch {
	case errors.Is(err, vault.ErrNotFound), errors.Is(err, token.ErrDamaged):
		imported, err := i.importedBefore(ctx, p, l) // and revoked since
		return lacks || !imported, false, err
	case err != nil:
		return false, false, err
	case set.Refresh == l.Refresh && (!l.Refresh.Empty() || set.Access == l.Access):
		return lacks, false, nil
	}
	imported, err := i.importedBefore(ctx, p, l)
	return lacks, !imported, err
}

// importedBefore asks the book whether these tokens came into the profile once.
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
		lacks, differs, err := i.compare(ctx, p, l)
		if err != nil || !lacks && !differs {
			return p, err == nil, err
		}
	}
	return profile.Profile{}, false, nil
}

// telling is the token that tells a login from another.
func telling(l migrate.Login) secret.String {
	if !l.Refresh.Empty() {
		return l.Refresh
	}
	return l.Access
}

// checkImport finds out what would be refused.
func (i *Importer) checkImport(row provider.Provider, u *unit, port int, a Action) error {
	if a != Created {
		return nil
	}
	return i.Check(newProfileOf(row, u, port))
}

func defaultString(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}
