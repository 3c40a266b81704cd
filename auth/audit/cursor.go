package audit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Cursor is a place in the log, behind a line that was read. The zero Cursor
// is the beginning. It is good for the process that got it, not for keeping.
type Cursor struct {
	first   int      // number of the oldest segment when reading began
	segment int      // number of the segment it is in
	offset  int64    // bytes of that segment before it
	length  int64    // bytes of the line before it, with its line end; 0 at the beginning of a segment
	sum     [32]byte // of that line
	chain   chain    // up to there
}

// Verified returns nil if events that are written now will be read as verified,
// or why they will not: the keychain does not give the key, or ErrBroken.
func (c Cursor) Verified() error { return c.chain.err }

// ErrMoved says that the log before a cursor is not the one that was read: old
// segments were pruned, or the files were replaced; or that there is a key now
// and was none, or another one. Begin again with the zero Cursor.
var ErrMoved = errors.New("the audit log is not the one that was read before")

// ErrBroken says that the log does not verify, from some line on.
var ErrBroken = hint.New("the audit log does not verify",
	"see what is wrong with it: stagedoor audit verify; go on from there: stagedoor audit accept")

// chain is how far the lines that were read lead on from each other. After the
// first that does not, none is verified: a genuine line may be a copy from
// elsewhere, or from a log of which an older copy was put back.
type chain struct {
	key  string // of the MACs; "" without one
	err  error  // why nothing is verified any more
	seq  uint64 // of the last line
	link [hexLen]byte
}

// follow moves c behind a line and reports whether that is verified.
func (c *chain) follow(seal *sealer, line []byte) bool {
	if c.err != nil {
		return false
	}
	f, err := splitTrusted(line)
	next := c.link == [hexLen]byte{} || f.follows(c.seq, c.link[:])
	if err != nil || len(line) >= maxLine || !next || f.mac != nil && !seal.seals(f) {
		c.err = ErrBroken
		return false
	}
	c.seq = f.seq
	f.appendLink(c.link[:0])
	return f.mac != nil
}

// Read calls f for the events behind c, oldest first, and returns the place
// behind the newest whole line. want selects events by name, and by whether they
// are verified, before a line is taken apart, which makes reading over the
// others cheap; nil wants all.
//
// Like Query it takes no lock. Every line's MAC is checked, so that an event is
// known to be verified or not; Verify tells more. A line that another
// process is writing just now comes with the next Read. f gets what was added
// by any process exactly once, in the order of the log, unless it is ErrMoved.
func (l *Log) Read(ctx context.Context, c Cursor, want func(name []byte, verified bool) bool, f func(Event)) (Cursor, error) {
	list, err := segments(l.p.Dir)
	if err != nil {
		return c, err
	}
	if len(list) == 0 && c.segment == 0 {
		return c, nil // no key is needed, and none must be made
	}
	key, keyErr := l.keychain.readKey(ctx)
	i := 0
	if c.segment != 0 {
		if keyErr == nil && c.chain.key != key {
			return c, ErrMoved
		}
		i = slices.IndexFunc(list, func(s segment) bool { return s.number == c.segment })
		if i < 0 || list[0].number != c.first {
			return c, ErrMoved
		}
	} else {
		c = Cursor{first: list[0].number, chain: chain{key: key, err: keyErr}}
	}
	seal, _ := newSealer([]byte(c.chain.key)) // without a key, none is used
	for ; i < len(list); i++ {
		if list[i].number != c.segment {
			c = Cursor{first: c.first, segment: list[i].number, chain: c.chain}
		}
		if c, err = c.read(ctx, list[i].path, seal, want, f); err != nil {
			return c, fmt.Errorf("read audit log: %w", err)
		}
	}
	return c, nil
}

// read goes on in the cursor's segment to its last whole line.
func (c Cursor) read(ctx context.Context, path string, seal *sealer, want func([]byte, bool) bool, f func(Event)) (Cursor, error) {
	file, err := durable.Open(path, os.O_RDONLY)
	if errors.Is(err, os.ErrNotExist) {
		return c, ErrMoved // pruned just now
	}
	if err != nil {
		return c, err
	}
	defer func() { _ = file.Close() }()
	if err := c.check(file); err != nil {
		return c, err
	}
	if _, err := file.Seek(c.offset, io.SeekStart); err != nil {
		return c, err
	}
	r := bufio.NewReaderSize(file, 4*maxLine)
	var last []byte
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return c.behind(last), ctx.Err()
		}
		line, long, err := whole(r)
		if errors.Is(err, io.EOF) {
			return c.behind(last), nil
		}
		if err != nil {
			return c.behind(last), err
		}
		c.offset += long
		c.length = int64(len(line))
		last = append(last[:0], line...)
		line = line[:len(line)-1]
		verified := c.chain.follow(seal, line)
		if want != nil && !want(rawName(line), verified) {
			continue
		}
		if e, _, err := parse(line); err == nil {
			e.Verified = verified
			f(e)
		}
	}
}

// whole returns the next line with its line end and how long it is in the
// file. Of a line longer than any real one it returns the end. What has no
// line end yet is io.EOF.
func whole(r *bufio.Reader) (line []byte, length int64, err error) {
	for {
		line, err = r.ReadSlice('\n')
		length += int64(len(line))
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, length, err
		}
	}
}

// behind notes what the line before the cursor is, for the next check.
func (c Cursor) behind(last []byte) Cursor {
	if last != nil {
		c.sum = sha256.Sum256(last)
	}
	return c
}

// check makes sure that the line before the cursor is still there.
func (c Cursor) check(f *os.File) error {
	if c.length == 0 {
		return nil
	}
	line := make([]byte, c.length)
	if _, err := f.ReadAt(line, c.offset-c.length); err != nil {
		if errors.Is(err, io.EOF) { // a restored copy, or a torn end that was set aside
			return ErrMoved
		}
		return err
	}
	if sha256.Sum256(line) != c.sum {
		return ErrMoved
	}
	return nil
}

// rawName cuts the event's name out of a line without reading the rest. The
// member's own quotes cannot stand in the values before it, and data comes after
// it. Names are ours and need no escaping; of a line that is not ours it returns
// something that nobody wants.
func rawName(line []byte) []byte {
	_, rest, _ := bytes.Cut(line, []byte(`,"event":"`))
	name, _, _ := bytes.Cut(rest, []byte(`"`))
	return name
}
