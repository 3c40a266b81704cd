package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// Snapshot is how far the log goes at a moment, and what the keychain says of
// it: what a check of the whole log needs. What is appended later is not in it.
type Snapshot struct {
	At        time.Time
	Segments  []Segment // oldest first, without an unfinished end
	Torn      int64     // bytes of that end
	Odd       []string  // what has a segment's name and is none
	Lost      int       // events that are not in the log, and of which no line tells yet
	Key       []byte    // nil in an empty log, which needs none and must not make one
	Anchor    Anchor    // asked for before the log was looked at, so that it names no line after that
	Anchored  bool      // there is an anchor
	AnchorErr error     // why that could not be found out
}

// Snapshot looks at the log under its lock. An error means that the lock or the
// key was not to be had.
func (l *Log) Snapshot(ctx context.Context) (Snapshot, error) {
	s, err := l.secrets(ctx, false)
	if err != nil {
		return s, err
	}
	unlock, err := l.lock(ctx)
	if err != nil {
		return s, err
	}
	defer unlock()
	return s, s.Look(l.p.Dir)
}

// secrets begins a snapshot with what the keychain has to say.
func (l *Log) secrets(ctx context.Context, keyNeeded bool) (s Snapshot, err error) {
	s.At = l.p.Now()
	s.Anchor, s.Anchored, s.AnchorErr = l.keychain.anchor(ctx)
	if list, err := segments(l.p.Dir); err != nil || len(list) == 0 && !keyNeeded {
		return s, err
	}
	seal, err := l.keychain.sealer(ctx, 0)
	if err != nil {
		return s, err
	}
	s.Key = seal.key
	return s, nil
}

// Look notes what is in a log's folder, provided that s has a key. It takes no
// lock.
func (s *Snapshot) Look(dir string) error {
	f, err := readFolder(dir)
	s.Odd, s.Lost = f.odd, len(f.lost)
	if err != nil || s.Key == nil || len(f.segments) == 0 {
		return err
	}
	end := &f.segments[len(f.segments)-1]
	size, err := soundSize(*end)
	s.Torn, end.Size, s.Segments = end.Size-size, size, f.segments
	return err
}

// SaveCheckpoint keeps c with the anchor, if there is one.
func (l *Log) SaveCheckpoint(ctx context.Context, c Checkpoint) error {
	return l.keychain.store.UpdateAnchor(ctx, func(a Anchor, found bool) (*Anchor, error) {
		a.Checked = &c
		if !found {
			return nil, nil
		}
		return &a, nil
	})
}

// Restart says how the log goes on after a problem.
type Restart struct {
	Keep  int     // so many of the oldest segments stay
	After Chain   // the end of those, or Start
	Event Event   // the first line from then on; its data gets "folder" and "moved"
	More  []Event // the lines after it
}

// Restarted is what Restart did.
type Restarted struct {
	Folder string   // where the segments went, inside the audit folder; "" if none had to
	Moved  []string // their names
	Event  Event
}

// rejectedPrefix begins the names of folders with segments set aside.
const rejectedPrefix = "rejected-"

// Restart moves all segments, as they are, but for those that plan keeps to a
// folder rejected-<time> in the audit folder, and begins a new one with plan's
// event. That continues the chain of what stays, and its number is one that no
// line had before. The anchor moves there. plan is called under the log's lock,
// with a Snapshot that has the key; its error is returned as it is.
func (l *Log) Restart(ctx context.Context, plan func(Snapshot) (Restart, error)) (Restarted, error) {
	l.keychain.again()
	s, err := l.secrets(ctx, true)
	if err != nil {
		return Restarted{}, err
	}
	done, next, err := l.restart(ctx, s, plan)
	if err != nil {
		return done, err
	}
	l.written.Store(next.Seq)
	if l.keychain.store == nil {
		return done, nil
	}
	// Not by way of moveAnchor: what the old one names may be gone for good. If
	// this fails, the gap in the numbers explains the old one.
	err = l.keychain.store.UpdateAnchor(ctx, func(old Anchor, found bool) (*Anchor, error) {
		if found && old.Seq >= next.Seq {
			return nil, nil // another process went on from there
		}
		return &next, nil
	})
	if err == nil {
		l.anchored.Store(next.Seq)
	}
	return done, err
}

// restart does it, and returns what the anchor is to be.
func (w *writer) restart(ctx context.Context, s Snapshot, plan func(Snapshot) (Restart, error)) (done Restarted, next Anchor, err error) {
	seal, err := NewSealer(s.Key)
	if err != nil {
		return done, next, err
	}
	unlock, err := w.lock(ctx)
	if err != nil {
		return done, next, err
	}
	defer unlock()
	if err := s.Look(w.p.Dir); err != nil {
		return done, next, err
	}
	r, err := plan(s)
	if err != nil {
		return done, next, err
	}
	old, err := openTail(w.p.Dir)
	if err != nil {
		return done, next, err
	}
	old.close()
	w.moved += old.moved
	t := &tail{folder: folder{segments: slices.Clone(s.Segments[:r.Keep])}, chain: r.After}
	// The newest line's number counts if it can be real; a forged one of 2^52
	// would only make the numbers ugly, but for ever.
	t.chain.Seq = max(r.After.Seq, s.Anchor.Seq)
	if seq := old.chain.Seq; seq > t.chain.Seq && seq-t.chain.Seq < 1<<32 {
		t.chain.Seq = seq
	}
	names := s.Odd
	for _, e := range s.Segments[r.Keep:] {
		names = append(names, e.Name())
	}
	if done.Folder, done.Moved, err = w.setAside(names); err != nil {
		return done, next, err
	}
	r.Event.Data["folder"], r.Event.Data["moved"] = done.Folder, len(done.Moved)
	events := w.own(append([]Event{r.Event}, r.More...))
	var lines []byte
	for i := range events {
		line, err := w.line(t, &events[i], seal)
		if err != nil {
			return done, next, err
		}
		lines = append(lines, line...)
	}
	if err := w.begin(t, lines); err != nil {
		return done, next, diskError(err)
	}
	done.Event = events[0]
	return done, anchorAt(t), nil
}

// ReadAside calls f for the events of segments that a Restart set aside which was
// killed before it began a new one: no line of the log names their folder. Nobody
// can say whether they are genuine.
func (l *Log) ReadAside(ctx context.Context, f func(Event)) error {
	folders, err := filepath.Glob(filepath.Join(l.p.Dir, rejectedPrefix+"*"))
	if err != nil || len(folders) == 0 {
		return err
	}
	named := map[string]bool{}
	q := Query{Name: LogAccepted, Sealed: true} // others may only bring something back
	accepted, err := l.Query(ctx, q)
	if err != nil { // without the key nobody can say whose the lines are
		q.Sealed = false
		accepted, err = l.Query(ctx, q)
	}
	for _, e := range accepted {
		folder, _ := e.Data["folder"].(string)
		named[folder] = true
	}
	for _, folder := range folders {
		if named[filepath.Base(folder)] || err != nil {
			continue
		}
		var list []Segment
		list, err = segments(folder)
		for _, s := range list {
			for line, unread := range s.Lines(ctx) {
				if e, bad := line.Event(); unread == nil && bad == nil {
					f(e)
				}
			}
		}
	}
	return err
}

// setAside moves segments, or what has such a name, out of the log, the newest
// first: a crash on the way leaves a log that only lacks its end.
func (w *writer) setAside(names []string) (folder string, moved []string, err error) {
	if len(names) == 0 {
		return "", nil, nil
	}
	stamp := rejectedPrefix + w.p.Now().UTC().Format("20060102T150405Z")
	folder = stamp
	for n := 2; ; n++ {
		err := os.Mkdir(filepath.Join(w.p.Dir, folder), durable.DirMode)
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrExist) || n > 1000 {
			return "", nil, diskError(err)
		}
		folder = fmt.Sprintf("%s-%d", stamp, n)
	}
	for _, name := range slices.Backward(names) {
		if err := durable.Rename(filepath.Join(w.p.Dir, name), filepath.Join(w.p.Dir, folder, name)); err != nil {
			return folder, moved, err
		}
		moved = append([]string{name}, moved...)
	}
	return folder, moved, nil
}
