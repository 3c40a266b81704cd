package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// SetOf makes a token set of what is known of tokens. An access token whose end is
// not known counts as ended, so that it is renewed at the first use.
func SetOf(l migrate.Login, now time.Time) token.Set {
	if !l.HasTokens() {
		return token.Set{}
	}
	now = now.UTC()
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

// redirect takes the port of the registered redirect URI, which a login must use
// again, and says if the rest of the address cannot be used again.
func (i *Importer) redirect(u *unit) {
	uri, err := url.Parse(u.login.RedirectURI)
	if err != nil || u.login.RedirectURI == "" {
		return
	}
	host := uri.Hostname()
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		if port, _ := strconv.Atoi(uri.Port()); port >= 1024 { // a login cannot wait at others
			u.port = port
		}
	}
	p := profile.Profile{Provider: u.row.ID, RedirectPort: u.port}
	if want := (account.Account{Profile: p, Row: u.row}).RedirectURI(); want != u.login.RedirectURI {
		u.warn("before the next login register " + want + " with " + u.row.Name + ": the old redirect URI cannot be used here")
	}
}

// saveImport writes the profile and the vault, reads back, and tells the audit log.
// What it made is removed again if it fails, and what it replaced put back.
func (i *Importer) saveImport(ctx context.Context, u *unit, p profile.Profile) (err error) {
	client, undo := u.login.ClientSecret, func(context.Context) error { return nil }
	var former identity.ClientSecret
	defer func() {
		if err != nil {
			err = errors.Join(err, undo(context.WithoutCancel(ctx)))
		}
	}()
	if u.result.Action == Created {
		if p, err = i.Create(ctx, u.profile(), client); err != nil {
			return err
		}
		undo = func(ctx context.Context) error { return i.discard(ctx, p.ID) }
	} else {
		before, err := i.Vault.Get(ctx, account.SecretItem(p.ID))
		if err != nil && !errors.Is(err, vault.ErrNotFound) {
			return err
		}
		former = identity.DecodeClientSecret(before)
		i.merge(&p, u)
		if !client.Empty() {
			undo = func(ctx context.Context) error { return i.putSecretBack(ctx, p.ID, before) }
			into, err := account.Of(p)
			if err == nil {
				err = i.Secrets.Keep(ctx, into, former.Replaced(client, p.SecretFrom))
			}
			if err != nil {
				return err
			}
		}
	}
	into, err := account.Of(p)
	if err == nil {
		err = into.Known()
	}
	if err != nil {
		return err
	}
	exists := func() error { return i.Profiles.Update(ctx, p.ID, func(*profile.Profile) {}) }
	finish := func(set token.Set) error {
		if err := i.readBack(ctx, p.ID, client, set); err != nil {
			return err
		}
		return i.Profiles.Update(ctx, p.ID, func(p *profile.Profile) { i.merge(p, u) })
	}
	grant := into.Grant(func(ctx context.Context) (oauth.Client, error) { return i.Secrets.Client(ctx, into) })
	if holdsToken(u.set) {
		if _, err = i.Tokens.SaveImported(ctx, grant, u.set, token.Import{Begin: exists, Confirm: finish, Anew: true}); err != nil {
			return fmt.Errorf("keep the imported tokens: %w", err)
		}
	} else if u.result.Action == Updated {
		err = i.Rebind(ctx, p, func() error { return finish(u.set) })
	} else {
		err = finish(u.set)
	}
	if err != nil {
		return err
	}
	data := map[string]any{
		"format": u.sources[0].Format, "provider": u.row.ID, "client_secret": !client.Empty(), "tokens": holdsToken(u.set), "action": string(u.result.Action),
	}
	if s := u.sources[0]; s.data != nil {
		maps.Copy(data, fileData(s.doc.Name))
	}
	if t := telling(u.login); !t.Empty() {
		data["token"] = i.Fingerprint(ctx, t)
	}
	if u.result.Action == Updated && !client.Empty() && client != former.Value {
		i.Record(ctx, p, audit.CredentialStored, audit.OK, map[string]any{"replaced": !former.Value.Empty()})
	}
	i.Record(ctx, p, audit.Imported, audit.OK, data)
	switch {
	case !client.Empty():
		i.Renewed(ctx, grant)
	case former.For.ClientID != "" && former.For.ClientID != p.ClientID: // it is worth nothing here, and would get old
		return i.Secrets.Delete(ctx, p.ID)
	}
	return nil
}

// merge takes over what the file says of the profile itself.
func (i *Importer) merge(p *profile.Profile, u *unit) {
	switch other := u.login.ClientID != "" && u.login.ClientID != p.ClientID; {
	case !u.login.ClientSecret.Empty():
		p.HasSecret, p.SecretFrom = true, i.Now().UTC()
	case other: // the secret there is belongs to another client
		p.HasSecret, p.SecretFrom = false, time.Time{}
	}
	p.ClientID = cmp.Or(u.login.ClientID, p.ClientID)
	if u.port != 0 {
		p.RedirectPort, p.MorePorts = u.port, nil
	}
	// Whose login it is will be asked anew; that the user imported it over
	// the former one says that they mean it.
	if holdsToken(u.set) {
		p.Identity, p.Accepted, p.Changed = nil, nil, nil
	}
}

// putSecretBack brings back the client secret of before, if there was one and the
// profile is still there.
func (i *Importer) putSecretBack(ctx context.Context, id string, client secret.String) error {
	if exists := i.Profiles.Update(ctx, id, func(*profile.Profile) {}); client.Empty() || errors.Is(exists, profile.ErrNotFound) {
		return i.Vault.Delete(ctx, account.SecretItem(id))
	}
	return i.Vault.Set(ctx, account.SecretItem(id), client)
}

// discard removes a profile that was made a moment ago, with all it has.
func (i *Importer) discard(ctx context.Context, id string) error {
	return errors.Join(i.Tokens.Forget(ctx, id), i.Vault.Delete(ctx, account.SecretItem(id)), i.Profiles.Delete(ctx, id))
}

// readBack compares what the vault has with what it was given. Only after
// that may the old file lose it.
func (i *Importer) readBack(ctx context.Context, id string, client secret.String, set token.Set) error {
	failed := hint.New("the "+string(i.Vault.Kind())+" gave back something else than was saved", "nothing was taken out of the old file; try again")
	if !client.Empty() {
		kept, err := i.Vault.Get(ctx, account.SecretItem(id))
		if err != nil {
			return fmt.Errorf("read the client secret back: %w", err)
		}
		if identity.DecodeClientSecret(kept).Value != client {
			return failed
		}
	}
	if !holdsToken(set) {
		return nil
	}
	kept, err := i.Tokens.Load(ctx, id)
	if err != nil {
		return fmt.Errorf("read the tokens back: %w", err)
	}
	if kept.Gen != set.Gen || kept.Access != set.Access || kept.Refresh != set.Refresh {
		return failed
	}
	return nil
}

// describe says what a set is worth.
func describe(l *Login, set token.Set, now time.Time) {
	l.Tokens, l.Status = holdsToken(set), NeedsLogin
	if l.Tokens {
		l.Expires = set.Expires
		if usable(set, now) && !set.Refused {
			l.Status = Active
		}
	}
}

// describeSaved says what the vault has now.
func (i *Importer) describeSaved(ctx context.Context, l *Login) error {
	p, err := i.find(l.Profile)
	if err != nil {
		return err
	}
	set, err := i.Tokens.Load(ctx, p.ID)
	if token.Unread(err) {
		return err
	}
	describe(l, set, i.Now())
	l.ClientID, l.ClientSecret = p.ClientID, p.HasSecret
	return nil
}
