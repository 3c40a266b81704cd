package auth

import (
	"context"
	"path/filepath"

	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// takeOver makes the item from what was there before, or returns ErrNotFound.
// The item's lock is held.
//
// Before state folders had ids they shared one item, and some of them still may
// need it, so it stays. It has their common key, and the anchor of whichever
// log was written last. A folder takes over the key if a line of its log was
// made with it, and the anchor if its log has that line.
func (k *keys) takeOver(ctx context.Context) (*keyAndAnchor, error) {
	folder, ok := k.vault.(*vault.Folder)
	if !ok {
		return nil, vault.ErrNotFound
	}
	id, former, err := folder.ID()
	if err != nil {
		return nil, err
	}
	if !former {
		return nil, vault.ErrNotFound
	}
	raw, err := folder.Former().Get(ctx, keyItem)
	if err != nil {
		return nil, err
	}
	shared, err := decodeKey(raw)
	if err != nil {
		return nil, err
	}
	if by := shared.Taken[k.dir]; by != "" && by != id {
		return nil, vault.ErrNotFound // the folder's id is another one since
	}
	key, err := shared.secret()
	if err != nil {
		return nil, err
	}
	made, holds, err := verify.Belongs(ctx, filepath.Join(k.dir, "audit"), key, shared.Anchor)
	if err != nil {
		return nil, err
	}
	if !made {
		return nil, vault.ErrNotFound
	}
	if shared.Taken[k.dir] != id { // first, so that nobody takes it over twice by removing the id
		if shared.Taken == nil {
			shared.Taken = map[string]string{}
		}
		shared.Taken[k.dir] = id
		if err := k.save(ctx, folder.Former().Set, shared); err != nil {
			return nil, err
		}
	}
	own := &keyAndAnchor{Key: shared.Key}
	if holds {
		own.Anchor = shared.Anchor
	}
	if err := k.save(ctx, k.vault.Set, own); err != nil {
		return nil, err
	}
	return k.take(own)
}
