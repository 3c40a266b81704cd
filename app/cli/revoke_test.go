package cli

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth"
)

// interruptedKeeper has a login that was killed, of a profile that is gone: it is
// on no list before it is undone.
type interruptedKeeper struct {
	hostileKeeper
	undone  bool
	revoked []string
}

func (k *interruptedKeeper) UndoLost(context.Context) error { k.undone = true; return nil }

func (k *interruptedKeeper) State(context.Context) (auth.State, error) {
	if !k.undone {
		return auth.State{}, nil
	}
	return auth.State{Orphans: []auth.Orphan{{ID: "0123456789abcdef"}}}, nil
}

func (k *interruptedKeeper) Revoke(_ context.Context, name string) (auth.RevokeResult, error) {
	k.revoked = append(k.revoked, name)
	return auth.RevokeResult{Profile: name}, nil
}

func TestRevokeAllLeavesNoInterruptedLogin(t *testing.T) {
	k := &interruptedKeeper{}
	f := &Factory{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}, OpenURL: func(context.Context, string) error { return nil }}
	if err := revokeRun(t.Context(), f, k, &revokeOptions{all: true}); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(k.revoked, "0123456789abcdef") {
		t.Errorf("only %v were revoked", k.revoked)
	}
}
