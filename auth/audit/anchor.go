package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

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
// does not reach it by the same way: in the keychain. LoadAnchor returns false
// if none was saved. Both are called while the audit lock is held.
type AnchorStore interface {
	LoadAnchor(ctx context.Context) (Anchor, bool, error)
	SaveAnchor(ctx context.Context, a Anchor) error
}

// ErrDetached says that the log no longer leads up from the line that the
// anchor names. The anchor stays where it is then: moving it would hide the
// tampering that Verify will name.
var ErrDetached = hint.New("the log does not lead up from its anchor in the keychain",
	"see what is wrong with it: stagedoor audit verify")

// ErrKeyChanged is what an AnchorStore returns if the keychain has another key
// than the one it gave out. The log asks for the key again then.
var ErrKeyChanged = errors.New("the audit log's key in the keychain was replaced")

// loadAnchor asks the store, and forgets the key if that is no longer the one.
func (l *Log) loadAnchor(ctx context.Context) (Anchor, bool, error) {
	a, found, err := l.p.Anchor.LoadAnchor(ctx)
	if errors.Is(err, ErrKeyChanged) {
		l.seal, l.key = nil, nil
	}
	return a, found, err
}

// Flush moves the anchor to the newest line if this process has appended lines
// since it moved last. Call it before the process ends.
func (l *Log) Flush(ctx context.Context) error {
	if l.p.Anchor == nil {
		return nil
	}
	unlock, err := l.lock(ctx)
	if err != nil {
		return fmt.Errorf("anchor audit log: %w", err)
	}
	defer unlock()
	if !l.unanchored || l.seal == nil {
		return nil
	}
	t, err := openTail(l.p.Dir)
	if err != nil {
		return fmt.Errorf("anchor audit log: %w", err)
	}
	defer t.close()
	return l.anchor(ctx, t)
}

// anchor moves the anchor to t, provided that every line from the old anchor
// to t is sound. The lock is held.
func (l *Log) anchor(ctx context.Context, t *tail) (err error) {
	if l.p.Anchor == nil || l.seal == nil || t.last.mac == nil {
		return nil // an unsealed line proves nothing, so it is no anchor
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("anchor audit log: %w", err)
			l.anchorAt = l.p.Now()
		}
	}()
	old, found, err := l.loadAnchor(ctx)
	if err != nil {
		return err
	}
	if !found && !l.seal.seals(t.last) {
		return ErrDetached // not our key's line: never vouch for it
	}
	if found {
		if err := l.descends(t, old); err != nil {
			return err
		}
		if old.Seq == t.seq {
			l.unanchored = false
			return nil
		}
	}
	next := anchorAt(t)
	next.Checked = old.Checked
	if err := l.p.Anchor.SaveAnchor(ctx, next); err != nil {
		return err
	}
	l.unanchored = false
	return nil
}

// descends checks the lines from t back to the anchored one.
func (l *Log) descends(t *tail, old Anchor) error {
	if t.seq < old.Seq {
		return ErrDetached
	}
	var after frame // the line after the one looked at
	for i := len(t.segments) - 1; i >= 0; i-- {
		done, err := l.descendsIn(t.segments[i], &after, old)
		if done || err != nil {
			return err
		}
	}
	if after.seq > old.Seq && after.isFresh() {
		return nil // what the anchor names was set aside by Accept
	}
	return ErrDetached
}

func (l *Log) descendsIn(s segment, after *frame, old Anchor) (done bool, err error) {
	f, err := os.Open(s.path)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	lines, err := readBackward(f, info.Size())
	if err != nil {
		return false, err
	}
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		at, err := split(line)
		gap := err == nil && after.bytes != nil && at.seq+1 != after.seq &&
			after.mac != nil && after.continues(startState(at.seq, []byte(at.link())))
		switch {
		case err != nil,
			at.mac != nil && !l.seal.seals(at),
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
}
