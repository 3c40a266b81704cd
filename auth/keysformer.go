package auth

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Before key and anchor were one item, they were these two.
const (
	oldKeyItem    = "audit/key"
	oldAnchorItem = "audit/anchor"
)

// takeOver makes the item from what was there before, or returns ErrNotFound.
// The item's lock is held.
//
// Before state folders had ids they shared one item, and some of them still may
// need it, so it stays. It has their common key, and the anchor of whichever
// log was written last. A folder takes over the key if a line of its log was
// made with it, and the anchor if its log has that line.
func (k *keys) takeOver(ctx context.Context) (*bookSecret, error) {
	folder, ok := k.vault.(*vault.Folder)
	if !ok {
		item, err := k.two(ctx, k.vault)
		if err != nil {
			return nil, err
		}
		return k.take(item)
	}
	id, former, err := folder.ID()
	if err != nil {
		return nil, err
	}
	if !former {
		return nil, vault.ErrNotFound
	}
	shared, err := k.shared(ctx, folder.Former())
	if err != nil {
		return nil, err
	}
	if by := shared.Taken[k.dir]; by != "" && by != id {
		return nil, vault.ErrNotFound // the folder's id is another one since
	}
	key, err := shared.secret()
	if err != nil {
		return nil, vault.ErrNotFound
	}
	own := &bookSecret{Key: shared.Key}
	var anchor audit.Anchor
	if shared.Anchor != nil {
		anchor = *shared.Anchor
	}
	made, holds, err := audit.Belongs(ctx, filepath.Join(k.dir, "audit"), key, anchor)
	switch {
	case err != nil:
		return nil, err
	case !made:
		return nil, vault.ErrNotFound
	case holds:
		own.Anchor = &anchor
	}
	if shared.Taken == nil {
		shared.Taken = map[string]string{}
	}
	if shared.Taken[k.dir] != id { // first, so that nobody takes it over twice by removing the id
		shared.Taken[k.dir] = id
		if err := k.save(ctx, folder.Former(), shared); err != nil {
			return nil, err
		}
	}
	if err := k.save(ctx, k.vault, own); err != nil {
		return nil, err
	}
	return k.take(own)
}

// shared returns the item that all state folders had in common.
func (k *keys) shared(ctx context.Context, from vault.Vault) (*bookSecret, error) {
	raw, err := from.Get(ctx, bookItem)
	if errors.Is(err, vault.ErrNotFound) {
		return k.two(ctx, from)
	}
	if err != nil {
		return nil, err
	}
	return decodeBook(raw)
}

// two makes one item of the former two, or returns ErrNotFound.
func (k *keys) two(ctx context.Context, in vault.Vault) (*bookSecret, error) {
	key, err := in.Get(ctx, oldKeyItem)
	if err != nil {
		return nil, err
	}
	item := &bookSecret{Key: key.Reveal()}
	anchor, err := in.Get(ctx, oldAnchorItem)
	switch {
	case err == nil:
		item.Anchor = &audit.Anchor{}
		if json.Unmarshal([]byte(anchor.Reveal()), item.Anchor) != nil {
			return nil, errBookItem
		}
	case !errors.Is(err, vault.ErrNotFound):
		return nil, err
	}
	// If this fails, the two still serve, and the next one tries again.
	if err := k.save(ctx, in, item); err == nil {
		_ = in.Delete(ctx, oldKeyItem)
		_ = in.Delete(ctx, oldAnchorItem)
	}
	return item, nil
}
