package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// ErrFolderID says that the file with the state folder's id is not one.
var ErrFolderID = errors.New("the id of the state folder is damaged")

// idFile is the file in a state folder that has its id.
const idFile = "folder-id"

// idContent is what the file has. Builds from before the first release wrote more
// into some.
var idContent = text.Pattern(`\A[0-9a-z]{16}( former)?\n\z`)

// Folder is the share that one state folder has of a keychain, which serves all
// state folders of a user. The name of each item begins with the folder's id, a
// random one that is kept in the folder. Whoever changes or removes the id, and
// cannot use the keychain, gets no item by it; the folder's own are out of reach
// until the id is back.
//
// A Folder is safe for concurrent use.
type Folder struct {
	vault Vault
	dir   string

	mu sync.Mutex
	id string
}

// InFolder returns the items of a state folder in v. It touches neither yet.
func InFolder(v Vault, dir string) *Folder { return &Folder{vault: v, dir: dir} }

// Kind is that of the vault.
func (f *Folder) Kind() Kind { return f.vault.Kind() }

// name returns what the vault has the item under, making the folder's id the first
// time.
func (f *Folder) name(key string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.id != "" {
		return f.id + "/" + key, nil
	}
	path := filepath.Join(f.dir, idFile)
	content, err := durable.ReadFile(path, 64)
	if errors.Is(err, os.ErrNotExist) {
		err = durable.CreateStream(path, durable.FileMode, durable.Bytes([]byte(strings.ToLower(rand.Text()[:16])+"\n")))
		if err == nil || errors.Is(err, durable.ErrExists) { // by another process
			content, err = durable.ReadFile(path, 64)
		}
	}
	if err == nil && !idContent().Match(content) {
		err = errors.New("it is not what was written")
	}
	if err != nil {
		return "", hint.Wrap(fmt.Errorf("%w: %w", ErrFolderID, err),
			"bring "+path+" back from a backup, or move it away, sign in again and go on with the log: stagedoor audit accept")
	}
	f.id = string(content[:16])
	return f.id + "/" + key, nil
}

// Get returns the secret, ErrNotFound, or ErrIncomplete.
func (f *Folder) Get(ctx context.Context, key string) (secret.String, error) {
	name, err := f.name(key)
	if err != nil {
		return "", err
	}
	return f.vault.Get(ctx, name)
}

// Set stores the secret and returns nil only after reading it back.
func (f *Folder) Set(ctx context.Context, key string, value secret.String) error {
	name, err := f.name(key)
	if err != nil {
		return err
	}
	return f.vault.Set(ctx, name, value)
}

// SetUnread is Set without the read-back where the vault can do that.
func (f *Folder) SetUnread(ctx context.Context, key string, value secret.String) error {
	name, err := f.name(key)
	if err != nil {
		return err
	}
	return f.vault.SetUnread(ctx, name, value)
}

// Delete removes the secret.
func (f *Folder) Delete(ctx context.Context, key string) error {
	name, err := f.name(key)
	if err != nil {
		return err
	}
	return f.vault.Delete(ctx, name)
}
