package importer_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Copies of others' secrets are read with the vault only, and whoever asks first makes
// the key for all.
func TestSealAndVouch(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	long := bytes.Repeat([]byte("canary "), 100_000)
	boxes, macs := make([]bytes.Buffer, 4), make([]string, 4)
	var group sync.WaitGroup
	for i := range boxes {
		group.Go(func() {
			if err := w.keeper.Seal(ctx, &boxes[i], long); err != nil {
				t.Error(err)
			}
			var err error
			if macs[i], err = w.keeper.Vouch(ctx, long); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for i, box := range boxes {
		got, err := w.keeper.Unseal(ctx, box.Bytes())
		if err != nil || !bytes.Equal(got, long) || bytes.Contains(box.Bytes(), []byte("canary")) {
			t.Errorf("%d: %d bytes, %v", i, len(got), err)
		}
		if macs[i] != macs[0] || macs[i] == "" {
			t.Errorf("%d: %q, %q", i, macs[i], macs[0])
		}
	}
	if other, err := w.keeper.Vouch(ctx, long[1:]); err != nil || other == macs[0] {
		t.Errorf("of something else it is %q, %v", other, err)
	}
	if _, err := w.keeper.Unseal(ctx, boxes[0].Bytes()[:boxes[0].Len()-1]); err == nil {
		t.Error("a copy that is cut off was read")
	}

	w.vault.Fail(vault.ErrLocked)
	var box bytes.Buffer
	if err := w.keeper.Seal(ctx, &box, long); !errors.Is(err, vault.ErrLocked) || box.Len() > 0 {
		t.Errorf("locked: %d bytes, %v", box.Len(), err)
	}
	if mac, err := w.keeper.Vouch(ctx, long); !errors.Is(err, vault.ErrLocked) || mac != "" {
		t.Errorf("locked: %q, %v", mac, err)
	}
	w.vault.Fail(nil)
	if err := w.vault.Delete(ctx, "import/key"); err != nil {
		t.Fatal(err)
	}
	if mac, err := w.keeper.Vouch(ctx, long); err != nil || mac == macs[0] {
		t.Errorf("with another key: %q, %v", mac, err)
	}
}
