package vault_test

import (
	"path/filepath"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/vault"
	"github.com/stagedoor-app/stagedoor/auth/vault/vaulttest"
)

// Every vault does what the others do, on each platform's limits; the real
// keyring is in packaging/e2e/keyring.
func TestVaultContract(t *testing.T) {
	memory := &authtest.Vault{}
	key, pass := filepath.Join(t.TempDir(), "key"), passphraseFile(t, "p")
	keyDir, passDir, folder := t.TempDir(), t.TempDir(), t.TempDir()
	vaults := map[string]func() vault.Vault{
		"in memory":                       func() vault.Vault { return memory },
		"in memory, in a folder":          func() vault.Vault { return vault.InFolder(memory, folder) },
		"file vault with a passphrase":    func() vault.Vault { return openFile(t, passDir, pass) },
		"file vault with a key file":      func() vault.Vault { return keyed(t, keyDir, key, "") },
		"file vault with both, as before": func() vault.Vault { return keyed(t, keyDir, key, pass) },
	}
	for _, goos := range []string{"linux", "darwin", "windows"} {
		open, dir := vault.OnFakeRing(goos), t.TempDir()
		vaults["keychain of "+goos] = open
		vaults["keychain of "+goos+", in a folder"] = func() vault.Vault { return vault.InFolder(open(), dir) }
	}
	for name, open := range vaults {
		t.Run(name, func(t *testing.T) { vaulttest.Run(t, open) })
	}
}
