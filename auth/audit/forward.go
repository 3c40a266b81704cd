package audit

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"os"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// extent is a segment and how much of it belongs to a verification: what is
// appended meanwhile is left for the next one.
type extent struct {
	segment
	size int64
	from int64 // where to begin; a line begins there
	line int   // lines before that

	changed time.Time // when the file was changed last, as it says
}

// readAhead is how many bytes are read at a time.
const readAhead = 256 << 10

// forward reads the lines of consecutive segments.
type forward struct {
	rest []extent // after the open one
	open extent
	f    io.Closer
	r    *bufio.Reader
	line int // number of the line returned last, in its segment
}

func readForward(list []extent) *forward {
	return &forward{rest: list, r: bufio.NewReaderSize(nil, readAhead)}
}

// lines yields what next returns, and closes what is open.
func (r *forward) lines(yield func([]byte, error) bool) {
	defer r.close()
	for {
		line, err := r.next()
		if errors.Is(err, io.EOF) || !yield(line, err) || err != nil {
			return
		}
	}
}

// oldestFirst yields the lines of a segment.
func oldestFirst(e extent) iter.Seq2[[]byte, error] { return readForward([]extent{e}).lines }

// readStream reads the lines of what is no file.
func readStream(from io.Reader) *forward {
	r := readForward(nil)
	r.f = noFile
	r.r.Reset(from)
	return r
}

// noFile stands for an open file.
var noFile = io.NopCloser(nil)

func (r *forward) close() {
	if r.f != nil {
		_ = r.f.Close()
		r.f = nil
	}
}

// next returns the next line without its line end, until io.EOF. The line is
// valid until the following call. Of a line longer than any real one it
// returns the beginning, which is too long still. An end
// without a line end counts as a line: the newest segment's torn end is not in
// its extent.
func (r *forward) next() ([]byte, error) {
	for {
		if r.f == nil {
			if len(r.rest) == 0 {
				return nil, io.EOF
			}
			if err := r.begin(); err != nil {
				return nil, err
			}
		}
		line, err := r.r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			line = bytes.Clone(line)
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = r.r.ReadSlice('\n')
			}
		}
		switch {
		case err == nil:
			r.line++
			if n := len(line); line[n-1] == '\n' { // not so in the beginning of a long line
				line = line[:n-1]
			}
			return line, nil
		case !errors.Is(err, io.EOF):
			return nil, err
		}
		r.close()
		if len(line) > 0 {
			r.line++
			return line, nil
		}
	}
}

func (r *forward) begin() error {
	e := r.rest[0]
	f, err := durable.Open(e.path, os.O_RDONLY)
	if err != nil {
		return err
	}
	r.open, r.rest, r.f, r.line = e, r.rest[1:], f, e.line
	r.r.Reset(io.NewSectionReader(f, e.from, e.size-e.from))
	return nil
}
