package auth

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/importer"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

// Import takes the logins that other programs keep in files over into profiles
// and the vault: see importer.Importer.
func (k *Keeper) Import(ctx context.Context, r importer.Request) (importer.Report, error) {
	report, err := k.importer().Import(ctx, r)
	if errors.Is(err, importer.ErrSeveral) || errors.Is(err, importer.ErrNoClientID) {
		err = badRequest{err}
	}
	return report, err
}

// UndoImport puts back what imports took away: see importer.Importer.
func (k *Keeper) UndoImport(ctx context.Context, r importer.UndoRequest) (importer.UndoReport, error) {
	return k.importer().Undo(ctx, r)
}

func (k *Keeper) importer() *importer.Importer {
	return &importer.Importer{Params: importer.Params{
		Locks: filepath.Join(k.dir, "locks"), Copies: filepath.Join(k.dir, "imports"), Profiles: k.profiles, Tokens: k.tokens, Vault: k.vault, Log: k.audit, Now: k.now,
		SecretItem: secretItem, KeepSecret: k.keepSecret, RedirectURI: RedirectURI, Writable: k.LogWritable, Record: k.record, Fingerprint: k.keys.fingerprint,
		Rebind: func(ctx context.Context, p profile.Profile) error {
			return k.rebind(ctx, p, func(b *identity.Binding) { *b = p.Binding() })
		},
		Check: func(p profile.Profile) error {
			row, err := provider.Lookup(p.Provider)
			if err != nil {
				return err
			}
			if err := profile.CheckName(p.Name); err != nil {
				return err
			}
			return check(row, p)
		},
		Create: func(ctx context.Context, p profile.Profile, client secret.String) (profile.Profile, error) {
			return k.CreateProfile(ctx, NewProfile{
				Name: p.Name, Provider: p.Provider, ClientID: p.ClientID, ClientSecret: client, RedirectPort: p.RedirectPort,
			})
		},
		Grant: func(p profile.Profile) (token.Grant, error) {
			row, err := provider.Lookup(p.Provider)
			if err != nil {
				return token.Grant{}, err
			}
			e, err := k.endpoints(row, p)
			return k.grant(row, p, e), err
		},
	}}
}
