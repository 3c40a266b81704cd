package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"runtime/debug"
	"sync"
)

const (
	// DefaultMaxLine is how long a message may be, in bytes.
	DefaultMaxLine = 64 << 20
	buffered       = 64 << 10 // what is read and written at once
	large          = 8 << 20  // lines whose memory is given back
	tailKept       = 512      // of a line that is too long
)

// errTooLong says that a line was over the limit. What comes with it are its
// beginning and its end.
var errTooLong = errors.New("the message is too long")

// lineReader reads lines as they are, with their ends.
type lineReader struct {
	r    *bufio.Reader
	max  int
	long bool // the last line took a lot of memory
}

func newLineReader(r io.Reader, limit int) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, buffered), max: limit}
}

// next returns the next line. It is valid until the next call. The last line ends
// with a newline though the input has none there. With errTooLong it returns the
// beginning of the line, and tail is its end.
func (l *lineReader) next() (line, tail []byte, err error) {
	if l.long {
		l.long = false
		debug.FreeOSMemory()
	}
	line, err = l.r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		if err != nil && len(line) > 0 {
			return append(bytes.Clone(line), '\n'), nil, nil // the end is told by the next call
		}
		return line, nil, err
	}
	// Pieces are joined once, when the length is known: to grow one slice would
	// need twice the memory.
	pieces, size := [][]byte{bytes.Clone(line)}, len(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = l.r.ReadSlice('\n')
		if size += len(line); size <= l.max {
			pieces = append(pieces, bytes.Clone(line))
			continue
		}
		clear(pieces[1:])
		pieces = pieces[:1]
		tail = append(tail, line...)
		tail = bytes.Clone(tail[max(0, len(tail)-tailKept):])
	}
	l.long = size > large
	if size > l.max {
		return pieces[0], tail, errTooLong
	}
	if err != nil {
		pieces = append(pieces, []byte{'\n'})
		size++
	}
	if l.long { // what the other way took may be free by now
		debug.FreeOSMemory()
	}
	whole := make([]byte, 0, size)
	for i := range pieces {
		whole = append(whole, pieces[i]...)
		pieces[i] = nil
	}
	return whole, nil, nil
}

// more reports whether another whole line is there already.
func (l *lineReader) more() bool {
	waiting, _ := l.r.Peek(l.r.Buffered())
	return bytes.IndexByte(waiting, '\n') >= 0
}

// lineWriter writes lines whole, whoever writes. It holds them back until flush, so
// that many short ones are one write.
type lineWriter struct {
	mu  sync.Mutex
	w   io.Writer
	buf []byte
	err error // the first; nothing is written after it
	// failed, if set, is called then.
	failed func()
}

// add writes a line soon.
func (l *lineWriter) add(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.buf)+len(line) > buffered {
		l.flushLocked()
	}
	if len(line) >= buffered {
		l.write(line)
		return
	}
	l.buf = append(l.buf, line...)
}

func (l *lineWriter) flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flushLocked()
	return l.err
}

func (l *lineWriter) flushLocked() {
	if len(l.buf) > 0 {
		l.write(l.buf)
		l.buf = l.buf[:0]
	}
}

func (l *lineWriter) write(b []byte) {
	if l.err == nil {
		if _, l.err = l.w.Write(b); l.err != nil && l.failed != nil {
			l.failed()
		}
	}
}
