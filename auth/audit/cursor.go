package audit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Cursor is a place in the log, behind a line that was read. The zero Cursor
// is the beginning. It is good for the process that got it, not for keeping.
type Cursor struct {
	first   int      // number of the oldest segment when reading began
	segment int      // number of the segment it is in
	line    int      // number of the line before it in that segment; 0 at the beginning
	offset  int64    // where that line begins
	sum     [32]byte // of it
	chain   Chain    // up to there
	key     string   // of the MACs; "" without one
	err     error    // why nothing is verified any more
}

// Verified returns nil if events that are written now will be read as verified,
// or why they will not: the keychain does not give the key, or ErrBroken.
func (c Cursor) Verified() error { return c.err }

// ErrMoved says that the log before a cursor is not the one that was read: old
// segments were pruned, or the files were replaced; or that there is a key now
// and was none, or another one. Begin again with the zero Cursor.
var ErrMoved = errors.New("the audit log is not the one that was read before")

// ErrBroken says that the log does not verify, from some line on.
var ErrBroken = hint.New("the audit log does not verify",
	"see what is wrong with it: stagedoor audit verify; go on from there: stagedoor audit accept")

// Read calls f for the events behind c, oldest first, and returns the place
// behind the newest whole line. want selects events by name, and by whether they
// are verified, before a line is taken apart, which makes reading over the
// others cheap; nil wants all.
//
// Like Query it takes no lock. It waits three seconds for the key, and reads without
// it then: see AwaitKey. Every line's MAC is checked, so that an event is
// known to be verified or not; a verification of the whole log tells more. After
// the first line that does not lead on from the one before it, none is verified:
// a genuine line may be a copy from elsewhere, or from a log of which an older
// copy was put back. A line that another process is writing just now comes with
// the next Read. f gets what was added by any process exactly once, in the order
// of the log, unless it is ErrMoved.
func (l *Log) Read(ctx context.Context, c Cursor, want func(name []byte, verified bool) bool, f func(Event)) (Cursor, error) {
	list, err := segments(l.p.Dir)
	if err != nil {
		return c, err
	}
	if len(list) == 0 && c.segment == 0 {
		return c, nil // no key is needed, and none must be made
	}
	key, keyErr := l.keychain.readKey(ctx, keyWait)
	i := 0
	if c.segment != 0 {
		if keyErr == nil && c.key != key {
			return c, ErrMoved
		}
		i = slices.IndexFunc(list, func(s Segment) bool { return s.Number == c.segment })
		if i < 0 || list[0].Number != c.first {
			return c, ErrMoved
		}
	} else {
		c = Cursor{first: list[0].Number, key: key, err: keyErr}
	}
	seal, _ := NewSealer([]byte(c.key)) // without a key, none is used
	for ; i < len(list); i++ {
		s := list[i]
		if s.Number != c.segment {
			c.segment, c.line, c.offset = s.Number, 0, 0
		}
		if c, err = c.read(ctx, s, i == len(list)-1, seal, want, f); err != nil {
			return c, fmt.Errorf("read audit log: %w", err)
		}
	}
	return c, nil
}

// read goes on in the cursor's segment to its last whole line. Behind that
// another process may be writing, if it is the newest.
func (c Cursor) read(ctx context.Context, s Segment, newest bool, seal *Sealer, want func([]byte, bool) bool, f func(Event)) (Cursor, error) {
	again := c.line > 0 // the line before the cursor comes once more, and must be the same
	s.From, s.Line = c.offset, max(c.line-1, 0)
	next := s.From  // where the next line begins
	var last []byte // line
	var moved bool  // c is behind it
	var failed error
	for l, err := range s.Lines(ctx) {
		if failed = err; err != nil || newest && errors.Is(l.Bad, errTorn) {
			break
		}
		text := l.Text
		if errors.Is(l.Bad, ErrTooLarge) {
			text = nil // not all of it is there, and not always the same part
		}
		if again && sha256.Sum256(text) != c.sum {
			return c, ErrMoved
		}
		begin := next
		if next = l.end; again {
			again = false
			continue
		}
		verified := c.follow(seal, l)
		c.line, c.offset, last, moved = l.N, begin, append(last[:0], text...), true
		if want == nil || want(l.Name(), verified) {
			if e, err := l.Event(); err == nil {
				e.Verified = verified
				f(e)
			}
		}
	}
	if moved {
		c.sum = sha256.Sum256(last)
	}
	if again && failed == nil || errors.Is(failed, os.ErrNotExist) { // a copy was put back, or it was pruned just now
		failed = ErrMoved
	}
	return c, failed
}

// follow moves c behind a line and reports whether that is verified.
func (c *Cursor) follow(seal *Sealer, l Line) bool {
	if c.err != nil {
		return false
	}
	if l.Bad != nil || c.chain != (Chain{}) && !c.chain.Leads(l) || l.MAC != nil && !seal.Seals(l) {
		c.err = ErrBroken
		return false
	}
	c.chain = l.After()
	return l.MAC != nil
}
