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
	login, notes, err := readItems(ctx, r.Keyring, r)
	if err != nil {
		return nil, err
	}
	if login.Empty() {
		return nil, hint.Wrap(fmt.Errorf("the keychain has no items of the Spotify server for profile %q", r.Keyring),
			"the old name counts, for example default; without such items sign in: stagedoor login")
	}
	return []*source{{
		items:  r.Keyring,
		doc:    migrate.Document{Profile: r.Keyring, Logins: []migrate.Login{login}},
		report: &File{Path: "keychain", Format: keyringFormat, Logins: []Login{}, Warnings: notes},
	}}, nil
}

func readItems(ctx context.Context, profile string, r Request) (migrate.Login, []string, error) {
	if r.Items == nil {
		return migrate.Login{}, nil, hint.New("the items of other programs cannot be read here", "sign in instead: stagedoor login")
	}
	items := map[string]secret.String{}
	for _, item := range migrate.KeyringItems() {
		value, err := r.Items.Read(ctx, migrate.KeyringUser(profile, item))
		if err != nil && !errors.Is(err, vault.ErrNotFound) {
			return migrate.Login{}, nil, err
		}
		items[item] = value
	}
	login, notes := migrate.FromKeyring(items, r.Local)
	return login, notes, nil
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
	login, notes, err := readItems(ctx, s.doc.Profile, r)
	if errors.Is(err, vault.ErrUnavailable) {
		return // no keychain, no items
	}
	if err != nil {
		// Half a login would be in the way of the whole one later.
		s.doc.Logins = nil
		s.file.err = fmt.Errorf("%s: its tokens are in the keychain: %w", s.file.path, err)
		return
	}
	if login.Empty() {
		return
	}
	s.report.Warnings = append(s.report.Warnings, notes...)
	s.items = s.doc.Profile
	if i >= 0 {
		s.doc.Logins[i] = s.doc.Logins[i].Merge(login)
	} else {
		s.doc.Logins = append(s.doc.Logins, login)
	}
}
