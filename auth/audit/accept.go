package audit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// ErrSound says that there is nothing to accept: the log verifies.
var ErrSound = errors.New("the audit log verifies; there is nothing to accept")

// Accepted is what Accept did.
type Accepted struct {
	Problem Problem  `json:"problem"` // what was wrong
	Folder  string   `json:"folder"`  // where the segments went, inside the audit folder; "" if none had to
	Moved   []string `json:"moved"`   // their names
	Kept    int      `json:"kept"`    // segments that stay, since they verify
	Event   Event    `json:"event"`   // the log_accepted event
}

// rejectedPrefix begins the names of folders with segments set aside.
const rejectedPrefix = "rejected-"

// Accept lets the log go on after tampering, or after its key was lost. The
// segment with the first problem and all after it are moved, as they are, to a
// folder rejected-<time> in the audit folder; those before it stay. A new
// segment begins with a "log_accepted" event that names the problem and the
// folder. It continues the chain of what stays, and its number is one that no
// line had before, so numbers still tell events apart.
//
// If the problem is only that the anchor knows of newer lines (the end was cut
// off, or an older copy put back), every segment verifies by itself and stays.
//
// It is for the user to call, who has looked at the problem. Whatever was done
// to the log stays visible in it. A log that verifies gives ErrSound.
func (l *Log) Accept(ctx context.Context) (Accepted, error) {
	a, err := l.accept(ctx)
	if err != nil && !errors.Is(err, ErrSound) {
		err = fmt.Errorf("accept audit log: %w", err)
	}
	return a, err
}

func (l *Log) accept(ctx context.Context) (Accepted, error) {
	l.keychain.again()
	v, err := l.secrets(ctx)
	if err != nil {
		return Accepted{}, err
	}
	if v.seal == nil { // nothing is there but what the anchor knows
		seal, err := l.keychain.sealer(ctx, 0)
		if err != nil {
			return Accepted{}, err
		}
		v.key, v.seal = seal.key, seal
	}
	a, next, err := l.writer.accept(ctx, v)
	if err != nil {
		return a, err
	}
	l.written.Store(next.Seq)
	if l.keychain.store == nil {
		return a, nil
	}
	// Not by way of moveAnchor: what the old one names may be gone for good. If
	// this fails, the gap in the numbers vouches for the old one.
	err = l.keychain.store.UpdateAnchor(ctx, func(old Anchor, found bool) (*Anchor, error) {
		if found && old.Seq >= next.Seq {
			return nil, nil // another process went on from there
		}
		return &next, nil
	})
	if err == nil {
		l.anchored.Store(next.Seq)
	}
	return a, nil
}

// accept does it, and returns what the anchor is to be.
func (w *writer) accept(ctx context.Context, v *verification) (a Accepted, end Anchor, err error) {
	unlock, err := w.lock(ctx)
	if err != nil {
		return a, end, err
	}
	defer unlock()
	if err := w.look(v); err != nil {
		return a, end, err
	}
	if err := v.run(ctx, nil); err != nil {
		return a, end, err
	}
	if v.report.OK {
		return a, end, ErrSound
	}
	a = Accepted{Problem: *v.report.Problem, Kept: v.sound}
	next, err := w.nextSeq(v)
	if err != nil {
		return a, end, err
	}
	names := slices.Clone(v.odd)
	for _, e := range v.list[v.sound:] {
		names = append(names, e.name())
	}
	if a.Folder, a.Moved, err = w.setAside(names); err != nil {
		return a, end, err
	}
	t := &tail{seq: next - 1, link: origin, empty: true}
	for _, e := range v.list[:v.sound] {
		t.segments = append(t.segments, e.segment)
	}
	if v.sound > 0 && v.at.line > 0 {
		t.link = string(v.at.link)
	}
	p := a.Problem
	a.Event = Event{
		Name: LogAccepted, Outcome: OK, Actor: w.p.Actor, PID: w.p.PID,
		Data: map[string]any{
			"kind": string(p.Kind), "segment": p.Segment, "line": p.Line, "seq": p.Seq, "message": p.Message,
			"folder": a.Folder, "moved": len(a.Moved), "kept": a.Kept, "kept_through": v.at.seq,
		},
	}
	if v.sound > 0 && v.vouched.last > 0 {
		maps.Copy(a.Event.Data, v.vouched.data())
	}
	line, err := w.line(t, &a.Event, v.seal)
	if err != nil {
		return a, end, err
	}
	if err := w.begin(t, line); err != nil {
		return a, end, diskError(err)
	}
	return a, anchorAt(t), nil
}

// nextSeq returns a number that no line of this log had before.
func (w *writer) nextSeq(v *verification) (uint64, error) {
	t, err := openTail(w.p.Dir)
	if err != nil {
		return 0, err
	}
	t.close()
	next := max(v.at.seq, v.anchor.Seq)
	// The newest line's number counts if it can be real; a forged one of 2^52
	// would only make the numbers ugly, but for ever.
	if t.seq > next && t.seq-next < 1<<32 {
		next = t.seq
	}
	return next + 1, nil
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
