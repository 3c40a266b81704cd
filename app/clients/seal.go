package clients

import (
	"bytes"
	"context"
	"io"
	"maps"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Sealer encrypts copies to a key that is in the vault.
type Sealer interface {
	// Seal writes data to w in a form that only Unseal reads. Nothing is written if the
	// key is not to be had.
	Seal(ctx context.Context, w io.Writer, data []byte) error
	Unseal(ctx context.Context, sealed []byte) ([]byte, error)
	// Vouch is a MAC of data, with a key that is in the vault, too.
	Vouch(ctx context.Context, data []byte) (string, error)
}

// copy writes the copy of a backup. One with secrets is encrypted. Where that cannot be,
// as with a locked keychain, it is as plain as the file is whose copy it is: whoever can
// read it can read that, while without a copy the way back would be lost, and a refusal
// would keep people from taking an entry out when their keychain is broken. It is said,
// and made good with the next change or list. But a change that takes secrets out of
// plain text is refused rather than leaving them in another file.
func (c *Configs) copy(ctx context.Context, client Client, ch Change, b *Backup) error {
	base := filepath.Join(c.BackupDir, filepath.FromSlash(b.ID))
	if ch.TakesSecrets || c.Sealer != nil && client.secrets(ch.Path, ch.Before) {
		err := c.seal(ctx, base+sealedCopy, ch.Before)
		if err == nil {
			b.Copy, b.Sealed = base+sealedCopy, true
			return nil
		}
		if ch.TakesSecrets || ctx.Err() != nil {
			return err
		}
		b.Change.Exposed = true
		if c.Log != nil {
			c.Log.Warn("the copy of "+ch.Path+" has its secrets in plain text, as the file itself, until the next change or `stagedoor backups`", "error", err)
		}
	}
	b.Copy = base + plainCopy
	return durable.CreateStream(b.Copy, durable.FileMode, durable.Bytes(ch.Before))
}

// seal writes an encrypted copy.
func (c *Configs) seal(ctx context.Context, path string, data []byte) error {
	if c.Sealer == nil {
		return hint.New("there is no key to encrypt the copy with", "nothing was changed")
	}
	return durable.CreateStream(path, durable.FileMode, func(w io.Writer) error { return c.Sealer.Seal(ctx, w, data) })
}

// SealOld encrypts the plain copies of a file that have secrets: those that were made
// while the keychain was locked, and by a Stagedoor that did not know how. An error says
// why some are still plain.
func (c *Configs) SealOld(ctx context.Context, client Client) error {
	lock, err := c.lock(ctx, client)
	if err != nil {
		return err
	}
	defer lock.Release()
	return c.sealOld(ctx, client)
}

func (c *Configs) sealOld(ctx context.Context, client Client) error {
	list, err := c.Backups(client)
	for _, b := range list {
		known := b.Change.Client != "" && !b.Change.Exposed
		if b.Sealed { // and a kill has left the plain one
			_ = durable.Remove(strings.TrimSuffix(b.Copy, sealedCopy) + plainCopy)
		}
		if c.Sealer == nil || b.Copy == "" || b.Sealed || known {
			continue
		}
		data, err := durable.ReadFile(b.Copy, maxSize)
		if err != nil || !client.secrets(b.Copy, data) {
			continue
		}
		base := strings.TrimSuffix(b.Copy, plainCopy)
		if err := c.seal(ctx, base+sealedCopy, data); err != nil {
			return err // nor will the others be
		}
		_ = durable.Remove(b.Copy)
	}
	return err
}

// secrets says that a file has, or may have, a value that a Diff would not show. One that
// is not understood may.
func (c Client) secrets(path string, data []byte) bool {
	f, err := c.parse(path, data)
	return err != nil || f.secret(own(f, c))
}

// own are the strings of a file that are Stagedoor's.
func own(f file, client Client) map[string]bool {
	plain := map[string]bool{}
	for _, s := range f.entries(client) {
		if s.Entry.IsOurs() {
			maps.Copy(plain, s.Entry.values())
		}
	}
	return plain
}

func (d *document) secret(plain map[string]bool) bool {
	if d.blank() {
		return false
	}
	m := masker{text: d.text, plain: plain, ranges: []span{{0, len(d.text) + 1}}}
	m.value(d.root, false)
	return d.held != nil || len(m.edits) > 0
}

func (f *tomlFile) secret(plain map[string]bool) bool { return secretIn(f.tree, f.text, plain) }

func (f *yamlFile) secret(plain map[string]bool) bool {
	var tree map[string]any
	return !f.blank() && (f.root.Decode(&tree) != nil || secretIn(tree, f.text, plain))
}

// secretIn asks the masker of JSON about a file of another format, and about its comments.
func secretIn(tree any, text []byte, plain map[string]bool) bool {
	raw, err := json.Marshal(tree)
	if err != nil {
		return true
	}
	d, err := parse("", raw)
	if err != nil || d.secret(plain) {
		return true
	}
	for line := range bytes.Lines(text) {
		if _, comment, is := strings.Cut(strings.TrimRight(string(line), "\r\n"), "#"); is && scrub(comment) != comment {
			return true
		}
	}
	return false
}
