package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

const keyringFormat = "python-keyring"

// gatherItems reads the items that the Spotify server left in the keychain.
func gatherItems(ctx context.Context, r Request) (*source, error) {
	s := &source{File: File{Path: "keychain", Format: keyringFormat, Logins: []Login{}}}
	login, err := s.readItems(ctx, r.Keyring, r)
	if err == nil && login.Empty() {
		err = hint.Wrap(fmt.Errorf("the keychain has no items of the Spotify server for profile %q", r.Keyring),
			"the old name counts, for example default; without such items sign in: stagedoor login")
	}
	s.doc = migrate.Document{Profile: r.Keyring, Logins: []migrate.Login{login}}
	return s, err
}

// readItems reads a profile's items and makes a login of them.
func (s *source) readItems(ctx context.Context, profile string, r Request) (migrate.Login, error) {
	if r.Items == nil {
		return migrate.Login{}, hint.New("the items of other programs cannot be read here", "sign in instead: stagedoor login")
	}
	values, found := map[string]secret.String{}, map[string]string{}
	for _, item := range migrate.KeyringItems() {
		user := migrate.KeyringUser(profile, item)
		value, err := r.Items.Read(ctx, user)
		switch {
		case err == nil:
			values[item], found[user] = value, value.Reveal()
		case !errors.Is(err, vault.ErrNotFound):
			return migrate.Login{}, err
		}
	}
	login, notes, err := migrate.FromKeyring(values, r.Local)
	if err == nil && !login.Empty() {
		s.items, s.Warnings = found, append(s.Warnings, notes...)
	}
	return login, err
}

// addItems completes an .env file that says its tokens are in the keychain.
func addItems(ctx context.Context, s *source, r Request) {
	if s.doc.Format != migrate.DotEnv || !slices.Contains(s.doc.Moved, "spotify") || r.Items == nil {
		return
	}
	i := slices.IndexFunc(s.doc.Logins, func(l migrate.Login) bool { return l.Provider == "spotify" })
	if i >= 0 && s.doc.Logins[i].HasTokens() {
		return
	}
	login, err := s.readItems(ctx, s.doc.Profile, r)
	switch {
	case errors.Is(err, vault.ErrUnavailable): // no keychain, no items
	case err != nil:
		// Half a login would be in the way of the whole one later.
		s.doc.Logins = nil
		s.err = fmt.Errorf("%s: its tokens are in the keychain: %w", s.Path, err)
	case login.Empty():
	case i >= 0:
		s.doc.Logins[i] = s.doc.Logins[i].Merge(login)
	default:
		s.doc.Logins = append(s.doc.Logins, login)
	}
}
