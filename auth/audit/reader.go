package audit

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
)

// Bytes read at a time: an append needs one line from the end, a query many.
const (
	firstChunk = 4 << 10
	maxChunk   = 256 << 10
)

// stepLines is how many lines pass between two looks at the context.
const stepLines = 1024

// maxJunk is how many bytes without a line end are read before the rest of a
// segment is given up on, so that 300 files with a hole in them stop nobody.
const maxJunk = 1 << 20

// errTorn marks what stands behind the last line end of a file.
var errTorn = errors.New("has no end")

// Lines yields the segment's lines, oldest first, and what stands behind the
// last line end, which is Bad. A line is valid until the next one is asked for.
// After an error, and after 1 MiB that is no line, there is none.
func (s Segment) Lines(ctx context.Context) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		f, err := s.Open()
		if err != nil {
			yield(Line{}, err)
			return
		}
		defer func() { _ = f.Close() }()
		for l, err := range ReadLines(ctx, io.NewSectionReader(f, s.From, s.Size-s.From)) {
			l.N, l.end = l.N+s.Line, l.end+s.From
			if !yield(l, err) {
				return
			}
		}
	}
}

// ReadLines is Segment.Lines for what is no file of a log's folder.
func ReadLines(ctx context.Context, from io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		r := bufio.NewReaderSize(from, 4*maxLine)
		end := int64(0)
		for n := 0; ; n++ {
			if n%stepLines == 0 && ctx.Err() != nil {
				yield(Line{}, ctx.Err())
				return
			}
			text, length, err := readLine(r)
			end += length
			var l Line
			switch {
			case err != nil && !errors.Is(err, io.EOF):
				yield(Line{}, err)
				return
			case length == 0:
				return
			case err != nil || length > maxJunk:
				l = Line{Text: text, Bad: errTorn}
			case length > maxLine:
				l = Line{Text: text[:len(text)-1], Bad: ErrTooLarge}
			default:
				l = ParseLine(text[:len(text)-1])
			}
			l.N, l.end = n+1, end
			if !yield(l, nil) || errors.Is(l.Bad, errTorn) {
				return
			}
		}
	}
}

// readLine returns the next line with its line end and how long it is in the
// file. Of a line longer than the reader's buffer it returns the last part, and
// of one longer than maxJunk not the end.
func readLine(r *bufio.Reader) (text []byte, length int64, err error) {
	for length <= maxJunk {
		text, err = r.ReadSlice('\n')
		length += int64(len(text))
		if !errors.Is(err, bufio.ErrBufferFull) {
			return text, length, err
		}
	}
	return text, length, io.EOF
}

// newestFirst yields the whole lines of a segment from its end to its beginning.
// A line stays valid.
func newestFirst(s Segment) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		f, err := s.Open()
		if err != nil {
			yield(Line{}, err)
			return
		}
		defer func() { _ = f.Close() }()
		b := backward{r: f, at: s.Size, from: s.From}
		for {
			block, err := b.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Line{}, err)
				return
			}
			for end := len(block); end > 0; {
				begin := bytes.LastIndexByte(block[:end-1], '\n') + 1
				l := ParseLine(block[begin : end-1 : end-1])
				if l.end = b.off + int64(end); end == len(block) {
					l.end = b.behind // the block may lack the middle of a long line
				}
				if !yield(l, nil) {
					return
				}
				end = begin
			}
		}
	}
}

// backward reads a file from its end to its beginning, in blocks of whole lines.
// What stands behind the last line end is passed over.
type backward struct {
	r    io.ReaderAt
	at   int64  // offset of the first byte that was read
	from int64  // where to end
	rest []byte // from there to the first line end: a line of which only the end was read yet
	end  int64  // offset behind rest

	off, behind int64  // offsets of the block that was returned last
	step        int64  // bytes read last
	junk        int64  // how many bytes without a line end to read before giving up; 0 for all
	none        int64  // bytes without a line end that were read last
	mem         []byte // if not nil, what blocks are in: then a block is valid until the next one
}

// next returns the block before the one returned last, or io.EOF. Of a line that
// is longer than any real one only the end is in a block, and too long still.
func (b *backward) next() ([]byte, error) {
	for b.at > b.from {
		b.step = min(max(4*b.step, firstChunk), maxChunk)
		n := min(b.at-b.from, b.step)
		buf, size := b.mem, int(n)+len(b.rest)
		if cap(buf) < size {
			buf = make([]byte, size)
		}
		buf = buf[:size]
		copy(buf[n:], b.rest)
		if _, err := b.r.ReadAt(buf[:n], b.at-n); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF // the file became shorter while it was read
			}
			return nil, err
		}
		b.at -= n
		buf = buf[:bytes.LastIndexByte(buf, '\n')+1] // behind it there may be an unfinished line
		i := bytes.IndexByte(buf, '\n')
		if len(b.rest) == 0 {
			b.end = b.at + int64(len(buf))
		}
		b.rest = buf[max(0, i-maxLine) : i+1]
		if i+1 < len(buf) {
			b.off, b.behind, b.end, b.none = b.at+int64(i+1), b.end, b.at+int64(i+1), 0
			return buf[i+1:], nil
		}
		if b.none += n; b.junk > 0 && b.none > b.junk {
			return nil, io.EOF
		}
	}
	block := b.rest
	b.rest, b.off, b.behind = nil, b.from, b.end
	if len(block) == 0 {
		return nil, io.EOF
	}
	return block, nil
}
