package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

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

// fullEvery is how long VerifyIncremental relies on what it read before.
const fullEvery = 24 * time.Hour

// nearby is how many lines before the checkpoint the anchor is looked for.
const nearby = 1 << 12

// VerifyIncremental checks the lines since the last point that was verified,
// that this point still stands, and that no older segment has another size or
// time of change than it had then. It reads the whole log, as Verify does, if
// anything is amiss or new, and once a day: whoever changes an older line and
// puts the file's time back is found out then, or by Verify.
//
// It is for a tray that looks every hour: a few lines read and one or two
// keychain calls.
func (l *Log) VerifyIncremental(ctx context.Context, progress func(done, total int64)) (Report, error) {
	v, err := l.snapshot(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("verify audit log: %w", err)
	}
	full := l.p.Now().UTC()
	c := v.anchor.Checked
	resumed := false
	if v.found && c != nil {
		age := full.Sub(c.Full)
		resumed = age >= 0 && age < fullEvery && v.resume(ctx, *c)
	}
	if resumed {
		full = c.Full
	} else if err := v.run(ctx, progress); err != nil {
		return Report{}, fmt.Errorf("verify audit log: %w", err)
	}
	if v.report.OK && v.found && v.at.line > 0 && v.at.pending == 0 && (c == nil || !resumed || v.at.seq != c.Seq) {
		if err := l.saveCheckpoint(ctx, v, full); err != nil {
			// The next one starts from an older point, which costs only time.
			v.report.AnchorError = err.Error()
		}
	}
	return v.report, nil
}

// resume checks what came after c. It returns false if that does not settle
// the matter, and leaves v for a full run then.
func (v *verification) resume(ctx context.Context, c Checkpoint) bool {
	if len(v.odd) > 0 {
		return false
	}
	i := 0
	for i < len(v.list) && v.list[i].number < c.Segment {
		i++
	}
	if i == len(v.list) || v.list[i].number != c.Segment || v.list[i].size < c.Offset || before(v.list[:i]) != c.Before {
		return false
	}
	if ok, err := v.stillThere(v.list[i], c); err != nil || !ok {
		return false
	}
	part := *v
	part.list = append([]extent{}, v.list[i:]...)
	part.list[0].from, part.list[0].line = c.Offset, c.Line
	scans, err := part.scan(ctx, nil)
	if err != nil {
		return false
	}
	at := startState(c.Seq, []byte(c.Link))
	at.segment, at.line, at.covered = v.list[i].name(), c.Line, c.Covered
	r := &part.report
	r.Incremental, r.Events, r.First, r.Lost = true, c.Events, c.First, c.Lost
	part.count(scans)
	if part.lead(&at, scans) < len(scans) {
		return false
	}
	part.checkAnchor(at, scans)
	if r.Problem != nil {
		return false
	}
	r.Segments, r.Unsealed, r.SealedLater, r.OK = len(v.list), at.pending, at.covered, true
	if part.report.Last.IsZero() {
		part.report.Last, _ = lastTime(v.list[len(v.list)-1])
	}
	v.report, v.at, v.sound = part.report, at, len(v.list)
	return true
}

// stillThere looks whether the line of the checkpoint, and the anchored one if
// that is older, are where they were.
func (v *verification) stillThere(e extent, c Checkpoint) (bool, error) {
	f, err := durable.Open(e.path, os.O_RDONLY)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	lines, err := readBackward(f, c.Offset)
	if err != nil || lines.torn != 0 {
		return false, err
	}
	n := 0
	for line, err := range lines.lines {
		if err != nil {
			return false, err
		}
		at, err := split(line)
		if err != nil || at.mac != nil && !v.seal.seals(at) || n == 0 && (at.seq != c.Seq || at.link() != c.Link) {
			return false, nil
		}
		if v.anchor.Seq > c.Seq {
			return true, nil // the lines after the checkpoint have it
		}
		if at.seq <= v.anchor.Seq {
			return at.seq == v.anchor.Seq && string(at.mac) == v.anchor.MAC, nil
		}
		if n++; n == nearby {
			break
		}
	}
	return false, nil
}

// before is a fingerprint of segments that are closed.
func before(list []extent) string {
	h := sha256.New()
	for _, e := range list {
		_, _ = fmt.Fprintf(h, "%d %d %d\n", e.number, e.size, e.changed.UnixNano())
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// saveCheckpoint notes that everything up to v's end was found sound.
func (l *Log) saveCheckpoint(ctx context.Context, v *verification, full time.Time) error {
	last := len(v.list) - 1
	for last > 0 && v.list[last].name() != v.at.segment {
		last--
	}
	e := v.list[last]
	c := &Checkpoint{
		Segment: e.number, Line: v.at.line, Offset: e.size, Seq: v.at.seq, Link: string(v.at.link),
		Before: before(v.list[:last]), Events: v.report.Events, Covered: v.report.SealedLater, First: v.report.First, Full: full,
		Lost: v.report.Lost - uint64(v.waits),
	}
	return l.keychain.store.UpdateAnchor(ctx, func(a Anchor, found bool) (*Anchor, error) {
		if !found {
			return nil, nil
		}
		a.Checked = c
		return &a, nil
	})
}
