package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"
	"unicode/utf8"

	"filippo.io/age"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

const (
	// maxItems bounds what all secrets take together, in bytes as JSON.
	maxItems = 16 << 20
	// maxRead is how large a vault may be to be read all the same: one that grew
	// beyond maxItems still has everybody's logins.
	maxRead = 4 * maxItems
)

// fileVault keeps all items in one age file. The file is encrypted to an
// identity of its own: the key file, or what the passphrase opens, so that a
// process pays for scrypt once, and changing the passphrase touches one small
// file. All are ordinary age files:
//
//	age -d -i KEYFILE items.age
//	age -d -i identity.age items.age
type fileVault struct {
	dir string
	key fileKey

	mu       sync.Mutex
	identity *age.X25519Identity
	fresh    bool // and is in no file yet
	kept     bool // and is in every file where it should be
	// last is what was decrypted last. The same bytes are the same items, and
	// comparing them is cheaper than decrypting them again.
	last struct{ sealed, plain []byte }
}

func newFile(p Params) (*fileVault, error) {
	if p.PassphraseFile == "" && p.KeyFile == "" {
		return nil, hint.New("the file vault needs a key",
			"set STAGEDOOR_KEY_FILE to a file that is made for you, outside of "+p.Dir)
	}
	v := &fileVault{dir: filepath.Join(p.Dir, "vault")}
	v.key = fileKey{
		identityPath: filepath.Join(v.dir, "identity.age"), itemsPath: v.itemsPath(),
		passphraseFile: p.PassphraseFile, keyFile: p.KeyFile, workFactor: p.workFactor,
	}
	return v, nil
}

func (v *fileVault) Kind() Kind { return File }

func (v *fileVault) Get(ctx context.Context, key string) (secret.String, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !there(v.itemsPath()) {
		return "", ErrNotFound
	}
	if err := v.unlock(); err != nil {
		return "", err
	}
	items, _, err := v.read()
	if err != nil {
		return "", err
	}
	value, ok := items[key]
	if !ok {
		return "", ErrNotFound
	}
	return secret.String(value), nil
}

func (v *fileVault) Set(ctx context.Context, key string, value secret.String) error {
	return v.set(ctx, key, value, true)
}

// SetUnread is Set without the read-back, and without waiting until the change
// of the file's name is on the disk.
func (v *fileVault) SetUnread(ctx context.Context, key string, value secret.String) error {
	return v.set(ctx, key, value, false)
}

func (v *fileVault) set(ctx context.Context, key string, value secret.String, check bool) error {
	switch {
	case len(value.Reveal()) > MaxValue:
		return tooBig()
	case !utf8.ValidString(value.Reveal()): // JSON would change it
		return hint.Wrap(fmt.Errorf("%w: it is not text", ErrNotSaved), "copy the secret again")
	}
	return v.change(ctx, check, func(items map[string]string) { items[key] = value.Reveal() })
}

func (v *fileVault) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !there(v.itemsPath()) {
		return nil
	}
	return v.change(ctx, true, func(items map[string]string) { delete(items, key) })
}

func (v *fileVault) change(ctx context.Context, check bool, f func(map[string]string)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, err := durable.EnsureDir(v.dir); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	lock, err := durable.Acquire(ctx, filepath.Join(v.dir, "lock"))
	if err != nil {
		return err
	}
	defer lock.Release()
	if err := v.unlock(); err != nil {
		return err
	}
	items, size, err := v.read()
	if err != nil {
		return err
	}
	if !v.kept {
		if err := v.key.keep(v.identity); err != nil {
			return err
		}
		v.fresh, v.kept = false, true
	}
	f(items)
	plain, err := encodeItems(items)
	if err != nil {
		return err
	}
	if len(plain) > maxItems && len(plain) >= size { // what is removed may always be removed
		return tooBig()
	}
	data, err := Encrypt(plain, v.identity.Recipient())
	if err != nil {
		return err
	}
	if !check {
		return durable.WriteFileSoon(v.itemsPath(), data, durable.FileMode)
	}
	if err := durable.WriteFile(v.itemsPath(), data, durable.FileMode); err != nil {
		return err
	}
	back, _, err := v.read()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotSaved, err)
	}
	if !maps.Equal(items, back) {
		return ErrNotSaved
	}
	return nil
}

func tooBig() error {
	return hint.Wrap(ErrTooBig, fmt.Sprintf("one secret may have %d KiB, all of them together %d MiB; a provider that sends more is not to be trusted",
		MaxValue>>10, maxItems>>20))
}

// unlock gets the identity. One that was made just now is remembered only once
// it is kept: the next call may find another process's.
func (v *fileVault) unlock() error {
	if v.identity != nil && !v.fresh {
		return nil
	}
	identity, fresh, err := v.key.find()
	if err != nil {
		return err
	}
	v.identity, v.fresh = identity, fresh
	return nil
}

func (v *fileVault) itemsPath() string { return filepath.Join(v.dir, "items.age") }

// read returns the items, and how many bytes they take as JSON.
func (v *fileVault) read() (items map[string]string, size int, err error) {
	items = map[string]string{}
	data, err := durable.ReadFile(v.itemsPath(), maxRead+maxRead>>8) // age adds 16 bytes to each 64 KiB
	if errors.Is(err, os.ErrNotExist) {
		return items, 0, nil
	}
	if err != nil {
		return nil, 0, hint.Wrap(fmt.Errorf("read the vault file: %w", err), "move what is at "+v.itemsPath()+" away, and bring the vault's file back from a backup")
	}
	plain := v.last.plain
	if !bytes.Equal(data, v.last.sealed) {
		plain, err = Decrypt(data, v.identity)
	}
	var wrong *age.NoIdentityMatchError
	switch {
	case errors.As(err, &wrong) && v.key.keyFile != "":
		return nil, 0, hint.Wrap(fmt.Errorf("%w: the key does not open the vault file", ErrLocked), "check STAGEDOOR_KEY_FILE")
	case err != nil:
		return nil, 0, damaged(v.itemsPath(), err)
	case json.Unmarshal(plain, &items) != nil:
		return nil, 0, damaged(v.itemsPath(), errors.New("it decrypts to something else"))
	}
	v.last.sealed, v.last.plain = data, plain
	return items, len(plain), nil
}

// encodeItems writes each character of a secret as one, where JSON allows it.
func encodeItems(items map[string]string) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(items); err != nil {
		return nil, fmt.Errorf("write the vault file: %w", err)
	}
	return out.Bytes(), nil
}

func damaged(path string, err error) error {
	return hint.Wrap(fmt.Errorf("%w: %s: %w", ErrDamaged, filepath.Base(path), err),
		"it is left as it is; bring it back from a backup, or move "+filepath.Dir(path)+" away and sign in again")
}

// Encrypt makes an age file.
func Encrypt(plain []byte, to age.Recipient) ([]byte, error) {
	var out bytes.Buffer
	err := EncryptTo(&out, plain, to)
	return out.Bytes(), err
}

// EncryptTo is Encrypt for what is long.
func EncryptTo(out io.Writer, plain []byte, to age.Recipient) error {
	w, err := age.Encrypt(out, to)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return fmt.Errorf("encrypt: %w", err)
	}
	return nil
}

// Decrypt reads what Encrypt made.
func Decrypt(data []byte, with age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(data), with)
	if err != nil {
		return nil, err
	}
	plain := bytes.NewBuffer(make([]byte, 0, len(data)+bytes.MinRead)) // never longer than what it is encrypted to
	_, err = plain.ReadFrom(r)
	return plain.Bytes(), err
}
