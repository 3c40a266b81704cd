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

// formerMark is in the id file of a folder that is older than its id: its items
// may still be where they were before.
const formerMark = " former"

var idContent = text.Pattern(`\A[0-9a-z]{16}(` + formerMark + `)?\n\z`)

// Folder is the share that one state folder has of a keychain, which serves all
// state folders of a user. The name of each item begins with the folder's id, a
// random one that is kept in the folder. Whoever changes or removes the id, and
// cannot use the keychain, gets no item by it; the folder's own are out of reach
// until the id is back.
//
// Items that were stored before folders had ids are taken over: those of a
// profile when they are first read, since a profile's id is random too. The
// other ones may be several folders', and only the caller can tell: see Former.
//
// A Folder is safe for concurrent use.
type Folder struct {
	vault Vault
	dir   string
	begun bool // the folder had profiles when this process began

	mu     sync.Mutex
	id     string
	former bool
}

// InFolder returns the items of a state folder in v. It touches neither yet.
func InFolder(v Vault, dir string) *Folder {
	_, err := os.Lstat(filepath.Join(dir, "profiles.json"))
	return &Folder{vault: v, dir: dir, begun: err == nil}
}

// Kind is that of the vault.
func (f *Folder) Kind() Kind { return f.vault.Kind() }

// ID returns the folder's id, making one the first time. former reports whether
// the folder is older than its id.
func (f *Folder) ID() (id string, former bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.id != "" {
		return f.id, f.former, nil
	}
	path := filepath.Join(f.dir, idFile)
	content, err := durable.ReadFile(path, 64)
	if errors.Is(err, os.ErrNotExist) {
		err = f.create(path)
		if err == nil || errors.Is(err, durable.ErrExists) { // by another process
			content, err = durable.ReadFile(path, 64)
		}
	}
	if err == nil && !idContent().Match(content) {
		err = errors.New("it is not what was written")
	}
	if err != nil {
		return "", false, hint.Wrap(fmt.Errorf("%w: %w", ErrFolderID, err),
			"bring "+path+" back from a backup, or move it away, sign in again and go on with the log: stagedoor audit accept")
	}
	f.id, f.former = string(content[:16]), strings.HasSuffix(string(content), formerMark+"\n")
	return f.id, f.former, nil
}

func (f *Folder) create(path string) error {
	content := strings.ToLower(rand.Text()[:16])
	if f.begun {
		content += formerMark
	}
	return durable.CreateStream(path, durable.FileMode, durable.Bytes([]byte(content+"\n")))
}

// Former returns the items as they were named before folders had ids. They are
// those of all folders, so nothing may be removed from there that may be
// another folder's.
func (f *Folder) Former() Vault { return f.vault }

// Get returns the secret, ErrNotFound, or ErrIncomplete.
func (f *Folder) Get(ctx context.Context, key string) (secret.String, error) {
	id, former, err := f.ID()
	if err != nil {
		return "", err
	}
	value, err := f.vault.Get(ctx, id+"/"+key)
	if former && gone(err) && (mine(key) || shared(key)) {
		return f.takeOver(ctx, id+"/"+key, key)
	}
	return value, err
}

// Set stores the secret and returns nil only after reading it back.
func (f *Folder) Set(ctx context.Context, key string, value secret.String) error {
	id, _, err := f.ID()
	if err != nil {
		return err
	}
	return f.vault.Set(ctx, id+"/"+key, value)
}

// SetUnread is Set without the read-back where the vault can do that.
func (f *Folder) SetUnread(ctx context.Context, key string, value secret.String) error {
	id, _, err := f.ID()
	if err != nil {
		return err
	}
	return f.vault.SetUnread(ctx, id+"/"+key, value)
}

// Delete removes the secret, under its former name too.
func (f *Folder) Delete(ctx context.Context, key string) error {
	id, former, err := f.ID()
	if err != nil {
		return err
	}
	err = f.vault.Delete(ctx, id+"/"+key)
	if former && mine(key) {
		err = errors.Join(err, f.vault.Delete(ctx, key))
	}
	return err
}

// takeOver moves an item from its former name, or copies one that several
// folders may need. A kill between two steps leaves the secret under both names.
func (f *Folder) takeOver(ctx context.Context, name, key string) (secret.String, error) {
	if _, err := f.vault.Get(ctx, key); gone(err) {
		return f.vault.Get(ctx, name) // another process may have just moved it
	}
	// Without a lock a slow process could put an old secret over the newer one
	// that a fast one has saved after moving it.
	locks := filepath.Join(f.dir, "locks")
	if _, err := durable.EnsureDir(locks); err != nil {
		return "", err
	}
	lock, err := durable.Acquire(ctx, filepath.Join(locks, "take-over.lock"))
	if err != nil {
		return "", err
	}
	defer lock.Release()
	value, err := f.vault.Get(ctx, name)
	if !gone(err) {
		return value, err
	}
	if value, err = f.vault.Get(ctx, key); err != nil {
		return "", err
	}
	if err := f.vault.Set(ctx, name, value); err != nil {
		return "", err
	}
	if mine(key) {
		_ = f.vault.Delete(ctx, key) // what stays goes with the profile
	}
	return value, nil
}

// mine reports whether an item under its former name can be no other folder's.
func mine(key string) bool { return strings.HasPrefix(key, "profile/") }

// shared reports whether an item under its former name serves every folder.
func shared(key string) bool { return strings.HasPrefix(key, "wal/") }

// gone reports whether there is no item, not even a damaged one.
func gone(err error) bool {
	return errors.Is(err, ErrNotFound) && !errors.Is(err, ErrIncomplete)
}
