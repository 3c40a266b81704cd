package vault

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

// recordMark begins an item that is more than a plain value. The vault's values
// are JSON or hexadecimal; one that began with this would be wrapped.
const recordMark = "stagedoor-item/1 "

const (
	// recordRoom is what the mark and the header take at most, in bytes. A value
	// is kept whole only if it would still fit with a header before it.
	recordRoom = 384
	genSize    = 16 // characters of a generation
	// maxDrop bounds the notes in a header. More come together only in a
	// keychain that keeps refusing to remove items; the oldest are then left.
	maxDrop = 3
)

// record is what a key's item says: the value or where its parts are, and which
// parts are left to remove. Written down it is the value as it is, or the mark,
// the header as JSON, a newline and the value.
type record struct {
	None  bool    `json:"none,omitempty"`  // there is no value
	Parts *parts  `json:"parts,omitempty"` // the value is in these
	Drop  []parts `json:"drop,omitempty"`  // not the value's, or not yet
	// inline is the value if neither None nor Parts is set.
	inline string
}

// parts are the items that hold one value.
type parts struct {
	Gen string `json:"gen"`
	N   int    `json:"n"`
	// Len and Sum are of the whole value. A note of parts to remove has neither.
	Len int    `json:"len,omitempty"`    // bytes
	Sum string `json:"sha256,omitempty"` // base64
}

// describe names the parts that a value is cut into.
func describe(gen, value string, size int) parts {
	return parts{Gen: gen, N: (len(value) + size - 1) / size, Len: len(value), Sum: sum(value)}
}

func (p parts) matches(value string) bool { return len(value) == p.Len && sum(value) == p.Sum }

// ref is all that is needed to remove the parts.
func (p parts) ref() parts { return parts{Gen: p.Gen, N: p.N} }

// parts returns notes of everything that is to be removed once r is replaced.
func (r record) parts() []parts {
	if r.Parts == nil {
		return r.Drop
	}
	return append([]parts{r.Parts.ref()}, r.Drop...)
}

// plain reports whether r is just a value: replacing it leaves nothing behind.
func (r record) plain() bool { return !r.None && r.Parts == nil && len(r.Drop) == 0 }

// absent returns ErrNotFound if there is no value.
func (r record) absent() error {
	if r.None {
		return ErrNotFound
	}
	return nil
}

func (r record) encode() string {
	if r.plain() && !strings.HasPrefix(r.inline, recordMark) {
		return r.inline
	}
	if len(r.Drop) > maxDrop {
		r.Drop = r.Drop[:maxDrop]
	}
	header, err := json.Marshal(r)
	if err != nil {
		return "" // cannot be: the type has nothing that JSON does not take
	}
	return recordMark + string(header) + "\n" + r.inline
}

// parseRecord reads an item. A header that makes no sense is ErrIncomplete.
func parseRecord(raw string) (record, error) {
	rest, marked := strings.CutPrefix(raw, recordMark)
	if !marked {
		return record{inline: raw}, nil
	}
	header, inline, ok := strings.Cut(rest, "\n")
	var r record
	if !ok || len(header)+len(recordMark)+1 > recordRoom || json.Unmarshal([]byte(header), &r) != nil ||
		len(r.Drop) > maxDrop || (r.None || r.Parts != nil) && inline != "" || r.None && r.Parts != nil ||
		r.Parts != nil && !r.Parts.whole() {
		return record{}, fmt.Errorf("%w: its header cannot be read", ErrIncomplete)
	}
	for _, p := range r.Drop {
		if !p.sound() {
			return record{}, fmt.Errorf("%w: its header cannot be read", ErrIncomplete)
		}
	}
	r.inline = inline
	return r, nil
}

// whole reports whether p can be what a value was cut into.
func (p parts) whole() bool { return p.sound() && p.Len > 0 && p.Len <= MaxValue && p.N <= p.Len }

var generation = text.Pattern(`\A[a-z0-9]{16}\z`) // of genSize

// sound reports whether p can name items.
func (p parts) sound() bool {
	return generation().MatchString(p.Gen) && p.N > 0 && p.N <= maxParts
}

func sum(value string) string {
	s := sha256.Sum256([]byte(value))
	return base64.RawStdEncoding.EncodeToString(s[:])
}
