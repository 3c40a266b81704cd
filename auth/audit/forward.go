package audit

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
)

// extent is a segment and how much of it belongs to a verification: what is
// appended meanwhile is left for the next one.
type extent struct {
	segment
	size int64
}

// forward reads the lines of consecutive segments.
type forward struct {
	rest []extent // after the open one
	open extent
	f    *os.File
	r    *bufio.Reader
	line int // number of the line returned last, in its segment
}

func readForward(list []extent) *forward {
	return &forward{rest: list, r: bufio.NewReaderSize(nil, 4*maxLine)}
}

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
			return bytes.TrimSuffix(line, []byte("\n")), nil
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

func (r *forward) begin() (err error) {
	r.open, r.rest, r.line = r.rest[0], r.rest[1:], 0
	if r.f, err = os.Open(r.open.path); err != nil {
		return err
	}
	r.r.Reset(io.LimitReader(r.f, r.open.size))
	return nil
}
