package auth

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/auditkey"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/importer"
	"github.com/stagedoor-app/stagedoor/auth/text"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

// inState are the names of what is in a state folder, but for the lock files beside
// them. What else is there is somebody else's.
var inState = text.Pattern(`\A(?:profiles\.json|settings\.json|folder-id|session-bus|tray\.lock|tray-quit|window-[a-z-]+|audit\.lock|audit|backups|bundles|guard|imports|incidents|locks|providers|recipes|vault|wal)\z`)

// Erase ends the use of the state folder: it removes everything of it from the vault,
// the audit log's key last, and what is in the folder, and the folder itself unless
// something is in it that is not Stagedoor's; left names that. It refuses while there
// is a profile, whose login would live on. A revocation that no provider confirmed
// cannot be asked for again afterwards. No other process may use the folder meanwhile.
//
// The Keeper is of no use afterwards, and its Close does nothing. What cannot be
// removed is an error, and calling Erase again goes on.
func (k *Keeper) Erase(ctx context.Context) (left []string, err error) {
	list, err := k.profiles.Load()
	if err != nil {
		return nil, err
	}
	if len(list.Profiles)+len(list.Refused) > 0 {
		return nil, hint.New("there are profiles, whose logins would live on", "delete them first: stagedoor delete-profile")
	}
	items, err := k.everyItem(ctx)
	if err != nil {
		return nil, err
	}
	k.erased.Store(true)
	for _, item := range items {
		if err := k.vault.Delete(ctx, item); err != nil {
			return nil, err
		}
	}
	entries, err := os.ReadDir(k.dir)
	for _, e := range entries {
		if !inState().MatchString(e.Name()) {
			left = append(left, filepath.Join(k.dir, e.Name()))
			continue
		}
		err = errors.Join(err, durable.RemoveTree(filepath.Join(k.dir, e.Name())))
	}
	if len(left) == 0 {
		err = errors.Join(err, os.Remove(k.dir))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return left, fmt.Errorf("remove the state folder: %w", err)
	}
	return left, nil
}

// everyItem are the names of the vault's items that the state folder may have. No
// vault lists its own.
func (k *Keeper) everyItem(ctx context.Context) (items []string, err error) {
	ids, err := k.everyID()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, id := range ids {
		if err := k.session.Remove(ctx, id); err != nil {
			return nil, err
		}
		items = append(items, token.Items(id)...)
		items = append(items, account.SecretItem(id), namedItem("profile", id))
	}
	saved, err := k.audit.Query(ctx, audit.Query{Name: audit.KeychainSave, Sealed: true})
	if err != nil {
		k.log.WarnContext(ctx, "named secrets of programs may be left in the vault", "error", err)
	}
	for _, e := range saved { // programs may have had secrets of their own
		if item, _ := e.Data["item"].(string); strings.HasPrefix(item, "named/") && e.Profile == "" {
			items = append(items, programItem(e.Actor))
		}
	}
	items = append(items, forwardItem, importer.CopyKey)
	slices.Sort(items)
	return append(slices.Compact(items), token.JournalKey, auditkey.Item), nil
}
