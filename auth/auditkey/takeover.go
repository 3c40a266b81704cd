package auditkey

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
func (s *Store) takeOver(ctx context.Context) (*content, error) {
	folder, ok := s.Vault.(*vault.Folder)
	if !ok {
		return nil, vault.ErrNotFound
	}
	id, former, err := folder.ID()
	if err == nil && !former {
		err = vault.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	raw, err := folder.Former().Get(ctx, Item)
	if err != nil {
		return nil, err
	}
	shared, err := decode(raw)
	if err != nil {
		return nil, err
	}
	key, err := shared.secret()
	if err != nil {
		return nil, err
	}
	made, holds, err := verify.Belongs(ctx, filepath.Join(s.Dir, "audit"), key, shared.Anchor)
	if err != nil {
		return nil, err
	}
	by := shared.Taken[s.Dir]
	if !made || by != "" && by != id { // another folder's, or the folder's id is another one since
		return nil, vault.ErrNotFound
	}
	if by != id { // first, so that nobody takes it over twice by removing the id
		if shared.Taken == nil {
			shared.Taken = map[string]string{}
		}
		shared.Taken[s.Dir] = id
		if err := s.save(ctx, folder.Former().Set, shared); err != nil {
			return nil, err
		}
	}
	own := &content{Key: shared.Key}
	if holds {
		own.Anchor = shared.Anchor
	}
	if err := s.save(ctx, s.Vault.Set, own); err != nil {
		return nil, err
	}
	return s.take(own)
}
