package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
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
	Actor  string // which part of the app this process is: tray, window, cli, launcher
	PID    int
	// Sound returns an error if the log does not verify. Nothing is ever removed
	// from one that does not, nor without Sound.
	Sound func(ctx context.Context, s Snapshot) error
	// Carry, if set, returns the events that must be in the log before lines leave it:
	// what is still open of what they say.
	Carry func(ctx context.Context) []Event
	// SegmentSize is the size in bytes at which a new segment begins; 0 means
	// defaultSegmentSize.
	SegmentSize int64
	// Keep returns how much of the log stays; it is asked each time, since the
	// user may change it while a process runs. nil keeps 500 MB.
	Keep func() Retention
	// AsIs leaves the permissions of what is there as they are.
	AsIs bool
}

// defaultSegmentSize is 5 MB.
const defaultSegmentSize = 5_000_000

const (
	// lockWait bounds how long a call waits for other processes' appends, which
	// take milliseconds each.
	lockWait = 30 * time.Second
	// stillWait is how long somebody else may hold the lock while the log does
	// not grow: longer than any of us needs, and a process that was stopped must
	// not keep others from handing out tokens.
	stillWait = 3 * time.Second
	// stuckRest is how long after that it is given up on sooner.
	stuckRest = 30 * time.Second
)

// Log is an audit log. It is safe for concurrent use by goroutines, and by any
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
	loosened bool          // the folder was found open to others, which is not logged yet
	moved    int64         // bytes set aside to audit.torn, which is not logged yet
	still    time.Duration // how long the log may stand still under somebody else's lock
	stuckAt  time.Time     // when the lock was given up on last

	forgotten atomic.Int64 // lost events of which there is no mark
	failed    atomic.Bool  // the newest append did
}

// Open returns the log in p.Dir, creating the folder if needed. It asks the
// keychain for nothing and writes no line yet. A folder that cannot be opened
// is no error here: see Usable.
func Open(p Params) (*Log, error) {
	if p.Dir == "" || p.Key == nil || p.Now == nil {
		return nil, errors.New("audit log: folder, key and clock are needed")
	}
	if p.SegmentSize <= 0 {
		p.SegmentSize = defaultSegmentSize
	}
	l := &Log{keychain: keychain{key: p.Key, store: p.Anchor, now: p.Now, turn: make(chan struct{}, 1)}}
	p.Key, p.Anchor = nil, nil
	l.p, l.turn, l.still = p, make(chan struct{}, 1), stillWait
	if p.AsIs {
		return l, nil
	}
	var list []Segment
	var err error
	if l.loosened, err = durable.EnsureDir(p.Dir); err == nil { // else it may lead elsewhere
		list, _ = segments(p.Dir)
	}
	for _, s := range list {
		if repaired, err := durable.Tighten(s.path, durable.FileMode); err == nil {
			l.loosened = l.loosened || repaired
		}
	}
	return l, nil
}

// Dir returns the audit folder.
func (l *Log) Dir() string { return l.p.Dir }

// lock waits for this process's turn and then for the kernel lock, for as long
// as the log grows meanwhile. The returned function gives both back.
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
	k, err := w.acquire(ctx)
	if err != nil {
		<-w.turn
		return nil, err
	}
	return func() { k.Release(); <-w.turn }, nil
}

// acquire waits for the kernel lock, and looks now and then whether the log grows.
func (w *writer) acquire(ctx context.Context) (*durable.Lock, error) {
	path, still := filepath.Join(w.p.Dir, lockName), w.still
	if time.Since(w.stuckAt) < stuckRest { // once is enough for a command
		still /= 3
	}
	var size [2]int64
	since := time.Now()
	for {
		try, cancel := context.WithTimeout(ctx, still/6)
		k, err := durable.Acquire(try, path)
		cancel()
		if errors.Is(err, os.ErrNotExist) { // the folder was removed, or could not be made before
			if _, err = durable.EnsureDir(w.p.Dir); err == nil {
				k, err = durable.TryAcquire(path)
			}
		}
		if !errors.Is(err, durable.ErrLocked) {
			return k, err
		}
		if now := w.newestSize(); now != size {
			size, since = now, time.Now()
		}
		if stuck := time.Since(since) >= still; stuck || ctx.Err() != nil {
			w.stuckAt = time.Now()
			if stuck {
				err = fmt.Errorf("lock %s: %w, which writes nothing", path, durable.ErrLocked) // nobody cancelled
			}
			return nil, err
		}
	}
}

// newestSize is another value whenever the log has grown.
func (w *writer) newestSize() [2]int64 {
	list, _ := segments(w.p.Dir)
	s := newest(list)
	return [2]int64{int64(s.Number), s.Size}
}
