package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Anchor names the newest line of the log at some moment.
type Anchor struct {
	Segment string `json:"segment"` // file name
	Seq     uint64 `json:"seq"`     //
	MAC     string `json:"mac"`     // in hex
	// Checked is how far VerifyIncremental came; nil if it never did.
	Checked *Checkpoint `json:"checked,omitempty"`
}

// anchorAt is an anchor at t, whose newest line is sealed.
func anchorAt(t *tail) Anchor {
	return Anchor{Segment: t.newest().name(), Seq: t.seq, MAC: string(t.last.mac)}
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
func (w *writer) nextAnchor(ctx context.Context, seal *sealer, old Anchor, found bool) (next *Anchor, end uint64, err error) {
	unlock, err := w.lock(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer unlock()
	t, err := openTail(w.p.Dir)
	if err != nil {
		return nil, 0, err
	}
	defer t.close()
	w.moved += t.moved
	if t.last.mac == nil {
		return nil, old.Seq, nil
	}
	if !found && !seal.seals(t.last) {
		return nil, 0, ErrDetached // not our key's line: never vouch for it
	}
	if found {
		if err := descends(seal, t, old); err != nil {
			return nil, 0, err
		}
		if old.Seq == t.seq {
			return nil, old.Seq, nil
		}
	}
	a := anchorAt(t)
	a.Checked = old.Checked
	return &a, a.Seq, nil
}

// descends checks the lines from t back to the anchored one.
func descends(seal *sealer, t *tail, old Anchor) error {
	if t.seq < old.Seq {
		return ErrDetached
	}
	var after frame // the line after the one looked at
	for i := len(t.segments) - 1; i >= 0; i-- {
		done, err := descendsIn(seal, t.segments[i], &after, old)
		if done || err != nil {
			return err
		}
	}
	if after.seq > old.Seq && after.isFresh() {
		return nil // what the anchor names was set aside by Accept
	}
	return ErrDetached
}

func descendsIn(seal *sealer, s segment, after *frame, old Anchor) (done bool, err error) {
	for line, err := range newestFirst(s.path, -1) {
		if err != nil {
			return false, err
		}
		at, err := split(line)
		gap := err == nil && after.bytes != nil && at.seq+1 != after.seq &&
			after.mac != nil && after.continues(startState(at.seq, []byte(at.link())))
		switch {
		case err != nil,
			at.mac != nil && !seal.seals(at),
			after.bytes != nil && at.seq+1 != after.seq && !gap,
			after.bytes != nil && at.link() != string(after.prev):
			return false, ErrDetached
		case at.seq < old.Seq && gap:
			return true, nil // what the anchor names was set aside by Accept
		case at.seq < old.Seq:
			return false, ErrDetached
		case at.seq == old.Seq:
			if !bytes.Equal(at.mac, []byte(old.MAC)) {
				return false, ErrDetached
			}
			return true, nil
		}
		*after = at
	}
	return false, nil
}
