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
func gatherItems(ctx context.Context, r Request) ([]*source, error) {
	login, found, notes, err := readItems(ctx, r.Keyring, r)
	if err != nil {
		return nil, err
	}
	if login.Empty() {
		return nil, hint.Wrap(fmt.Errorf("the keychain has no items of the Spotify server for profile %q", r.Keyring),
			"the old name counts, for example default; without such items sign in: stagedoor login")
	}
	return []*source{{
		items:  found,
		doc:    migrate.Document{Profile: r.Keyring, Logins: []migrate.Login{login}},
		report: &File{Path: "keychain", Format: keyringFormat, Logins: []Login{}, Warnings: notes},
	}}, nil
}

// readItems reads a profile's items and makes a login of them.
func readItems(ctx context.Context, profile string, r Request) (l migrate.Login, found map[string]string, notes []string, err error) {
	if r.Items == nil {
		return l, nil, nil, hint.New("the items of other programs cannot be read here", "sign in instead: stagedoor login")
	}
	items := map[string]secret.String{}
	found = map[string]string{}
	for _, item := range migrate.KeyringItems() {
		user := migrate.KeyringUser(profile, item)
		value, err := r.Items.Read(ctx, user)
		switch {
		case err == nil:
			items[item], found[user] = value, value.Reveal()
		case !errors.Is(err, vault.ErrNotFound):
			return l, nil, nil, err
		}
	}
	l, notes, err = migrate.FromKeyring(items, r.Local)
	return l, found, notes, err
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
	login, found, notes, err := readItems(ctx, s.doc.Profile, r)
	switch {
	case errors.Is(err, vault.ErrUnavailable): // no keychain, no items
	case err != nil:
		// Half a login would be in the way of the whole one later.
		s.doc.Logins = nil
		s.err = fmt.Errorf("%s: its tokens are in the keychain: %w", s.file.path, err)
	case login.Empty():
	case i >= 0:
		s.items, s.doc.Logins[i] = found, s.doc.Logins[i].Merge(login)
		s.report.Warnings = append(s.report.Warnings, notes...)
	default:
		s.items, s.doc.Logins = found, append(s.doc.Logins, login)
		s.report.Warnings = append(s.report.Warnings, notes...)
	}
}
