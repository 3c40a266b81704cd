package vault

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// chunks keeps values of any size in a keychain whose items have a size limit.
//
// A value that fits is one item, as it is: reading it is one call. One that does
// not is cut into parts, which are items of their own under a fresh generation,
// and the item under the key becomes their manifest:
//
//  1. The key's item says, beside the value it has, which parts are about to
//     be written.
//  2. The parts are written and read back.
//  3. The key's item becomes the manifest of the new parts, and says which old
//     ones are left to remove. This is the moment the value changes.
//  4. The old parts are removed, and then the note of them.
//
// A crash between any two calls therefore leaves the old value or the new, and
// whatever is left over is named in the key's item: the next write or removal
// clears it away. That matters because go-keyring cannot list items.
//
// Writers of one key must exclude each other, as all callers of a vault do: the
// last one wins otherwise, and parts may be left behind for good. Readers need
// no lock: one that finds parts gone looks whether the value was replaced.
//
// The methods must not be called at the same time; the keychain serialises them.
type chunks struct {
	ring  ring
	limit func(key string) int // bytes that one item takes
	fresh func() string        // a generation nobody has used; 16 characters
	// plain has the keys whose item was a whole value, or not there, when it was
	// read last: the write that follows a read needs no look at what it replaces.
	plain map[string]sight
	steps atomic.Int64 // calls that the keychain has answered
	// begin is called before the first change that a set or a removal makes, after
	// the read that a locked keychain asks the user about. Its error ends the call.
	begin func() error
}

// sight is what a read saw of an item.
type sight struct {
	digest string
	at     time.Time
}

// sightLasts is how long an item counts as just read. Another process may have
// written it since, or the keychain may be locked.
const sightLasts = time.Second

// justRead returns the digest of the key's item if that was a plain value, or not
// there, a moment ago.
func (c *chunks) justRead(key string) (digest string, ok bool) {
	seen, ok := c.plain[key]
	return seen.digest, ok && time.Since(seen.at) < sightLasts
}

const (
	maxParts = 1024
	// MaxValue bounds what a vault keeps under one key, in bytes. Token sets are
	// a few kilobytes, the largest seen a few tens.
	MaxValue = 512 << 10
	// minLimit is the least that an item must take for the scheme to work.
	minLimit = 2 * recordRoom
)

func newChunks(r ring, limit func(key string) int) *chunks {
	return &chunks{
		ring: r, limit: limit, plain: map[string]sight{}, begin: func() error { return nil },
		fresh: func() string { return strings.ToLower(rand.Text()[:16]) },
	}
}

// get returns the value, ErrNotFound, or ErrIncomplete.
func (c *chunks) get(key string) (string, error) {
	for before := ""; ; {
		raw, rec, err := c.load(key)
		switch {
		case err != nil:
			return "", err
		case rec.Parts == nil:
			return rec.inline, rec.absent()
		}
		value, err := c.join(key, *rec.Parts)
		if !errors.Is(err, ErrIncomplete) || raw == before {
			return value, err
		}
		// Another process may have replaced the value after its manifest was
		// read; if the manifest is the same twice, its parts are really gone.
		before = raw
	}
}

// set stores the value and returns nil only after reading it back.
func (c *chunks) set(key, value string) error {
	if len(value) > MaxValue {
		return ErrTooBig
	}
	whole := len(value) <= c.limit(key)-recordRoom
	if digest, plain := c.justRead(key); whole && plain {
		if err := c.begin(); err != nil {
			return err
		}
		return c.put(key, record{inline: value}, before{digest: digest})
	}
	raw, old, err := c.load(key)
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrIncomplete): // nothing there, or nothing to be made of it
		old = record{None: true}
	case err != nil:
		return err
	}
	if err := c.begin(); err != nil {
		return err
	}
	next := record{inline: value, Drop: old.parts()}
	was := item(raw)
	if !whole {
		if next, was, err = c.writeParts(key, value, old, was); err != nil {
			return err
		}
	}
	if err := c.put(key, next, was); err != nil {
		return err
	}
	c.finish(key, next)
	return nil
}

// setUnread replaces an item that is a plain value with a plain value.
func (c *chunks) setUnread(key, value string) error {
	_, plain := c.justRead(key)
	if len(value) > c.limit(key)-recordRoom || strings.HasPrefix(value, recordMark) || !plain {
		return c.set(key, value)
	}
	if err := c.begin(); err != nil {
		return err
	}
	delete(c.plain, key) // known again after the next read
	err := c.ring.Set(key, value)
	c.steps.Add(1)
	if errors.Is(err, ErrTooBig) {
		return c.set(key, value)
	}
	return err
}

// writeParts does steps 1 and 2 and returns the record of step 3, and what it
// replaces.
func (c *chunks) writeParts(key, value string, old record, was before) (record, before, error) {
	size := c.limit(partKey(key, parts{Gen: strings.Repeat("g", genSize), N: maxParts}, maxParts))
	p := describe(c.fresh(), value, size)
	if p.N > maxParts {
		return record{}, was, ErrTooBig
	}
	old.Drop, _ = c.sweep(key, old.Drop)
	intent := old
	intent.Drop = append([]parts{p.ref()}, old.Drop...)
	// An item so full that the note does not fit was not written by us. Its
	// value is replaced all the same.
	switch err := c.put(key, intent, was); {
	case err == nil:
		was = item(intent.encode())
	case !errors.Is(err, ErrTooBig):
		return record{}, was, err
	}
	for i := range p.N {
		// A part that did not read back is named in the note, and goes with it.
		if _, err := c.write(partKey(key, p, i), value[i*size:min((i+1)*size, len(value))]); err != nil {
			return record{}, was, err
		}
	}
	return record{Parts: &p, Drop: old.parts()}, was, nil
}

// finish does step 4. The value is safe by now: what cannot be removed stays
// noted, and is no reason to call the write failed.
func (c *chunks) finish(key string, r record) {
	if len(r.Drop) == 0 {
		return
	}
	left, _ := c.sweep(key, r.Drop)
	if len(left) == len(r.Drop) {
		return
	}
	was := item(r.encode())
	r.Drop = left
	_ = c.put(key, r, was)
}

// remove deletes the value and every part of it, and looks whether it is gone.
func (c *chunks) remove(key string) error {
	raw, r, err := c.load(key)
	switch {
	case errors.Is(err, ErrNotFound) && !errors.Is(err, ErrIncomplete):
		return nil
	case err != nil && !errors.Is(err, ErrIncomplete):
		return err
	}
	if err := c.begin(); err != nil {
		return err
	}
	if drop := r.parts(); len(drop) > 0 {
		// First the value goes, then its parts. Where the keychain takes no more
		// writes, as on a full disk, it goes with its first part.
		_ = c.put(key, record{None: true, Drop: drop}, item(raw))
		if _, err := c.sweep(key, drop); err != nil {
			return err
		}
	}
	delete(c.plain, key)
	if err := c.drop(key); err != nil {
		return err
	}
	switch _, err := c.read(key); {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return ErrNotRemoved
}

// load reads the key's item.
func (c *chunks) load(key string) (raw string, r record, err error) {
	raw, err = c.read(key)
	if err == nil {
		r, err = parseRecord(raw)
	}
	delete(c.plain, key)
	if err == nil && r.plain() || errors.Is(err, ErrNotFound) && !errors.Is(err, ErrIncomplete) {
		c.plain[key] = sight{sum(raw), time.Now()}
	}
	return raw, r, err
}

// before is what a key's item was before a write.
type before struct {
	digest string
	raw    string // "" if only the digest is known
}

func item(raw string) before { return before{digest: sum(raw), raw: raw} }

// put writes the key's item. What the next writer may take for granted is only
// what a read says, so that a memory does not grow old.
//
// An item that reads back as neither the new nor the old would be handed out as
// if it were one: the old is put back, or, where that does not work, it is removed.
func (c *chunks) put(key string, r record, was before) error {
	delete(c.plain, key)
	back, err := c.write(key, r.encode())
	if !errors.Is(err, errMangled) || sum(back) == was.digest {
		return err
	}
	if was.raw != "" {
		if _, failed := c.write(key, was.raw); failed == nil {
			return err
		}
	}
	return errors.Join(err, c.drop(key))
}

// join reads the parts and puts them together.
func (c *chunks) join(key string, p parts) (string, error) {
	var all strings.Builder
	for i := range p.N {
		part, err := c.read(partKey(key, p, i))
		switch {
		case errors.Is(err, ErrNotFound):
			return "", fmt.Errorf("%w: part %d of %d is missing", ErrIncomplete, i+1, p.N)
		case err != nil:
			return "", err
		case all.Len()+len(part) > p.Len:
			return "", fmt.Errorf("%w: its parts are too long", ErrIncomplete)
		}
		all.WriteString(part)
	}
	if !p.matches(all.String()) {
		return "", fmt.Errorf("%w: its parts do not add up", ErrIncomplete)
	}
	return all.String(), nil
}

// sweep removes parts. With an error it returns those of which something may be
// left.
func (c *chunks) sweep(key string, list []parts) (left []parts, err error) {
	for _, p := range list {
		for i := range p.N {
			if failed := c.drop(partKey(key, p, i)); failed != nil {
				left, err = append(left, p), failed
				break
			}
		}
	}
	return left, err
}

// errMangled says that an item is there and is not what was written.
var errMangled = fmt.Errorf("%w: it read back differently", ErrNotSaved)

// write stores one item and reads it back: some keychains report success for a
// prompt that the user dismissed.
func (c *chunks) write(name, value string) (back string, err error) {
	if err := c.ring.Set(name, value); err != nil {
		return "", err
	}
	c.steps.Add(1)
	switch back, err = c.read(name); {
	case err != nil:
		return "", fmt.Errorf("%w: reading it back failed: %w", ErrNotSaved, err)
	case back != value:
		return back, errMangled
	}
	return back, nil
}

func (c *chunks) read(item string) (string, error) {
	value, err := c.ring.Get(item)
	c.steps.Add(1)
	return value, err
}

// drop removes one item. One that is not there is fine.
func (c *chunks) drop(item string) error {
	err := c.ring.Delete(item)
	c.steps.Add(1)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// partKey names an item that holds a part. All its characters pass through
// the shell quoting on macOS unquoted.
func partKey(key string, p parts, i int) string {
	return key + ":" + p.Gen + "." + strconv.Itoa(i)
}
