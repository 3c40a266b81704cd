package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// Params of a Log.
type Params struct {
	// Dir is the audit folder. It is created for the owner only.
	Dir string
	// Key returns the 32-byte MAC key. It is called at the first append or
	// verification, while the audit lock is held, so that two processes that
	// create the key for the first time cannot race. Its error means that the
	// keychain is locked or absent: lines are then written unsealed, and it is
	// asked again after 30 seconds at the earliest.
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
	// Keep is how much of the log stays. Its zero value keeps 500 MB.
	Keep Retention
}

// DefaultSegmentSize is 5 MB.
const DefaultSegmentSize = 5_000_000

const (
	// lockWait bounds how long a call waits for other processes' appends, which
	// take milliseconds each; a keychain call under the lock may take seconds.
	lockWait = 30 * time.Second
	// keychainRest is how long a keychain that failed is left alone, so that a
	// locked one does not make every append wait for its time-out.
	keychainRest = 30 * time.Second
)

// Log is the book. It is safe for concurrent use by goroutines, and by any
// number of processes that have one each on the same folder.
type Log struct {
	p Params
	// turn holds one token: whoever has it is the one goroutine of this process
	// that holds or waits for the kernel lock. It guards what follows.
	turn       chan struct{}
	seal       *sealer
	key        []byte
	keyErr     error
	keyAt      time.Time // when keyErr was met
	loosened   bool      // the folder was found open to others, which is not logged yet
	moved      int64     // bytes set aside to audit.torn, which is not logged yet
	unanchored bool      // this process appended lines after the anchor it knows of
	anchorAt   time.Time // when the anchor store failed last
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
	l := &Log{p: p, turn: make(chan struct{}, 1)}
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
		if err != nil {
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
func (l *Log) lock(ctx context.Context) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	select {
	case l.turn <- struct{}{}:
	default:
		select {
		case l.turn <- struct{}{}:
		case <-ctx.Done():
			return nil, fmt.Errorf("lock audit log: %w", ctx.Err())
		}
	}
	k, err := durable.Acquire(ctx, filepath.Join(l.p.Dir, lockName))
	if err != nil {
		<-l.turn
		return nil, err
	}
	return func() { k.Release(); <-l.turn }, nil
}

// sealer returns what makes MACs, or the keychain's error. The lock is held.
func (l *Log) sealer(ctx context.Context) (*sealer, error) {
	if l.seal != nil {
		return l.seal, nil
	}
	if l.keyErr != nil && l.resting(l.keyAt) {
		return nil, l.keyErr
	}
	key, err := l.p.Key(ctx)
	if err == nil {
		l.seal, err = newSealer(key)
	}
	if err != nil {
		l.keyErr, l.keyAt = nil, l.p.Now()
		if ctx.Err() == nil { // a caller who gave up says nothing about the keychain
			l.keyErr = err
		}
		return nil, err
	}
	l.key = bytes.Clone(key)
	return l.seal, nil
}

// resting reports whether a failure at t is too recent to try again. A clock
// that jumped back ends the rest: waiting longer than meant would be worse.
func (l *Log) resting(t time.Time) bool {
	since := l.p.Now().Sub(t)
	return since >= 0 && since < keychainRest
}
