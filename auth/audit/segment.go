package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

const (
	segmentExt = ".jsonl"
	lockName   = "audit.lock"
	tornName   = "audit.torn"

	// Bytes read at a time: an append needs one line, a query many.
	firstChunk = 4 << 10
	maxChunk   = 256 << 10
)

// segment is one file of the log.
type segment struct {
	number int
	path   string
}

func (s segment) name() string { return filepath.Base(s.path) }

func segmentName(number int) string { return fmt.Sprintf("%06d%s", number, segmentExt) }

// maxSegment is the largest number of a segment, terabytes from the first. A
// file with a larger one is not ours: it would leave no number for the next.
const maxSegment = 999_999

// maxSegmentBytes is thrice what a segment grows to: of a longer file no more is
// read than its size. One with a hole in it may be terabytes long.
const maxSegmentBytes = 3 * DefaultSegmentSize

// folder is what lies in the audit folder.
type folder struct {
	segments []segment // oldest first
	// odd are names like a segment's of what is none: a folder, pipe, link or
	// device, or a number or size that no log reaches. They are passed over.
	odd  []string
	lost []string // marks of events that are not in the log, see Log.Lost
}

// segments lists the log's files, oldest first.
func segments(dir string) ([]segment, error) {
	f, err := readFolder(dir)
	return f.segments, err
}

// readFolder lists the audit folder. One that is not there is empty.
func readFolder(dir string) (f folder, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return f, fmt.Errorf("read audit folder: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), lostPrefix) && e.Type().IsRegular() {
			f.lost = append(f.lost, e.Name())
			continue
		}
		digits, ok := strings.CutSuffix(e.Name(), segmentExt)
		if !ok || len(digits) < 6 || strings.Trim(digits, "0123456789") != "" {
			continue
		}
		info, err := e.Info()
		if err != nil {
			if ignoreGone(err) == nil {
				continue
			}
			return f, fmt.Errorf("read audit folder: %w", err)
		}
		n, err := strconv.Atoi(digits)
		if err != nil || n < 1 || n > maxSegment || segmentName(n) != e.Name() || !info.Mode().IsRegular() || info.Size() > maxSegmentBytes {
			f.odd = append(f.odd, e.Name())
			continue
		}
		f.segments = append(f.segments, segment{number: n, path: filepath.Join(dir, e.Name())})
	}
	slices.SortFunc(f.segments, func(a, b segment) int { return a.number - b.number })
	return f, nil
}

// ignoreGone makes nothing of an error that says that there is no such file:
// another process removed the segment, or set it aside, since it was listed.
func ignoreGone(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// backward reads the lines of a file from the end to the beginning.
type backward struct {
	r    io.ReaderAt
	at   int64  // offset in the file of buf's first byte
	buf  []byte // unread bytes, ending with a line end
	torn int64  // bytes after the last line end
	step int64  // how much to read next time
	mem  []byte // if not nil, what buf is in: then what was returned last is valid until the next call
}

// offset is where in the file the line returned last begins.
func (b *backward) offset() int64 { return b.at + int64(len(b.buf)) }

// readBackward begins at the end of the first size bytes. A last line without
// a line end is left out and its length is in torn.
func readBackward(r io.ReaderAt, size int64) (*backward, error) {
	b := &backward{r: r, at: size, step: firstChunk}
	for {
		if i := bytes.LastIndexByte(b.buf, '\n'); i >= 0 {
			b.torn = int64(len(b.buf) - i - 1)
			b.buf = b.buf[:i+1]
			return b, nil
		}
		if b.at == 0 {
			b.torn, b.buf = size, nil
			return b, nil
		}
		b.buf = b.buf[:0] // of a long unfinished line only the length matters
		if err := b.fill(); err != nil {
			return nil, err
		}
	}
}

// lines yields the lines before the last one returned, the newest first.
func (b *backward) lines(yield func([]byte, error) bool) {
	for {
		line, err := b.next()
		if errors.Is(err, io.EOF) || !yield(line, err) || err != nil {
			return
		}
	}
}

// newestFirst yields the lines in the first size bytes of a file, from the end
// to the beginning; in all of it if size is negative.
func newestFirst(path string, size int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		f, err := durable.Open(path, os.O_RDONLY)
		if err != nil {
			yield(nil, err)
			return
		}
		defer func() { _ = f.Close() }()
		info, err := f.Stat()
		if err == nil && size < 0 {
			size = info.Size()
		}
		var b *backward
		if err == nil {
			b, err = readBackward(f, size)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		b.lines(yield)
	}
}

// fill puts the bytes before buf in front of it.
func (b *backward) fill() error {
	n := min(b.at, b.step)
	b.step = min(4*b.step, maxChunk)
	buf, size := b.mem, int(n)+len(b.buf)
	if cap(buf) < size {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	copy(buf[n:], b.buf)
	if _, err := b.r.ReadAt(buf[:n], b.at-n); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // the file became shorter while it was read
		}
		return err
	}
	b.buf = buf
	b.at -= n
	return nil
}

// next returns the line before the last one returned, without its line end, or
// io.EOF at the beginning of the file. Of a line longer than any real one it
// returns the last maxLine bytes and skips the rest. The line is valid as long
// as the caller keeps it.
func (b *backward) next() ([]byte, error) {
	if len(b.buf) == 0 {
		if b.at == 0 {
			return nil, io.EOF
		}
		if err := b.fill(); err != nil {
			return nil, err
		}
	}
	end := len(b.buf) - 1 // its line end
	for {
		if i := bytes.LastIndexByte(b.buf[:end], '\n'); i >= 0 {
			line := b.buf[i+1 : end : end]
			b.buf = b.buf[:i+1]
			return line, nil
		}
		if b.at == 0 {
			line := b.buf[:end:end]
			b.buf = nil
			return line, nil
		}
		if end > maxLine {
			return b.skipLong(end)
		}
		before := len(b.buf)
		if err := b.fill(); err != nil {
			return nil, err
		}
		end += len(b.buf) - before
	}
}

// skipLong drops the line that ends at end without keeping it in memory.
func (b *backward) skipLong(end int) ([]byte, error) {
	line := bytes.Clone(b.buf[end-maxLine : end])
	for b.at > 0 {
		b.buf = nil
		if err := b.fill(); err != nil {
			return nil, err
		}
		if i := bytes.LastIndexByte(b.buf, '\n'); i >= 0 {
			b.buf = b.buf[:i+1]
			return line, nil
		}
	}
	b.buf = nil
	return line, nil
}

// block returns the whole lines before what was returned last that are read at
// a time, each with its line end, or io.EOF at the beginning of the file. A line
// longer than any real one may be left out.
func (b *backward) block() ([]byte, error) {
	for {
		if b.at == 0 {
			block := b.buf
			b.buf = nil
			if len(block) == 0 {
				return nil, io.EOF
			}
			return block, nil
		}
		if i := bytes.IndexByte(b.buf, '\n'); i >= 0 && i+1 < len(b.buf) {
			block := b.buf[i+1:]
			b.buf = b.buf[:i+1]
			return block, nil
		}
		if len(b.buf) > maxLine {
			if _, err := b.skipLong(len(b.buf) - 1); err != nil {
				return nil, err
			}
			continue
		}
		if err := b.fill(); err != nil {
			return nil, err
		}
	}
}
