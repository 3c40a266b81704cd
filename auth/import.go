package auth

import (
	"context"
	"errors"
	"io"
	"path/filepath"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/importer"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// Import takes the logins that other programs keep in files over into profiles
// and the vault: see importer.Importer.
func (k *Keeper) Import(ctx context.Context, r importer.Request) (importer.Report, error) {
	report, err := k.importer().Import(ctx, r)
	if errors.Is(err, importer.ErrSeveral) || errors.Is(err, importer.ErrNoClientID) {
		err = hint.BadRequest(err)
	}
	return report, err
}

// UndoImport puts back what imports took away: see importer.Importer.
func (k *Keeper) UndoImport(ctx context.Context, r importer.UndoRequest) (importer.UndoReport, error) {
	return k.importer().Undo(ctx, r)
}

// Seal encrypts a copy of somebody's file, whose secrets are theirs, to a key in the vault.
// Nothing is written to w if that is not to be had.
func (k *Keeper) Seal(ctx context.Context, w io.Writer, data []byte) error {
	return k.importer().Seal(ctx, w, data)
}

// Unseal decrypts what Seal wrote.
func (k *Keeper) Unseal(ctx context.Context, sealed []byte) ([]byte, error) {
	return k.importer().Unseal(ctx, sealed)
}

// Vouch is a MAC of data with a key in the vault.
func (k *Keeper) Vouch(ctx context.Context, data []byte) (string, error) {
	return k.importer().Vouch(ctx, data)
}

// KeepEntry keeps an entry of an MCP client's config as it was: see importer.Importer.
func (k *Keeper) KeepEntry(ctx context.Context, where string, was []byte, now string) error {
	return k.importer().KeepEntry(ctx, where, was, now)
}

// KeptEntry returns what KeepEntry kept: see importer.Importer.
func (k *Keeper) KeptEntry(ctx context.Context, where, now string) (was []byte, forget func() error, err error) {
	return k.importer().Entry(ctx, where, now)
}

func (k *Keeper) importer() *importer.Importer {
	return &importer.Importer{Params: importer.Params{
		Locks: filepath.Join(k.dir, "locks"), Copies: filepath.Join(k.dir, "imports"), Profiles: k.profiles, Tokens: k.tokens, Vault: k.vault, Log: k.audit, Now: k.now,
		Secrets: k.secrets, Renewed: k.renewed, Writable: k.LogWritable, Record: k.record, Fingerprint: k.auditKey.Fingerprint,
		Rebind: func(ctx context.Context, p profile.Profile, change func() error) error {
			a, err := account.Of(p)
			if err != nil {
				return err
			}
			return k.rebind(ctx, a, func(b *identity.Binding) error {
				*b = p.Binding()
				return change()
			})
		},
		Create: func(ctx context.Context, p profile.Profile, client secret.String) (profile.Profile, error) {
			return k.CreateProfile(ctx, NewProfile{
				Name: p.Name, Provider: p.Provider, ClientID: p.ClientID, ClientSecret: client, RedirectPort: p.RedirectPort,
			})
		},
	}}
}
