package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// errForgedSeq marks a newest line after which there is no number left. It is
// passed over like rubbish: one forged line must not end the log.
var errForgedSeq = errors.New("the sequence number leaves none for the next line")

// tail is the end of the log as an append finds it under the lock.
type tail struct {
	segments []segment
	f        *os.File // the newest segment; nil if there is none yet
	size     int64    // of the newest segment, in bytes
	last     frame    // the newest line
	seq      uint64   // of the newest line; 0 in an empty log
	link     string   // what the next line names as prev
	empty    bool     // there is no line at all
	moved    int64    // bytes of an unfinished line that were set aside
	keep     Retention
	lost     []string // marks of lost events
}

// openTail finds the newest line and repairs a torn end. Close it after use.
func openTail(dir string) (t *tail, err error) {
	t = &tail{link: origin, empty: true}
	defer func() {
		if err != nil {
			t.close()
			t, err = nil, fmt.Errorf("read the end of the audit log: %w", err)
		}
	}()
	f, err := readFolder(dir)
	if t.segments, t.lost = f.segments, f.lost; err != nil || len(t.segments) == 0 {
		return t, err
	}
	if t.f, err = durable.Open(t.newest().path, os.O_RDWR); err != nil {
		return t, err
	}
	if err = t.repair(dir); err != nil {
		return t, err
	}
	if err = t.read(t.newest().path, t.size); err != nil {
		return t, err
	}
	for i := len(t.segments) - 2; i >= 0 && t.empty; i-- {
		if err = t.read(t.segments[i].path, -1); err != nil {
			return t, err
		}
	}
	return t, nil
}

func (t *tail) close() {
	if t.f != nil {
		_ = t.f.Close() // all that was written was synced before
	}
}

// newest returns the newest segment, or the zero segment if there is none.
func (t *tail) newest() segment {
	if len(t.segments) == 0 {
		return segment{}
	}
	return t.segments[len(t.segments)-1]
}

// read takes the newest line of a segment into t, if there is one. A newest line that
// is not one of ours stays where it is, for Verify to name; the chain goes on
// from its bytes, with the number after the newest line that can be read.
func (t *tail) read(path string, size int64) error {
	for line, err := range newestFirst(path, size) {
		if err != nil {
			return err
		}
		f, bad := split(line)
		if bad == nil && f.seq > maxSeq/2 { // far from real, and room for what is appended
			bad = errForgedSeq
		}
		if t.empty {
			if bad != nil {
				f = frame{bytes: line}
			}
			t.last, t.link, t.empty = f, f.link(), false
		}
		if bad == nil {
			t.seq = f.seq
			break
		}
	}
	return nil
}

// repair sets an unfinished end of the newest segment aside: what a crash or a
// full disk in the middle of an append leaves. Its event was never acknowledged.
//
// Copy, sync, then cut: a crash in between leaves a second copy, not a loss.
func (t *tail) repair(dir string) error {
	info, err := t.f.Stat()
	if err != nil {
		return err
	}
	t.size, err = soundSize(t.newest().path, info.Size())
	if err != nil || t.size == info.Size() {
		return err
	}
	t.moved = info.Size() - t.size
	torn, err := durable.Open(filepath.Join(dir, tornName), os.O_WRONLY|os.O_CREATE|os.O_APPEND)
	if err != nil {
		return err
	}
	_, err = io.Copy(torn, io.NewSectionReader(t.f, t.size, t.moved))
	if err == nil {
		_, err = torn.WriteString("\n")
	}
	if err == nil {
		err = torn.Sync()
	}
	if err = errors.Join(err, torn.Close()); err != nil {
		return fmt.Errorf("set the unfinished line aside: %w", err)
	}
	if err := t.f.Truncate(t.size); err != nil {
		return err
	}
	return t.f.Sync()
}

// soundSize returns the length of the first size bytes of a file without a torn
// end; of all of it if size is negative. After a power cut a file system may have
// kept a line's last page and lost the one before, which then reads as zeros; a
// zero byte is in no real line.
func soundSize(path string, size int64) (int64, error) {
	f, err := durable.Open(path, os.O_RDONLY)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	if size < 0 {
		info, err := f.Stat()
		if err != nil {
			return 0, err
		}
		size = info.Size()
	}
	lines, err := readBackward(f, size)
	if err != nil {
		return 0, err
	}
	keep := lines.offset()
	for line, err := range lines.lines {
		if err != nil || bytes.IndexByte(line, 0) < 0 {
			return keep, err
		}
		keep = lines.offset()
	}
	return 0, nil
}
