package audit

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// progressStep is how many bytes pass between two calls of progress.
const progressStep = 1 << 20

// Verify checks every line that is in the log now. Appending goes on
// meanwhile. progress, if not nil, is called now and then, one call at a time,
// with the bytes checked and the bytes to check.
//
// An error means that nothing could be checked: the lock, the key or a file
// was not to be had. Tampering is no error but the report's Problem.
func (l *Log) Verify(ctx context.Context, progress func(done, total int64)) (Report, error) {
	v, err := l.snapshot(ctx)
	if err == nil {
		err = v.run(ctx, progress)
	}
	if err != nil {
		return Report{}, fmt.Errorf("verify audit log: %w", err)
	}
	return v.report, nil
}

// Belongs reports whether the log in a folder has a line that was sealed with
// the key, and whether it has the line that the anchor names, if there is one.
func Belongs(ctx context.Context, dir string, key []byte, a *Anchor) (sealed, anchored bool, err error) {
	v := &verification{key: key}
	if v.seal, err = newSealer(key); err != nil {
		return false, false, err
	}
	if a != nil {
		v.anchor = *a
	}
	if err = (&writer{p: Params{Dir: dir}}).look(v); err != nil {
		return false, false, err
	}
	scans, err := v.scan(ctx, nil)
	for _, s := range scans {
		sealed = sealed || s.sealed
		anchored = anchored || a != nil && len(s.anchored) > 0 && string(s.anchored) == a.MAC
	}
	return sealed, anchored, err
}

// verification is one run of Verify.
type verification struct {
	list   []extent
	key    []byte
	seal   *sealer
	anchor Anchor
	found  bool // there is an anchor
	report Report
	odd    []string // what has a segment's name and is none
	waits  int      // marks of lost events that no line tells of yet

	sound   int     // how many segments of list lead on from each other
	at      state   // after the last of them
	vouched removal // says why the log may begin where it does, unless at the beginning
}

// snapshot notes how far the log goes. What the anchor says is asked before, so
// that it names no line after that.
func (l *Log) snapshot(ctx context.Context) (*verification, error) {
	v, err := l.secrets(ctx)
	if err != nil {
		return nil, err
	}
	unlock, err := l.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return v, l.look(v)
}

// secrets begins a verification with what the keychain has to say. An empty log
// needs no key, and must not make one.
func (l *Log) secrets(ctx context.Context) (v *verification, err error) {
	v = &verification{}
	if v.anchor, v.found, err = l.keychain.anchor(ctx); err != nil {
		v.report.AnchorError = err.Error()
	}
	if list, err := segments(l.p.Dir); err != nil || len(list) == 0 {
		return v, err
	}
	seal, err := l.keychain.sealer(ctx, 0)
	if err != nil {
		return nil, err
	}
	v.key, v.report.PublicKey = seal.key, PublicKey(seal.key)
	v.seal, err = newSealer(seal.key)
	return v, err
}

// look notes how far the log goes.
func (w *writer) look(v *verification) error {
	f, err := readFolder(w.p.Dir)
	v.odd, v.waits = f.odd, len(f.lost)
	if err != nil || v.seal == nil { // it was empty when the keychain was to be asked
		return err
	}
	list := f.segments
	for i, s := range list {
		info, err := os.Lstat(s.path)
		if err != nil {
			return err
		}
		e := extent{segment: s, size: info.Size(), changed: info.ModTime()}
		if i == len(list)-1 {
			if e.size, err = soundSize(s.path, info.Size()); err != nil {
				return err
			}
			v.report.TornBytes = info.Size() - e.size
		}
		v.list = append(v.list, e)
	}
	return nil
}

// run does a whole verification.
func (v *verification) run(ctx context.Context, progress func(done, total int64)) error {
	scans, err := v.scan(ctx, progress)
	if err != nil {
		return err
	}
	return v.join(ctx, scans)
}

// scan checks all segments, in parallel.
func (v *verification) scan(ctx context.Context, progress func(done, total int64)) ([]scan, error) {
	var total int64
	for _, e := range v.list {
		total += e.size - e.from
	}
	m := meter{total: total, tell: progress}
	scans := make([]scan, len(v.list))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, e := range v.list {
		g.Go(func() error {
			seal, err := newSealer(v.key)
			if err != nil {
				return err
			}
			scans[i], err = scanSegment(ctx, e, seal, v.anchor.Seq, &m)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if progress != nil {
		progress(total, total)
	}
	return scans, nil
}

// meter adds up the bytes that several goroutines have checked.
type meter struct {
	done  atomic.Int64
	total int64
	mu    sync.Mutex
	tell  func(done, total int64)
}

func (m *meter) add(n int64) {
	done := m.done.Add(n)
	if m.tell != nil && done/progressStep != (done-n)/progressStep {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.tell(min(done, m.total), m.total)
	}
}

// join puts the segments' scans together, in order, up to the first problem.
func (v *verification) join(ctx context.Context, scans []scan) (err error) {
	r := &v.report
	v.count(scans)
	at, problem := v.begin(scans)
	if problem == nil {
		v.sound = v.lead(&at, scans)
	}
	v.at = at.copied()
	r.Problem, r.Unsealed, r.SealedLater = problem, at.pending, at.covered
	switch i := v.sound; {
	case problem != nil:
	case i == len(scans):
		v.checkAnchor(at, scans)
		r.OK, r.atEnd = r.Problem == nil && len(v.odd) == 0, r.Problem != nil
		if len(v.odd) > 0 && r.Problem == nil {
			r.Problem = &Problem{Kind: Malformed, Segment: v.odd[0], Message: v.odd[0] + " has the name of a part of the log, and is none"}
		}
	case v.list[i].number != v.list[0].number+i:
		r.Problem = missing(at, segmentName(v.list[0].number+i), v.list[i].name())
	default:
		r.Problem, err = v.diagnose(ctx, at, i)
	}
	return err
}

// count adds up what the scans say of lines.
func (v *verification) count(scans []scan) {
	r := &v.report
	r.Segments, r.Lost = len(scans), r.Lost+uint64(v.waits)
	for i, s := range scans {
		r.Events, r.Checked, r.Lost = r.Events+uint64(s.lines), r.Checked+uint64(s.lines), r.Lost+s.lost
		if i == 0 && r.First.IsZero() {
			r.First = s.from
		}
		if s.lines > 0 {
			r.Last = s.to
		}
	}
}

// lead moves at behind the segments that lead on from it, and returns how many
// there are.
func (v *verification) lead(at *state, scans []scan) int {
	for i, s := range scans {
		if v.list[i].number != v.list[0].number+i || s.lines > 0 && !at.follow(s) {
			return i
		}
	}
	return len(scans)
}

// follow moves s behind a sound segment, if that begins where s ends.
func (s *state) follow(next scan) bool {
	f := next.first
	if !next.sound || string(f.prev) != string(s.link) || f.seq != s.seq+1 && !(f.mac != nil && f.continues(*s)) {
		return false
	}
	before := *s
	*s = next.end.copied()
	s.covered += before.covered
	switch {
	case before.pending == 0:
	case f.mac != nil && !f.covers():
		*s = before
		return false
	case next.sealed:
		s.covered += before.pending
	default:
		s.pending += before.pending
		s.pendingLine, s.pendingSeq, s.pendingPrev = before.pendingLine, before.pendingSeq, before.pendingPrev
	}
	return true
}

// checkAnchor compares the log's end with the anchor.
func (v *verification) checkAnchor(end state, scans []scan) {
	if !v.found {
		return
	}
	r := &v.report
	r.AnchorChecked, r.AnchorSeq = true, v.anchor.Seq
	if end.seq < v.anchor.Seq {
		r.Problem = v.cutOff(end)
		return
	}
	for i, s := range scans {
		if s.anchored == nil || string(s.anchored) == v.anchor.MAC {
			continue
		}
		r.Problem = &Problem{
			Kind: RolledBack, Segment: v.list[i].name(), Line: s.anchorAt, Seq: v.anchor.Seq,
			Message: fmt.Sprintf("event %d is not the one that the keychain remembers: the log was cut off or replaced with an older copy, and went on from there", v.anchor.Seq),
		}
		if len(s.anchored) == 0 {
			r.Problem.Kind = Unsealed
			r.Problem.Message = fmt.Sprintf("event %d has no seal, but the keychain remembers one: the end of the log was replaced", v.anchor.Seq)
		}
	}
}
