package auth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// importLogin brings one login into a profile and the vault.
func (k *Keeper) importLogin(ctx context.Context, u *importUnit, r ImportRequest) (ImportedLogin, []string, error) {
	row, err := provider.Lookup(u.login.Provider)
	if err != nil {
		return ImportedLogin{}, nil, err
	}
	port, warnings := redirectOf(row, u.login)
	set := k.importedSet(u.login)
	if u.login.HasTokens() && !usable(set, k.now()) {
		warnings = append(warnings, "its access token has ended and there is none to renew it with")
		set = token.Set{}
	}
	result := ImportedLogin{Profile: u.name, Provider: row.ID, ClientSecret: !u.login.ClientSecret.Empty()}
	found, err := k.find(u.name)
	if errors.Is(err, profile.ErrNotFound) {
		// Two profiles with one refresh token would take it from each other.
		switch holder, ok, lookErr := k.holder(ctx, u.login); {
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
		result.Action = ImportCreated
		u.login.ClientID = defaultString(u.login.ClientID, k.knownClientID(row.ID))
		result.ClientID = u.login.ClientID
	case err != nil:
		return result, warnings, err
	default:
		result.ClientID = defaultString(u.login.ClientID, found.ClientID)
		if result.Action, err = k.importAction(ctx, found, u.login, r); err != nil {
			return result, warnings, err
		}
	}
	if r.DryRun || result.Action == ImportUnchanged {
		err = k.checkImport(row, u, port, result.Action)
	} else {
		err = k.saveImport(ctx, row, u, found, set, port, result.Action)
	}
	if err != nil {
		return result, warnings, err
	}
	if r.DryRun && result.Action != ImportUnchanged {
		describe(&result, set, k.now())
		return result, warnings, nil
	}
	return result, warnings, k.describeSaved(ctx, &result)
}

// knownClientID is what CreateProfile would take for a profile without one.
func (k *Keeper) knownClientID(service string) string {
	list, err := k.profiles.Load()
	if err != nil {
		return ""
	}
	return clientIDOf(list, service)
}

// importAction says what an import means for a profile that exists.
func (k *Keeper) importAction(ctx context.Context, p profile.Profile, l migrate.Login, r ImportRequest) (ImportAction, error) {
	if p.Provider != l.Provider {
		return "", hint.Wrap(fmt.Errorf("%w: %s is an account at %s", profile.ErrExists, p.Name, p.Provider),
			"choose another name: --profile NAME")
	}
	lacks, differs, err := k.compare(ctx, p, l)
	switch {
	case err != nil:
		return "", err
	case r.Force, differs && r.Profile != "", lacks && !differs:
		return ImportUpdated, nil
	case !differs:
		return ImportUnchanged, nil
	}
	return "", hint.Wrap(fmt.Errorf("%w: %s has another login", profile.ErrExists, p.Name),
		"choose another name with --profile NAME, or replace its login with --force")
}

// compare reports whether the profile lacks something that the login has, and
// whether it has something else in its place. One that only lacks something was
// made by hand, or by an import that was killed, and is completed. Tokens that
// came of the login's own, by refreshing, are no others: of those the book
// knows.
func (k *Keeper) compare(ctx context.Context, p profile.Profile, l migrate.Login) (lacks, differs bool, err error) {
	differs = l.ClientID != "" && l.ClientID != p.ClientID
	if !l.ClientSecret.Empty() {
		kept, err := k.vault.Get(ctx, secretItem(p.ID))
		if err != nil && !errors.Is(err, vault.ErrNotFound) {
			return false, false, err
		}
		lacks = kept.Empty() || !p.HasSecret
		differs = differs || !kept.Empty() && kept != l.ClientSecret
	}
	if !l.HasTokens() || differs {
		return lacks, differs, nil
	}
	set, err := k.tokens.Load(ctx, p.ID)
	switch {
	case errors.Is(err, vault.ErrNotFound), errors.Is(err, errDamaged):
		imported, err := k.importedBefore(ctx, p, l) // and revoked since
		return lacks || !imported, false, err
	case err != nil:
		return false, false, err
	case set.Refresh == l.Refresh && (!l.Refresh.Empty() || set.Access == l.Access):
		return lacks, false, nil
	}
	imported, err := k.importedBefore(ctx, p, l)
	return lacks, !imported, err
}

// importedBefore asks the book whether these tokens came into the profile once.
func (k *Keeper) importedBefore(ctx context.Context, p profile.Profile, l migrate.Login) (bool, error) {
	events, err := k.book.Query(ctx, audit.Query{Profile: p.ID, Name: audit.Imported})
	if err != nil || len(events) == 0 {
		return false, err
	}
	mark := k.keys.fingerprint(ctx, telling(l))
	return mark != "" && slices.ContainsFunc(events, func(e audit.Event) bool { return e.Data["token"] == mark }), nil
}

// holder finds the profile that has the login's tokens, or newer ones that came
// of them.
func (k *Keeper) holder(ctx context.Context, l migrate.Login) (profile.Profile, bool, error) {
	list, err := k.profiles.Load()
	if err != nil || !l.HasTokens() {
		return profile.Profile{}, false, err
	}
	l.ClientID, l.ClientSecret = "", "" // only the tokens count
	for _, p := range list.Profiles {
		if p.Provider != l.Provider {
			continue
		}
		lacks, differs, err := k.compare(ctx, p, l)
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

// importedSet makes a token set of what the file says. An access token whose
// end is not known counts as ended, so that it is renewed at the first use.
func (k *Keeper) importedSet(l migrate.Login) token.Set {
	if !l.HasTokens() {
		return token.Set{}
	}
	now := k.now().UTC()
	set := token.Set{Access: l.Access, Refresh: l.Refresh, Type: "Bearer", Scopes: l.Scopes, Expires: l.Expires, Issued: l.Issued}
	if set.Expires.IsZero() {
		set.Expires = now
	}
	if set.Issued.IsZero() || set.Issued.After(set.Expires) {
		set.Issued = set.Expires.Add(-oauth.AssumedLifetime)
	}
	if set.Issued.After(now) {
		set.Issued = now
	}
	return set
}

func usable(s token.Set, now time.Time) bool { return !s.Refresh.Empty() || s.Alive(now) }

func holdsToken(s token.Set) bool { return !s.Refresh.Empty() || !s.Access.Empty() }

// redirectOf takes the port of the registered redirect URI, which a login must
// use again, and says if the rest of the address cannot be used again.
func redirectOf(row provider.Provider, l migrate.Login) (port int, warnings []string) {
	u, err := url.Parse(l.RedirectURI)
	if err != nil || l.RedirectURI == "" {
		return 0, nil
	}
	host := u.Hostname()
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		port, _ = strconv.Atoi(u.Port())
	}
	p := profile.Profile{Provider: row.ID, RedirectPort: port}
	if want := redirectURI(row, p); want != l.RedirectURI {
		warnings = append(warnings, "before the next login register "+want+" with "+row.Name+": the old redirect URI cannot be used here")
	}
	return port, warnings
}

func newProfileOf(row provider.Provider, u *importUnit, port int) NewProfile {
	return NewProfile{Name: u.name, Provider: row.ID, ClientID: u.login.ClientID, ClientSecret: u.login.ClientSecret, RedirectPort: port}
}

// checkImport finds out what would be refused.
func (k *Keeper) checkImport(row provider.Provider, u *importUnit, port int, a ImportAction) error {
	if a != ImportCreated {
		return nil
	}
	if err := profile.CheckName(u.name); err != nil {
		return err
	}
	n := newProfileOf(row, u, port)
	return check(row, profile.Profile{Name: n.Name, Provider: n.Provider, ClientID: n.ClientID, RedirectPort: n.RedirectPort})
}

// saveImport writes the profile and the vault, reads back, and tells the book.
// What it made is removed again if it fails, and what it replaced put back.
func (k *Keeper) saveImport(ctx context.Context, row provider.Provider, u *importUnit, p profile.Profile, set token.Set, port int, a ImportAction) (err error) {
	undo := func(context.Context) {}
	defer func() {
		if err != nil {
			undo(context.WithoutCancel(ctx))
		}
	}()
	if a == ImportCreated {
		if p, err = k.CreateProfile(ctx, newProfileOf(row, u, port)); err != nil {
			return err
		}
		undo = func(ctx context.Context) { err = errors.Join(err, k.discard(ctx, p.ID)) }
	}
	e, err := k.endpoints(row, p)
	if err != nil {
		return err
	}
	grant := k.grant(row, p, e)
	if a == ImportUpdated {
		if undo, err = k.remember(ctx, p, grant); err != nil {
			return err
		}
		if !u.login.ClientSecret.Empty() {
			if err := k.vault.Set(ctx, secretItem(p.ID), u.login.ClientSecret); err != nil {
				return err
			}
		}
	}
	if holdsToken(set) {
		saved, err := k.tokens.SaveImported(ctx, grant, set)
		if err != nil {
			return fmt.Errorf("keep the imported tokens: %w", err)
		}
		set = saved
	}
	if err := k.readBack(ctx, p.ID, u.login.ClientSecret, set); err != nil {
		return err
	}
	if a == ImportUpdated {
		err := k.profiles.Update(ctx, p.ID, func(p *profile.Profile) {
			switch other := u.login.ClientID != "" && u.login.ClientID != p.ClientID; {
			case !u.login.ClientSecret.Empty():
				p.HasSecret, p.SecretFrom, p.SecretFor = true, k.now().UTC(), p.Service()
			case other: // the secret there is belongs to another client
				p.HasSecret, p.SecretFrom, p.SecretFor = false, time.Time{}, ""
			}
			p.ClientID = defaultString(u.login.ClientID, p.ClientID)
			if port != 0 {
				p.RedirectPort = port
			}
			// Whose login it is will be asked anew; that the user imported it over
			// the former one says that they mean it.
			p.Identity, p.Accepted, p.Changed = nil, nil, nil
		})
		if err != nil {
			return err
		}
	}
	data := map[string]any{
		"format": u.format, "provider": row.ID, "client_secret": !u.login.ClientSecret.Empty(), "tokens": holdsToken(set), "action": string(a),
	}
	if f := u.sources[0].file; f != nil {
		data["file"] = u.sources[0].doc.Name
	}
	if t := telling(u.login); !t.Empty() {
		data["token"] = k.keys.fingerprint(ctx, t)
	}
	k.record(ctx, p, audit.Imported, audit.OK, data)
	return nil
}

// remember returns what puts the secrets of a profile back as they are now.
func (k *Keeper) remember(ctx context.Context, p profile.Profile, g token.Grant) (func(context.Context), error) {
	client, err := k.vault.Get(ctx, secretItem(p.ID))
	if err != nil && !errors.Is(err, vault.ErrNotFound) {
		return func(context.Context) {}, err
	}
	set, err := k.tokens.Load(ctx, p.ID)
	if err != nil && !errors.Is(err, vault.ErrNotFound) && !errors.Is(err, errDamaged) {
		return func(context.Context) {}, err
	}
	return func(ctx context.Context) {
		if client.Empty() {
			_ = k.vault.Delete(ctx, secretItem(p.ID))
		} else {
			_ = k.vault.Set(ctx, secretItem(p.ID), client)
		}
		if now, err := k.tokens.Load(ctx, p.ID); err == nil && now.Gen != set.Gen && holdsToken(set) {
			_, _ = k.tokens.SaveImported(ctx, g, set)
		}
	}, nil
}

// discard removes a profile that was made a moment ago, with all it has.
func (k *Keeper) discard(ctx context.Context, id string) error {
	return errors.Join(k.tokens.Forget(ctx, id), k.vault.Delete(ctx, secretItem(id)), k.profiles.Delete(ctx, id))
}

// readBack compares what the vault has with what it was given. Only after
// that may the old file lose it.
func (k *Keeper) readBack(ctx context.Context, id string, client secret.String, set token.Set) error {
	failed := hint.New("the "+string(k.vault.Kind())+" gave back something else than was saved", "nothing was taken out of the old file; try again")
	if !client.Empty() {
		kept, err := k.vault.Get(ctx, secretItem(id))
		if err != nil {
			return fmt.Errorf("read the client secret back: %w", err)
		}
		if kept != client {
			return failed
		}
	}
	if !holdsToken(set) {
		return nil
	}
	kept, err := k.tokens.Load(ctx, id)
	if err != nil {
		return fmt.Errorf("read the tokens back: %w", err)
	}
	// A newer generation is one that another process has refreshed since.
	if kept.Gen == set.Gen && (kept.Access != set.Access || kept.Refresh != set.Refresh) || kept.Gen < set.Gen {
		return failed
	}
	return nil
}

// describe says what a set is worth.
func describe(l *ImportedLogin, set token.Set, now time.Time) {
	l.Tokens, l.Status = holdsToken(set), StatusNeedsLogin
	if l.Tokens {
		l.Expires = set.Expires
		if usable(set, now) && !set.Refused {
			l.Status = StatusActive
		}
	}
}

// describeSaved says what the vault has now.
func (k *Keeper) describeSaved(ctx context.Context, l *ImportedLogin) error {
	p, err := k.find(l.Profile)
	if err != nil {
		return err
	}
	set, err := k.tokens.Load(ctx, p.ID)
	if err != nil && !errors.Is(err, vault.ErrNotFound) && !errors.Is(err, errDamaged) {
		return err
	}
	describe(l, set, k.now())
	l.ClientID, l.ClientSecret = p.ClientID, p.HasSecret
	return nil
}

func defaultString(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}
