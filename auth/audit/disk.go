package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// ErrDiskFull says that an event is not in the log because there is no room
// for it. The log is as it was before.
var ErrDiskFull = errors.New("the disk is full")

// diskError makes err an ErrDiskFull if that is what it is.
func diskError(err error) error {
	if !isFull(err) {
		return err
	}
	return hint.Wrap(fmt.Errorf("%w: %w", ErrDiskFull, err), "make some room on the disk that holds Stagedoor's folder")
}

// isFull reports whether a write failed for want of room: on the disk, in the
// user's quota, or under the process's limit for a file.
func isFull(err error) bool {
	codes := []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}
	if runtime.GOOS == "windows" {
		codes = []syscall.Errno{39, 112, 1295} // ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL, ERROR_DISK_QUOTA_EXCEEDED
	}
	return slices.ContainsFunc(codes, func(c syscall.Errno) bool { return errors.Is(err, c) })
}

// probeSize is how much room Writable asks for, in bytes: several events of
// the largest size.
const probeSize = 4 * maxLine

const probePattern = ".room.*.tmp"

// Writable finds out whether events can be appended now, for what must not
// happen without being written down. It takes the lock, opens the newest
// segment for writing, and writes 64 KiB to a temporary file, to the disk and
// not just to a buffer. Its error is ErrDiskFull if there is no room.
func (l *Log) Writable(ctx context.Context) error {
	err := l.writable(ctx)
	if err != nil {
		return fmt.Errorf("the audit log cannot be written: %w", diskError(err))
	}
	return nil
}

// openNewest returns an error if the newest segment cannot be opened for writing.
func openNewest(list []Segment) error {
	if len(list) == 0 {
		return nil
	}
	f, err := durable.Open(newest(list).path, os.O_RDWR)
	if err != nil {
		return ignoreGone(err)
	}
	return f.Close()
}

func (l *Log) writable(ctx context.Context) (err error) {
	unlock, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	list, err := segments(l.p.Dir)
	if err != nil {
		return err
	}
	if err := openNewest(list); err != nil {
		return err
	}
	probe, err := os.CreateTemp(l.p.Dir, probePattern)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, probe.Close(), os.Remove(probe.Name()))
	}()
	if _, err := probe.Write(bytes.Repeat([]byte("stagedoor room! "), probeSize/16)); err != nil {
		return err
	}
	return probe.Sync()
}

// Usable returns nil if the log can be opened, read and written, as far as a
// look at the folder tells, if nothing in it is in the way, and if no event
// was lost that the log does not tell of yet. Else its error says what is
// wrong: somebody may want that nothing is written down.
func (l *Log) Usable(ctx context.Context) error {
	err := l.usable(ctx)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("the audit log is not in order: %w", err)
	if hint.Of(err) != "" {
		return err
	}
	return hint.Wrap(err, "see what is in "+l.p.Dir+", then: stagedoor audit verify")
}

func (l *Log) usable(ctx context.Context) error {
	if !l.p.AsIs {
		if _, err := durable.EnsureDir(l.p.Dir); err != nil {
			return err
		}
	}
	f, err := readFolder(l.p.Dir)
	switch {
	case err != nil:
		return err
	case len(f.odd) > 0:
		return fmt.Errorf("%s is in the folder and is no part of the log", f.odd[0])
	case len(f.lost) > 0 || l.forgotten.Load() > 0:
		return fmt.Errorf("%d events could not be written", len(f.lost)+int(l.forgotten.Load()))
	}
	for i, s := range f.segments {
		if want := f.segments[0].Number + i; s.Number != want {
			return fmt.Errorf("%s is missing", SegmentName(want))
		}
		if i < len(f.segments)-1 && !s.begins() {
			return fmt.Errorf("%s does not begin like a part of the log", s.Name())
		}
	}
	err = openNewest(f.segments)
	if err == nil && l.failed.Load() { // it may be in order again
		err = diskError(l.writable(ctx))
		l.noteFailure(err)
	}
	return err
}

// noteFailure remembers whether the log could be written.
func (l *Log) noteFailure(err error) {
	if !errors.Is(err, context.Canceled) {
		l.failed.Store(err != nil)
	}
}
