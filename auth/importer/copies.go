package importer

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// CopyKey is the vault's item with the age identity that copies are for.
const CopyKey = "import/key"

// oldCopy is what an import took away: a file as it was, or items of the
// keychain. It is kept as an age file.
type oldCopy struct {
	Version int               `json:"v"`
	At      time.Time         `json:"at"`   // UTC
	Path    string            `json:"path"` // absolute, or "keychain"
	Mode    fs.FileMode       `json:"mode,omitempty"`
	Data    []byte            `json:"data,omitempty"`
	After   string            `json:"after,omitempty"` // SHA-256 of what replaced it
	Items   map[string]string `json:"items,omitempty"` // by user name
	Entry   bool              `json:"entry,omitempty"` // of an MCP client's config: Path says which, After is what replaced it

	name string // of the file that it is in
}

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

// identity is what copies are encrypted to. The caller holds the import lock.
func (i *Importer) identity(ctx context.Context, create bool) (*age.X25519Identity, error) {
	item, err := i.Vault.Get(ctx, CopyKey)
	if err == nil {
		id, err := age.ParseX25519Identity(item.Reveal())
		if err != nil { // its words may quote the key
			return nil, errors.New("the key of the copies is damaged")
		}
		return id, nil
	}
	if !create || !errors.Is(err, vault.ErrNotFound) {
		return nil, fmt.Errorf("read the key of the copies: %w", err)
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	return id, i.Vault.Set(ctx, CopyKey, secret.String(id.String()))
}

// saveCopy keeps a copy, encrypted, and returns its path once it was read back.
func (i *Importer) saveCopy(ctx context.Context, c oldCopy) (path string, err error) {
	id, err := i.identity(ctx, true)
	if err != nil {
		return "", err
	}
	c.Version, c.At = 1, i.Now().UTC()
	plain, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	box, err := vault.Encrypt(plain, id.Recipient())
	if err != nil {
		return "", err
	}
	if _, err := durable.EnsureDir(i.Copies); err != nil {
		return "", err
	}
	name := strings.ToLower(rand.Text()) + ".age"
	path = filepath.Join(i.Copies, name)
	if err := durable.WriteFile(path, box, durable.FileMode); err != nil {
		return "", err
	}
	if id, err = i.identity(ctx, false); err != nil { // as the vault has it
		return "", err
	}
	back, err := i.loadCopy(id, name)
	if err != nil {
		return "", err
	}
	if back.Path != c.Path || back.After != c.After || !bytes.Equal(back.Data, c.Data) || !maps.Equal(back.Items, c.Items) {
		return "", errors.New("the copy does not read back")
	}
	return path, nil
}

func (i *Importer) loadCopy(id *age.X25519Identity, name string) (oldCopy, error) {
	c := oldCopy{name: name}
	data, err := durable.ReadFile(filepath.Join(i.Copies, name), 3*migrate.MaxSize)
	if err != nil {
		return c, err
	}
	plain, err := vault.Decrypt(data, id)
	if err != nil {
		return c, fmt.Errorf("decrypt the copy: %w", err)
	}
	if json.Unmarshal(plain, &c) != nil || c.Version != 1 || c.Path == "" || c.Mode != c.Mode.Perm() {
		return c, errors.New("the copy is damaged")
	}
	return c, nil
}

// Seal encrypts data to the key of the copies, for whoever keeps the result.
func (i *Importer) Seal(ctx context.Context, w io.Writer, data []byte) error {
	id, err := i.lastingIdentity(ctx)
	if err != nil {
		return err
	}
	return vault.EncryptTo(w, data, id.Recipient())
}

// Vouch is a MAC of data, with a key that comes from that of the copies.
func (i *Importer) Vouch(ctx context.Context, data []byte) (string, error) {
	id, err := i.lastingIdentity(ctx)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, []byte("stagedoor copies "+id.String()))
	mac.Write(data)
	return hex.EncodeToString(mac.Sum(nil)), nil
}

// lastingIdentity is the key of the copies, as the vault has it; the first one makes it.
func (i *Importer) lastingIdentity(ctx context.Context) (*age.X25519Identity, error) {
	id, err := i.identity(ctx, false)
	if !errors.Is(err, vault.ErrNotFound) {
		return id, err
	}
	lock, err := i.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	if _, err := i.identity(ctx, true); err != nil {
		return nil, err
	}
	return i.identity(ctx, false)
}

// Unseal decrypts what Seal wrote.
func (i *Importer) Unseal(ctx context.Context, sealed []byte) ([]byte, error) {
	id, err := i.identity(ctx, false)
	if err != nil {
		return nil, err
	}
	return vault.Decrypt(sealed, id)
}

// KeepEntry keeps the text of an MCP client's entry, encrypted. where names it, and
// now is what replaces it.
func (i *Importer) KeepEntry(ctx context.Context, where string, was []byte, now string) error {
	lock, err := i.begin(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	_, err = i.saveCopy(ctx, oldCopy{Path: where, Entry: true, Data: was, After: now})
	return err
}

// Entry returns the text that was kept of an entry, nil if there is none or
// something else has replaced it, and what forgets it.
func (i *Importer) Entry(ctx context.Context, where, now string) (was []byte, forget func() error, err error) {
	list, _, err := i.copies(ctx, false)
	for _, c := range list {
		if c.Entry && c.Path == where && c.After == now {
			return c.Data, func() error { return durable.Remove(filepath.Join(i.Copies, c.name)) }, nil
		}
	}
	return nil, nil, err
}

// copies lists what can be undone, the newest of each file or item. Those of
// which nothing was taken away after all are left out, and removed under the
// import lock: without it, an import may be about to take it away.
func (i *Importer) copies(ctx context.Context, locked bool) (list []oldCopy, unreadable int, err error) {
	entries, err := os.ReadDir(i.Copies)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	id, err := i.identity(ctx, false)
	if err != nil {
		return nil, 0, err
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".age") {
			continue
		}
		c, err := i.loadCopy(id, e.Name())
		if err != nil {
			unreadable++
			continue
		}
		if now, _, err := readImport(c.Path); c.Items == nil && !c.Entry && err == nil && bytes.Equal(now, c.Data) {
			if locked {
				_ = durable.Remove(filepath.Join(i.Copies, e.Name()))
			}
			continue
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b oldCopy) int { return b.At.Compare(a.At) })
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(c oldCopy) bool {
		key := c.Path + "\n" + strings.Join(slices.Sorted(maps.Keys(c.Items)), "\n")
		again := seen[key]
		seen[key] = true
		return again
	}), unreadable, nil
}
