package vault

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

const (
	// workFactor is scrypt's log2(N) for the passphrase. age's own default of 18
	// takes a second, which every `stagedoor token` would pay; 15 takes about a
	// tenth of it. The passphrase sits in a file and should be a random one.
	workFactor = 15
	// maxWorkFactor is age's default, for an identity that its user encrypted.
	// Each more doubles what whoever can write identity.age makes every call cost.
	maxWorkFactor = 18
	maxKeyFile    = 64 << 10 // bytes, of the passphrase's file and identity.age too
)

// fileKey finds the identity that the items are encrypted to. It is in the key
// file, as age-keygen writes it, or encrypted with the passphrase in
// identity.age, or in both: where both are configured and one is missing, it is
// made from the other, which is how a user changes from one to the other.
type fileKey struct {
	identityPath, itemsPath string
	passphraseFile, keyFile string // "": not configured
	workFactor              int    // scrypt's, of an identity.age to be made
}

// find returns the identity. fresh says that there is none and that there are
// no items either: it was made just now, and must be kept before it is used.
func (k fileKey) find() (identity *age.X25519Identity, fresh bool, err error) {
	err = os.ErrNotExist
	if k.keyFile != "" {
		identity, err = k.fromKeyFile()
	}
	if errors.Is(err, os.ErrNotExist) && k.passphraseFile != "" {
		identity, err = k.fromPassphrase()
	}
	if !errors.Is(err, os.ErrNotExist) {
		return identity, false, err
	}
	if there(k.identityPath) || there(k.itemsPath) {
		return nil, false, k.missing()
	}
	identity, err = age.GenerateX25519Identity()
	if err != nil {
		return nil, false, fmt.Errorf("create the vault file: %w", err)
	}
	return identity, true, nil
}

// missing says which of the two is not there for a vault that has items.
func (k fileKey) missing() error {
	if k.keyFile == "" {
		return hint.Wrap(fmt.Errorf("%w: identity.age is missing", ErrDamaged),
			"a vault with a key file opens with STAGEDOOR_KEY_FILE; set both, and the next command that saves something makes identity.age. "+
				"One that had a passphrase needs it back from a backup; or move "+filepath.Dir(k.itemsPath)+" away and sign in again")
	}
	return hint.Wrap(fmt.Errorf("%w: the key file %s is missing", ErrLocked, k.keyFile),
		"STAGEDOOR_KEY_FILE must name the vault's key; to make it from the passphrase, set STAGEDOOR_PASSPHRASE_FILE as well, once")
}

// keep writes the identity to each configured place that has none. The caller
// holds the vault's lock, and has opened the items with it if there are any.
func (k fileKey) keep(identity *age.X25519Identity) error {
	if k.keyFile != "" && !there(k.keyFile) {
		state := filepath.Dir(filepath.Dir(k.itemsPath))
		if path, err := filepath.Abs(k.keyFile); err == nil && strings.HasPrefix(path, state+string(filepath.Separator)) {
			return hint.Wrap(fmt.Errorf("make the key file: %s would lie beside what it protects", path),
				"STAGEDOOR_KEY_FILE must be outside of "+state+", and in no backup of it")
		}
		text := fmt.Sprintf("# created: %s\n# public key: %s\n%s\n", time.Now().UTC().Format(time.RFC3339), identity.Recipient(), identity)
		if err := durable.CreateStream(k.keyFile, durable.FileMode, durable.Bytes([]byte(text))); err != nil {
			return hint.Wrap(fmt.Errorf("make the key file: %w", err), "STAGEDOOR_KEY_FILE must be in a folder that exists and that you can write")
		}
	}
	if k.passphraseFile == "" || there(k.identityPath) {
		return nil
	}
	passphrase, err := readPassphrase(k.passphraseFile)
	if err != nil {
		return err
	}
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return fmt.Errorf("create the vault file: %w", err)
	}
	to.SetWorkFactor(k.workFactor)
	data, err := Encrypt([]byte(identity.String()+"\n"), to)
	if err != nil {
		return err
	}
	return durable.WriteFile(k.identityPath, data, durable.FileMode)
}

// fromKeyFile returns os.ErrNotExist if there is no key file.
func (k fileKey) fromKeyFile() (*age.X25519Identity, error) {
	if !there(k.keyFile) {
		return nil, os.ErrNotExist
	}
	data, err := readPrivate(k.keyFile, "key", "STAGEDOOR_KEY_FILE")
	if err != nil {
		return nil, err
	}
	list, err := age.ParseIdentities(bytes.NewReader(data))
	if err == nil && len(list) == 1 {
		if identity, ok := list[0].(*age.X25519Identity); ok {
			return identity, nil
		}
	}
	return nil, hint.Wrap(fmt.Errorf("%w: the key file %s holds no single age key", ErrLocked, k.keyFile), // the parse error may quote it
		"it must have one line that begins with AGE-SECRET-KEY-1; name a file that does not exist to have one made for a new vault")
}

// fromPassphrase returns os.ErrNotExist if there is no identity.age.
func (k fileKey) fromPassphrase() (*age.X25519Identity, error) {
	passphrase, err := readPassphrase(k.passphraseFile)
	if err != nil {
		return nil, err
	}
	data, err := durable.ReadFile(k.identityPath, maxKeyFile)
	if err != nil {
		return nil, fmt.Errorf("open the vault file: %w", err)
	}
	with, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, fmt.Errorf("open the vault file: %w", err)
	}
	with.SetMaxWorkFactor(maxWorkFactor)
	plain, err := Decrypt(data, with)
	var wrong *age.NoIdentityMatchError
	if errors.As(err, &wrong) {
		return nil, hint.Wrap(fmt.Errorf("%w: the passphrase does not open the vault file", ErrLocked), "check STAGEDOOR_PASSPHRASE_FILE")
	}
	if err != nil {
		return nil, damaged(k.identityPath, err)
	}
	identity, err := age.ParseX25519Identity(strings.TrimSpace(string(plain)))
	if err != nil {
		return nil, damaged(k.identityPath, errors.New("no age identity in it")) // the parse error may quote it
	}
	return identity, nil
}

func readPassphrase(path string) (string, error) {
	data, err := readPrivate(path, "passphrase", "STAGEDOOR_PASSPHRASE_FILE")
	if err != nil {
		return "", err
	}
	passphrase := strings.TrimRight(string(data), "\r\n")
	if passphrase == "" {
		return "", hint.Wrap(fmt.Errorf("%w: the passphrase file %s is empty", ErrLocked, path), "write a random passphrase into it")
	}
	return passphrase, nil
}

// readPrivate reads a file of the user's that must be its owner's alone.
func readPrivate(path, what, variable string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.Mode().IsRegular() && runtime.GOOS != "windows" { // where the bits say nothing
		at, _ := filepath.EvalSymlinks(path)
		uid, _ := durable.Owner(at)
		if info.Mode().Perm()&mayNot(at, uid, os.Geteuid()) != 0 {
			return nil, hint.Wrap(fmt.Errorf("%w: others can read the %s file %s", ErrLocked, what, path),
				"chmod 600 "+path+"; in a container mount it as a secret: of Kubernetes with the pod's fsGroup, or defaultMode 0400")
		}
	}
	data, err := durable.ReadLinked(path, maxKeyFile)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("%w: read the %s: %s", ErrLocked, what, err.Error()), variable+" must name a file that you can read")
	}
	return data, nil
}

// mayNot are the permissions that a file with a key must not have. Its owner's file is
// its owner's alone. One of root's may be read by a group, as Kubernetes mounts a secret
// for the group of a pod; one below /run/secrets, where Docker and Podman mount them and
// only root makes anything, by all in the container.
func mayNot(path string, owner, self int) os.FileMode {
	switch {
	case strings.HasPrefix(path, "/run/secrets/"):
		return 0o033
	case owner == 0 && self != 0:
		return 0o037
	}
	return 0o077
}

// there reports whether there is something at the path, or may be.
func there(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, os.ErrNotExist)
}
