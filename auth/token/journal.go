package token

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// errJournal says that a write-ahead file is not one, is cut off, or was
// written with another key.
var errJournal = errors.New("the write-ahead file is damaged")

const (
	journalVersion = 2       // 1 bound less, and its intents were not sealed
	maxJournal     = 1 << 20 // bytes; a token set is a few kilobytes
	emptyBox       = 12 + 16 // bytes: AES-GCM's nonce and tag
)

// record is the content of a write-ahead file. With an empty Box it is an
// intent: a refresh token is about to be sent, or was, and no more is known. With
// tokens in it, it is the answer: what is to be saved.
type record struct {
	Version int       `json:"v"`
	Gen     uint64    `json:"gen"`             // of the tokens in the vault that the request was made with
	Token   string    `json:"token,omitempty"` // keyed fingerprint of the refresh token that was sent; "" without a key
	At      time.Time `json:"at"`              // UTC
	Box     []byte    `json:"box,omitempty"`   // encrypted: a Set, or nothing
}

// intent reports whether no answer was written down.
func (r record) intent() bool { return len(r.Box) <= emptyBox }

// concerns reports whether the request was made with these tokens. Of another
// generation, the vault has moved on and the record is of no use.
func (r record) concerns(set Set, fingerprint string) bool {
	return r.Gen == set.Gen && (r.Token == "" || fingerprint == "" || r.Token == fingerprint)
}

func decodeRecord(data []byte) (record, error) {
	var r record
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	// The error of encoding/json may quote the input, so it is not passed on.
	if d.Decode(&r) != nil || d.More() || r.Version < 1 || r.Version > journalVersion || r.Gen == 0 || r.At.IsZero() {
		return record{}, errJournal
	}
	return r, nil
}

// seal encrypts the tokens into the record; an intent is sealed without tokens.
func (r *record) seal(key []byte, id string, set Set) (err error) {
	var tokens secret.String
	if set.Gen != 0 {
		if tokens, err = set.encode(); err != nil {
			return err
		}
	}
	return r.encrypt(key, id, tokens)
}

// open returns the tokens that seal encrypted; an intent has none.
func (r record) open(key []byte, id string) (Set, error) {
	tokens, err := r.decrypt(key, id)
	if err != nil || tokens.Empty() {
		return Set{}, err
	}
	next, err := decode(tokens)
	if err != nil || next.Gen != r.Gen+1 {
		return Set{}, errJournal
	}
	return next, nil
}

// encrypt fills the box with AES-256-GCM, and all that is beside it is bound in: a
// file that was changed, or put in another's place, does not open.
func (r *record) encrypt(key []byte, id string, content secret.String) error {
	box, err := aead(key)
	if err != nil {
		return err
	}
	r.Box = box.Seal(nil, nil, []byte(content.Reveal()), r.bound(id)) //nolint:gosec // G407: this AEAD makes its nonces itself and wants nil
	return nil
}

func (r record) decrypt(key []byte, id string) (secret.String, error) {
	box, err := aead(key)
	if err != nil {
		return "", err
	}
	content, err := box.Open(nil, nil, r.Box, r.bound(id))
	if err != nil {
		return "", errJournal
	}
	return secret.String(content), nil
}

func (r record) bound(id string) []byte {
	b := fmt.Appendf(nil, "stagedoor wal %d %s %d", r.Version, id, r.Gen)
	if r.Version > 1 {
		b = fmt.Appendf(b, " %s %q", r.At.UTC().Format(time.RFC3339Nano), r.Token)
	}
	return b
}

func aead(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("write-ahead file: %w", err)
	}
	box, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("write-ahead file: %w", err)
	}
	return box, nil
}

// journal has one write-ahead file for each profile. Whoever touches a
// profile's file holds the profile's lock.
type journal struct {
	dir     string
	session func(profileID string) string // see Params.Session
}

func (j journal) path(name string) string {
	if id, _, _ := strings.Cut(name, "."); j.session != nil {
		if dir := j.session(id); dir != "" {
			return filepath.Join(dir, name)
		}
	}
	return filepath.Join(j.dir, name)
}

// read returns the record, false if there is none, or errJournal for a file
// that is no record. Another error means that it could not be read now: it may
// hold the only copy of a login, so the caller must not go on.
func (j journal) read(id string) (record, bool, error) {
	data, err := durable.ReadFile(j.path(id), maxJournal)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return record{}, false, nil
	case errors.Is(err, durable.ErrNotRegular), errors.Is(err, durable.ErrTooLarge):
		return record{}, false, errJournal
	case err != nil:
		return record{}, false, fmt.Errorf("read the write-ahead file: %w", err)
	}
	r, err := decodeRecord(data)
	return r, err == nil, err
}

// exists reports whether there is something under the name.
func (j journal) exists(id string) bool {
	_, err := os.Lstat(j.path(id))
	return err == nil
}

// write replaces the profile's file. It is on the disk when write returns.
func (j journal) write(id string, r record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the write-ahead file: %w", err)
	}
	return durable.WriteFile(j.path(id), data, durable.FileMode)
}

// remove removes the profile's file. A crash may bring it back, which does no
// harm: the vault has another generation by then, or the record says nothing
// that was not true.
func (j journal) remove(id string) error {
	err := durable.Remove(j.path(id))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the write-ahead file: %w", err)
	}
	return nil
}

// damaged is the name under which a file that is no record is kept, once, for
// whoever wants to know what happened. What is in it is encrypted.
func (j journal) damaged(id string) string { return j.path(id) + ".damaged" }

// setAside gets a damaged file out of the way. The first one is kept.
func (j journal) setAside(id string) error {
	if _, err := os.Lstat(j.damaged(id)); errors.Is(err, os.ErrNotExist) {
		return durable.Rename(j.path(id), j.damaged(id))
	}
	return os.RemoveAll(j.path(id))
}

// sweep removes what a killed process left of a write that it did not finish.
func (j journal) sweep(id string) {
	dir := filepath.Dir(j.path(id))
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "."+id+".") && strings.HasSuffix(e.Name(), ".tmp") {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// forget removes everything that is kept for the profile here.
func (j journal) forget(id string) {
	for _, name := range []string{id, id + loginSuffix} {
		_ = j.remove(name)
		_ = os.Remove(j.damaged(name))
	}
	j.sweep(id)
}
