package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Anchor names the newest line of the log at some moment.
type Anchor struct {
	Segment string `json:"segment"` // file name
	Seq     uint64 `json:"seq"`     //
	MAC     string `json:"mac"`     // in hex
	// Checked is how far an incremental verification came; nil if none was made.
	Checked *Checkpoint `json:"checked,omitempty"`
}

// Checkpoint is how far the log was found to be sound. It is kept with the
// anchor, where somebody who can write the log's folder does not reach it.
type Checkpoint struct {
	Segment int       `json:"segment"`        // its number
	Line    int       `json:"line"`           // in the segment
	Offset  int64     `json:"offset"`         // bytes up to and with that line
	Seq     uint64    `json:"seq"`            //
	Link    string    `json:"link"`           // what the next line must name as prev, in hex
	Before  string    `json:"before"`         // names, sizes and times of the segments before, hashed
	Events  uint64    `json:"events"`         // lines checked so far
	Covered int       `json:"covered"`        // how many of them carry no MAC
	Lost    uint64    `json:"lost,omitempty"` // events that the lines so far say were lost
	First   time.Time `json:"first"`          // of the log's first line
	Full    time.Time `json:"full"`           // when every line was read last
}

// anchorAt is an anchor at t, whose newest line is sealed.
func anchorAt(t *tail) Anchor {
	return Anchor{Segment: newest(t.segments).Name(), Seq: t.chain.Seq, MAC: string(t.last.MAC)}
}

// AnchorStore keeps the anchor where somebody who can write the log's folder
// does not reach it by the same way: in the keychain. It is never called while
// the audit lock is held.
type AnchorStore interface {
	// LoadAnchor returns false if none was saved.
	LoadAnchor(ctx context.Context) (Anchor, bool, error)
	// UpdateAnchor saves what change makes of the present anchor, if that is not
	// nil. No other process updates it meanwhile, so an anchor cannot move back.
	UpdateAnchor(ctx context.Context, change func(old Anchor, found bool) (*Anchor, error)) error
}

// ErrDetached says that the log no longer leads up from the line that the
// anchor names. The anchor stays where it is then: moving it would hide the
// tampering that Verify will name.
var ErrDetached = hint.New("the log does not lead up from its anchor in the keychain",
	"see what is wrong with it: stagedoor audit verify")

// ErrKeyChanged is what an AnchorStore returns if the keychain has another key
// than the one it gave out. The log asks for the key again then.
var ErrKeyChanged = errors.New("the audit log's key in the keychain was replaced")

// Flush moves the anchor to the newest line if this process has appended lines
// since it moved last. Call it before the process ends.
func (l *Log) Flush(ctx context.Context) error {
	if l.written.Load() <= l.anchored.Load() {
		return nil
	}
	return l.moveAnchor(ctx)
}

// moveAnchor moves the anchor to the newest line, provided that every line from
// the old anchor to there is sound. Without the key it does nothing: what this
// process wrote is unsealed then.
func (l *Log) moveAnchor(ctx context.Context) error {
	seal := l.keychain.seal.Load()
	if l.keychain.store == nil || seal == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, keyWait) // what waits for it is done already
	defer cancel()
	var end uint64
	err := l.keychain.store.UpdateAnchor(ctx, func(old Anchor, found bool) (next *Anchor, err error) {
		next, end, err = l.nextAnchor(ctx, seal, old, found)
		return next, err
	})
	if err != nil {
		l.keychain.forget(err)
		l.anchorAt.Store(l.p.Now().UnixNano())
		return fmt.Errorf("anchor audit log: %w", err)
	}
	l.anchored.Store(end)
	return nil
}

// nextAnchor is what comes after old: nil if that is old itself, or if the
// newest line is unsealed, which proves nothing. end is the number of the line
// that is anchored then.
func (w *writer) nextAnchor(ctx context.Context, seal *Sealer, old Anchor, found bool) (next *Anchor, end uint64, err error) {
	t, unlock, err := w.tail(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer unlock()
	switch {
	case t.last.MAC == nil:
		return nil, old.Seq, nil
	case !found && !seal.Seals(t.last):
		return nil, 0, ErrDetached // not our key's line: an anchor there would call it ours
	case found:
		if err := descends(seal, t, old); err != nil {
			return nil, 0, err
		}
		if old.Seq == t.chain.Seq {
			return nil, old.Seq, nil
		}
	}
	a := anchorAt(t)
	a.Checked = old.Checked
	return &a, a.Seq, nil
}

// descends checks the lines from t back to the anchored one.
func descends(seal *Sealer, t *tail, old Anchor) error {
	after := Line{Bad: errTorn} // the line after the one looked at, if it is a line
	for i := len(t.segments) - 1; i >= 0; i-- {
		empty := true
		for l, err := range newestFirst(t.segments[i]) {
			empty = false
			switch leads := after.Bad != nil || l.After().Leads(after); {
			case err != nil:
				return err
			case l.Bad != nil || !leads || l.MAC != nil && !seal.Seals(l):
				return ErrDetached
			case l.Seq == old.Seq && string(l.MAC) == old.MAC,
				l.Seq < old.Seq && after.Bad == nil && after.Seq != l.Seq+1: // what the anchor names was set aside by Restart
				return nil
			case l.Seq <= old.Seq:
				return ErrDetached
			}
			after = l
		}
		if empty && i < len(t.segments)-1 {
			return ErrDetached
		}
	}
	if after.Bad == nil && after.Seq > old.Seq && after.IsFresh() {
		return nil // what the anchor names was set aside by Restart
	}
	return ErrDetached
}
