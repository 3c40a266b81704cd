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
	"strings"
	"sync"
	"time"

	"filippo.io/age"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// workFactor is scrypt's log2(N) for the passphrase. age's own default of 18
// takes a second, which every `stagedoor token` would pay; 15 takes about a
// tenth of it. The passphrase sits in a file and should be a random one.
const workFactor = 15

// Bounds of what is read into memory, in bytes.
const (
	maxVaultFile  = 16 << 20
	maxIdentity   = 64 << 10
	maxPassphrase = 64 << 10
)

// fileVault keeps all items in one age file. The file is encrypted to an
// identity of its own, and only that identity is encrypted with the passphrase:
// so a process pays for scrypt once, and changing the passphrase touches one
// small file. Both are ordinary age files:
//
//	age -d -i identity.age items.age
type fileVault struct {
	dir, passphraseFile string
	workFactor          int // scrypt's, of an identity to be made

	mu       sync.Mutex
	identity *age.X25519Identity
}

func newFile(dir, passphraseFile string, workFactor int) (*fileVault, error) {
	if passphraseFile == "" {
		return nil, hint.New("the file vault needs a passphrase",
			"set STAGEDOOR_PASSPHRASE_FILE to a file that only you can read: (umask 077; head -c 24 /dev/urandom | base64 > FILE)")
	}
	return &fileVault{dir: filepath.Join(dir, "vault"), passphraseFile: passphraseFile, workFactor: workFactor}, nil
}

func (v *fileVault) Kind() Kind { return File }

func (v *fileVault) Get(_ context.Context, key string) (secret.String, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, err := os.Stat(v.itemsPath()); errors.Is(err, os.ErrNotExist) {
		return "", ErrNotFound
	}
	if err := v.unlock(false); err != nil {
		return "", err
	}
	items, err := v.read()
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
	return v.change(ctx, func(items map[string]string) { items[key] = value.Reveal() })
}

func (v *fileVault) Delete(ctx context.Context, key string) error {
	v.mu.Lock()
	_, err := os.Stat(v.itemsPath())
	v.mu.Unlock()
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return v.change(ctx, func(items map[string]string) { delete(items, key) })
}

func (v *fileVault) change(ctx context.Context, f func(map[string]string)) error {
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
	if err := v.unlock(true); err != nil {
		return err
	}
	items, err := v.read()
	if err != nil {
		return err
	}
	f(items)
	if err := v.write(items); err != nil {
		return err
	}
	back, err := v.read()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotSaved, err)
	}
	if !maps.Equal(items, back) {
		return ErrNotSaved
	}
	return nil
}

// unlock gets the identity with the passphrase, making one the first time when
// create is set (the caller holds the lock then).
func (v *fileVault) unlock(create bool) error {
	if v.identity != nil {
		return nil
	}
	passphrase, err := readPassphrase(v.passphraseFile)
	if err != nil {
		return err
	}
	path := filepath.Join(v.dir, "identity.age")
	data, err := durable.ReadFile(path, maxIdentity)
	if errors.Is(err, os.ErrNotExist) {
		if _, statErr := os.Stat(v.itemsPath()); !create || statErr == nil {
			return hint.Wrap(fmt.Errorf("%w: identity.age is missing", ErrDamaged), "bring it back from a backup, or move "+v.dir+" away and sign in again")
		}
		return v.create(path, passphrase)
	}
	if err != nil {
		return fmt.Errorf("open the vault file: %w", err)
	}
	with, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return fmt.Errorf("open the vault file: %w", err)
	}
	with.SetMaxWorkFactor(22)
	plain, err := decrypt(data, with)
	var wrong *age.NoIdentityMatchError
	if errors.As(err, &wrong) {
		return hint.Wrap(fmt.Errorf("%w: the passphrase does not open the vault file", ErrLocked), "check STAGEDOOR_PASSPHRASE_FILE")
	}
	if err != nil {
		return v.damaged("identity.age", err)
	}
	if v.identity, err = age.ParseX25519Identity(strings.TrimSpace(string(plain))); err != nil {
		return v.damaged("identity.age", errors.New("no age identity in it")) // the parse error may quote it
	}
	return nil
}

func (v *fileVault) create(path, passphrase string) error {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return fmt.Errorf("create the vault file: %w", err)
	}
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return fmt.Errorf("create the vault file: %w", err)
	}
	to.SetWorkFactor(v.workFactor)
	data, err := encrypt([]byte(identity.String()+"\n"), to)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(path, data, durable.FileMode); err != nil {
		return err
	}
	v.identity = identity
	return nil
}

func (v *fileVault) itemsPath() string { return filepath.Join(v.dir, "items.age") }

func (v *fileVault) read() (map[string]string, error) {
	data, err := durable.ReadFile(v.itemsPath(), 2*maxVaultFile)
	if errors.Is(err, os.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the vault file: %w", err)
	}
	plain, err := decrypt(data, v.identity)
	if err != nil {
		return nil, v.damaged("items.age", err)
	}
	items := map[string]string{}
	if err := json.Unmarshal(plain, &items); err != nil {
		return nil, v.damaged("items.age", errors.New("it decrypts to something else"))
	}
	return items, nil
}

func (v *fileVault) write(items map[string]string) error {
	plain, err := json.Marshal(items)
	if err != nil {
		return fmt.Errorf("write the vault file: %w", err)
	}
	data, err := encrypt(plain, v.identity.Recipient())
	if err != nil {
		return err
	}
	return durable.WriteFile(v.itemsPath(), data, durable.FileMode)
}

func (v *fileVault) damaged(name string, err error) error {
	return hint.Wrap(fmt.Errorf("%w: %s: %w", ErrDamaged, name, err),
		"it is left as it is; bring it back from a backup, or move "+v.dir+" away and sign in again")
}

func encrypt(plain []byte, to age.Recipient) ([]byte, error) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return out.Bytes(), nil
}

func decrypt(data []byte, with age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(data), with)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, maxVaultFile))
}

func readPassphrase(path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil && info.Mode().IsRegular() && loose(info) {
		return "", hint.Wrap(fmt.Errorf("%w: others can read the passphrase file %s", ErrLocked, path), "chmod 600 "+path)
	}
	data, err := durable.ReadLinked(path, maxPassphrase)
	if err != nil {
		return "", hint.Wrap(fmt.Errorf("%w: read the passphrase: %w", ErrLocked, err), "STAGEDOOR_PASSPHRASE_FILE must name a file that you can read")
	}
	passphrase := strings.TrimRight(string(data), "\r\n")
	if passphrase == "" {
		return "", hint.Wrap(fmt.Errorf("%w: the passphrase file %s is empty", ErrLocked, path), "write a random passphrase into it")
	}
	return passphrase, nil
}
