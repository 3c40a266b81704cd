package importer_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/importer"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// items plays what Python's keyring library left in the keychain.
type items struct {
	all   map[string]secret.String
	fault error
}

func (i *items) Read(_ context.Context, user string) (secret.String, error) {
	if i.fault != nil {
		return "", i.fault
	}
	if v, ok := i.all[user]; ok {
		return v, nil
	}
	return "", vault.ErrNotFound
}

func (i *items) Write(_ context.Context, user string, value secret.String) error {
	i.all[user] = value
	return i.fault
}

func (i *items) Remove(_ context.Context, user string) error {
	delete(i.all, user)
	return i.fault
}

func keyringItems() *items {
	return &items{all: map[string]secret.String{
		"work:access_token": "canary-a", "work:refresh_token": "canary-r", "work:token_expires_at": "1730806215",
		"work:client_secret": "canary-c", "other:access_token": "canary-o",
	}}
}

func TestImportKeyringItems(t *testing.T) {
	t.Run("by name", func(t *testing.T) {
		w := newWorld(t)
		kept := keyringItems()
		if _, err := w.keeper.Import(t.Context(), importer.Request{Keyring: "work", Items: kept}); err == nil || len(kept.all) != 5 || !strings.Contains(hint.Of(err), "--client-id") {
			t.Fatalf("without a client id: %v, %v", err, kept.all)
		}
		report := w.imports(importer.Request{Keyring: "work", Items: kept, ClientID: "id1"})
		if got := report.Files[0]; got.Format != "python-keyring" || got.Logins[0].Profile != "work" || !got.Logins[0].ClientSecret || got.Logins[0].Status != importer.Active {
			t.Errorf("report %+v", got)
		}
		if len(kept.all) != 1 {
			t.Errorf("left in the keychain: %v", slices.Collect(maps.Keys(kept.all)))
		}
		w.noCanary()
	})
	t.Run("with its .env", func(t *testing.T) {
		w := newWorld(t)
		kept := keyringItems()
		dir := w.project(map[string]string{".env.work": "SPOTIFY_CLIENT_ID=id1\nSPOTIFY_USE_KEYCHAIN='true'\n"})
		w.imports(importer.Request{Path: dir, Items: kept, DryRun: true})
		if len(kept.all) != 5 {
			t.Fatal("the dry run removed items")
		}
		report := w.imports(importer.Request{Path: dir, Items: kept})
		if got := report.Files[0].Logins[0]; got.ClientID != "id1" || !got.Tokens || !got.ClientSecret || len(kept.all) != 1 {
			t.Errorf("report %+v, left %d", got, len(kept.all))
		}
		again := w.imports(importer.Request{Path: dir, Items: kept})
		if got := again.Files[0].Logins[0]; got.Action != importer.Unchanged {
			t.Errorf("again: %+v", got)
		}
	})
	t.Run("kept", func(t *testing.T) {
		w := newWorld(t)
		kept := keyringItems()
		w.imports(importer.Request{Keyring: "work", Items: kept, ClientID: "id1", Keep: true})
		if len(kept.all) != 5 {
			t.Error("items were removed")
		}
	})
	t.Run("nothing there", func(t *testing.T) {
		w := newWorld(t)
		_, err := w.keeper.Import(t.Context(), importer.Request{Keyring: "nobody", Items: keyringItems()})
		if err == nil || hint.Of(err) == "" {
			t.Errorf("error %v", err)
		}
	})
	t.Run("locked", func(t *testing.T) {
		w := newWorld(t)
		kept := &items{fault: vault.ErrLocked}
		dir := w.project(map[string]string{".env": "SPOTIFY_CLIENT_ID=id1\nSPOTIFY_USE_KEYCHAIN=true\n"})
		if _, err := w.keeper.Import(t.Context(), importer.Request{Path: dir, Items: kept}); !errors.Is(err, vault.ErrLocked) {
			t.Errorf("with its .env: %v", err)
		}
		if names, _ := w.keeper.Names(); len(names) != 0 {
			t.Errorf("half a login was imported: %v", names)
		}
		if _, err := w.keeper.Import(t.Context(), importer.Request{Keyring: "work", Items: kept}); !errors.Is(err, vault.ErrLocked) {
			t.Errorf("by name: %v", err)
		}
	})
}

// hookVault calls set before each write.
type hookVault struct {
	vault.Vault
	set func(key string)
}

func (v hookVault) Set(ctx context.Context, key string, value secret.String) error {
	v.set(key)
	return v.Vault.Set(ctx, key, value)
}

// A token that the old server renews while the import waits for the keychain is
// the only good one: it stays where it is, and the next import takes it.
func TestItemsRenewedDuringImport(t *testing.T) {
	for name, content := range map[string]string{
		"by name":       "",
		"with its .env": "SPOTIFY_CLIENT_ID=id1\nSPOTIFY_USE_KEYCHAIN='true'\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			kept := keyringItems()
			request := importer.Request{Keyring: "work", Items: kept, ClientID: "id1"}
			if content != "" {
				request = importer.Request{Path: w.project(map[string]string{".env.work": content}), Items: kept}
			}
			k := w.Open(hookVault{w.vault, func(key string) {
				if strings.HasSuffix(key, "/tokens") {
					kept.all["work:access_token"], kept.all["work:refresh_token"] = "canary-a2", "canary-r2"
				}
			}})
			if _, err := k.Import(t.Context(), request); err == nil || hint.Of(err) == "" || len(kept.all) != 5 {
				t.Fatalf("%v; left in the keychain: %v", err, slices.Collect(maps.Keys(kept.all)))
			}
			request.Force = true
			w.imports(request)
			if len(kept.all) != 1 {
				t.Errorf("left in the keychain: %v", slices.Collect(maps.Keys(kept.all)))
			}
			for _, key := range w.vault.Keys() {
				if v, err := w.vault.Get(t.Context(), key); err == nil && strings.Contains(v.Reveal(), "canary-r2") {
					return
				}
			}
			t.Error("the renewed token is nowhere")
		})
	}
}
