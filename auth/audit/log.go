package audit

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// Params of a Log.
type Params struct {
	// Dir is the audit folder. It is created for the owner only.
	Dir string
	// Key returns the 32-byte MAC key, making one the first time; two processes
	// that do so at once must get the same. It is never called while the audit
	// lock is held. Its error means that the keychain is locked or absent: lines
	// are then written unsealed, and it is asked again after 30 seconds at the
	// earliest.
	Key func(ctx context.Context) ([]byte, error)
	// Anchor remembers the newest line outside the folder. It may be nil; then
	// cutting off the newest lines goes unnoticed.
	Anchor AnchorStore
	Now    func() time.Time
	Actor  string // which door this process is: tray, window, cli, launcher
	PID    int
	// SegmentSize is the size in bytes at which a new segment begins; 0 means
	// DefaultSegmentSize.
	SegmentSize int64
	// Keep returns how much of the log stays; it is asked each time, since the
	// user may change it while a process runs. nil keeps 500 MB.
	Keep func() Retention
}

// DefaultSegmentSize is 5 MB.
const DefaultSegmentSize = 5_000_000

// lockWait bounds how long a call waits for other processes' appends, which
// take milliseconds each.
const lockWait = 30 * time.Second

// Log is the book. It is safe for concurrent use by goroutines, and by any
// number of processes that have one each on the same folder.
type Log struct {
	writer
	keychain keychain
	written  atomic.Uint64 // the newest line of this process
	anchored atomic.Uint64 // the newest line that this process knows to be anchored
	anchorAt atomic.Int64  // when the anchor could not be moved last, Unix nanoseconds
}

// writer is the log's folder. Its methods are called with the lock held,
// except lock; so they have no way to the keychain.
type writer struct {
	p Params // without Key and Anchor
	// turn holds one token: whoever has it is the one goroutine of this process
	// that holds or waits for the kernel lock. It guards what follows.
	turn     chan struct{}
	loosened bool  // the folder was found open to others, which is not logged yet
	moved    int64 // bytes set aside to audit.torn, which is not logged yet
}

// Open returns the log in p.Dir, creating the folder if needed. It asks the
// keychain for nothing and writes no line yet.
func Open(p Params) (*Log, error) {
	if p.Dir == "" || p.Key == nil || p.Now == nil {
		return nil, errors.New("audit log: folder, key and clock are needed")
	}
	if p.SegmentSize <= 0 {
		p.SegmentSize = DefaultSegmentSize
	}
	l := &Log{keychain: keychain{key: p.Key, store: p.Anchor, now: p.Now, turn: make(chan struct{}, 1)}}
	p.Key, p.Anchor = nil, nil
	l.writer = writer{p: p, turn: make(chan struct{}, 1)}
	loose, err := durable.EnsureDir(p.Dir)
	if err != nil {
		return nil, fmt.Errorf("open audit log: %w", err)
	}
	list, err := segments(p.Dir)
	if err != nil {
		return nil, fmt.Errorf("open audit log: %w", err)
	}
	for _, s := range list {
		repaired, err := durable.Tighten(s.path, durable.FileMode)
		if err = ignoreGone(err); err != nil {
			return nil, fmt.Errorf("open audit log: %w", err)
		}
		loose = loose || repaired
	}
	l.loosened = loose
	return l, nil
}

// Dir returns the audit folder.
func (l *Log) Dir() string { return l.p.Dir }

// lock waits for this process's turn and then for the kernel lock. The
// returned function gives both back.
func (w *writer) lock(ctx context.Context) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	select {
	case w.turn <- struct{}{}:
	default:
		select {
		case w.turn <- struct{}{}:
		case <-ctx.Done():
			return nil, fmt.Errorf("lock audit log: %w", ctx.Err())
		}
	}
	k, err := durable.Acquire(ctx, filepath.Join(w.p.Dir, lockName))
	if err != nil {
		<-w.turn
		return nil, err
	}
	return func() { k.Release(); <-w.turn }, nil
}
