package clients

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// Look is a client's file as it is, and what Stagedoor did to it, with no value out of it.
type Look struct {
	Path    string
	Exists  bool
	Size    int
	Sum     string    // SHA-256 of the file; "" if there is none
	Blank   bool      // it is empty, or there is none
	Zeros   bool      // it has zero bytes, as after a power loss
	Broken  error     // why it is not understood
	Entries []Present // all of them, also those that start no program

	Done []Backup // Stagedoor's changes of this file, the newest first
	data []byte
}

// Present is an entry that is in a file.
type Present struct {
	Name string `json:"name"`
	Sum  string `json:"sum"` // tells what it means from what it meant
	Ours bool   `json:"ours,omitzero"`
}

// Look reads a client's file and what Stagedoor did to it, between two changes of
// Stagedoor's. The error says that the file cannot be read; one that can and is not
// understood is Broken.
func (c *Configs) Look(ctx context.Context, client Client) (l Look, err error) {
	if l.Path, err = client.Path(c.Env); err != nil {
		return l, err
	}
	lock, err := c.lock(ctx, client)
	if err != nil {
		return l, err
	}
	defer lock.Release()
	if l.data, l.Exists, err = readFile(l.Path); err != nil {
		return l, err
	}
	done, err := c.Backups(client)
	for _, b := range done {
		if b.Change.Path == l.Path {
			l.Done = append(l.Done, b)
		}
	}
	l.Size, l.Sum = len(l.data), sum(l.data, l.Exists)
	l.Zeros = ruined(l.data) && !isUTF16(l.data)
	f, broken := client.parse(l.Path, l.data)
	if broken == nil {
		l.Blank = f.blank()
		l.Entries, broken = present(f, client)
	}
	l.Broken = broken
	return l, err
}

// Was reports whether that is what was looked at.
func (l Look) Was(data []byte) bool { return bytes.Equal(l.data, data) }

// SumOf is the Sum that a Look at this file would have.
func SumOf(path string) (string, error) {
	data, exists, err := readFile(path)
	return sum(data, exists), err
}

// present are the entries of a file.
func present(f file, client Client) (list []Present, err error) {
	names, err := f.names(client)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		e, err := f.entry(client, name)
		if err != nil {
			return nil, err
		}
		list = append(list, Present{name, e.sum(), e.entry != nil && e.entry.IsOurs()})
	}
	return list, nil
}

// PlanContent works out how to make a client's whole file data.
func (c *Configs) PlanContent(ctx context.Context, client Client, data []byte) (Change, error) {
	return c.replan(ctx, client, Change{Action: Restore, After: data})
}

// PlanBack works out how to put entries back that are gone, as they were when the file was
// data. All else stays as it is now. What is there, or was not in data, is left out.
func (c *Configs) PlanBack(ctx context.Context, client Client, data []byte, names []string) (Change, error) {
	ch, err := c.PlanContent(ctx, client, nil)
	if err != nil {
		return Change{}, err
	}
	from, err := client.parse(ch.Path, data)
	if err != nil {
		return Change{}, fmt.Errorf("read the copy: %w", err)
	}
	ch.Action, ch.After = Restore, ch.Before
	for _, name := range names {
		was, err := from.entry(client, name)
		if err != nil || !was.there {
			continue
		}
		now, err := client.entryIn(ch.Path, ch.After, name)
		if err != nil {
			return Change{}, err
		}
		if now.there {
			continue
		}
		step := Change{Path: ch.Path, Name: name, Entry: was.back(), Exists: ch.Exists, Before: ch.After}
		if err := step.compute(client); err != nil {
			return Change{}, err
		}
		ch.After = step.After
	}
	if bytes.Equal(ch.After, ch.Before) {
		ch.Action = Unchanged
	}
	return ch, nil
}

// back is an entry to be put back as it was.
func (f found) back() *Entry {
	e := &Entry{}
	if f.entry != nil {
		e = f.entry.clone()
	}
	e.text = f.text
	return e
}

// Store writes a copy of what was looked at to a file of that name and one of two endings,
// encrypted if it has secrets. Without a key for that nothing is written.
func (c *Configs) Store(ctx context.Context, client Client, l Look, base string) error {
	if c.Sealer == nil || !client.secrets(l.Path, l.data) {
		if err := durable.WriteFile(base+plainCopy, l.data, durable.FileMode); err != nil {
			return err
		}
		return absent(durable.Remove(base + sealedCopy))
	}
	if err := durable.WriteStream(base+sealedCopy, durable.FileMode, func(w io.Writer) error { return c.Sealer.Seal(ctx, w, l.data) }); err != nil {
		return err
	}
	return absent(durable.Remove(base + plainCopy))
}

// Stored is what Store wrote. Without such a copy the error is an fs.ErrNotExist.
func (c *Configs) Stored(ctx context.Context, base string) ([]byte, error) {
	sealed := base + sealedCopy
	data, err := durable.ReadFile(sealed, 2*maxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return durable.ReadFile(base+plainCopy, maxSize)
	}
	if err != nil || c.Sealer == nil {
		return nil, errors.Join(err, errors.New("the key of the copy is not at hand"))
	}
	return c.Sealer.Unseal(ctx, data)
}

// Unstore removes what Store wrote.
func (c *Configs) Unstore(base string) error {
	return errors.Join(absent(durable.Remove(base+plainCopy)), absent(durable.Remove(base+sealedCopy)))
}

func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
