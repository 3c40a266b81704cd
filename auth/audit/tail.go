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

// tail is the end of the log as an append finds it under the lock.
type tail struct {
	folder
	f     *os.File // the newest segment; nil if there is none yet
	size  int64    // of the newest segment, in bytes
	last  Line     // the newest line; without text in an empty log
	chain Chain    // behind it
	moved int64    // bytes of an unfinished line that were set aside
	keep  Retention
}

// openTail finds the newest line and repairs a torn end. Close it after use.
func openTail(dir string) (t *tail, err error) {
	t = &tail{chain: Start}
	defer func() {
		if err != nil {
			t.close()
			t, err = nil, fmt.Errorf("read the end of the audit log: %w", err)
		}
	}()
	if t.folder, err = readFolder(dir); err != nil || len(t.segments) == 0 {
		return t, err
	}
	end := newest(t.segments)
	if t.f, err = durable.Open(end.path, os.O_RDWR); err != nil {
		return t, err
	}
	if err = t.repair(dir, end); err != nil {
		return t, err
	}
	return t, t.find()
}

func (t *tail) close() {
	if t.f != nil {
		_ = t.f.Close() // all that was written was synced before
	}
}

// find looks for the newest line. One that is none of ours stays where it is,
// for a verification to name; the chain goes on from its bytes, with the number
// after the newest line that can be read. In a log of ours the newest segment
// has a line, or the one before it does if its end was torn. In a folder that
// somebody has filled with anything else, no more is read than a segment may
// have; the verification tells of it.
func (t *tail) find() error {
	t.segments[len(t.segments)-1].Size = t.size
	left := int64(maxSegmentBytes)
	for i := len(t.segments) - 1; i >= 0 && left > 0; i-- {
		s := t.segments[i]
		s.From = max(0, s.Size-left)
		left -= s.Size
		for l, err := range newestFirst(s) {
			if err != nil {
				return err
			}
			if l.Bad == nil && (l.Seq > GreatestSeq || !l.isHex()) {
				l = Line{Text: l.Text, Bad: errors.New("is forged")}
			}
			if t.last.Text == nil {
				t.last, t.chain = l, l.After()
			}
			if l.Bad == nil {
				t.chain.Seq = l.Seq
				return nil
			}
		}
	}
	return nil
}

// repair sets an unfinished end of the newest segment aside: what a crash or a
// full disk in the middle of an append leaves. Its event was never acknowledged.
//
// Copy, sync, then cut: a crash in between leaves a second copy, not a loss.
func (t *tail) repair(dir string, end Segment) error {
	info, err := t.f.Stat()
	if err != nil {
		return err
	}
	end.Size = info.Size()
	t.size, err = soundSize(end)
	if err != nil || t.size == end.Size {
		return err
	}
	t.moved = end.Size - t.size
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

// soundSize returns a segment's length without a torn end. After a power cut a
// file system may have kept a line's last page and lost the one before, which
// then reads as zeros; a zero byte is in no real line.
func soundSize(s Segment) (int64, error) {
	for l, err := range newestFirst(s) {
		if err != nil || bytes.IndexByte(l.Text, 0) < 0 {
			return l.end, err
		}
	}
	return 0, nil
}
