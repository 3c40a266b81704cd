package verify

import (
	"fmt"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Kind is a way of tampering, as far as the chain can tell it from the others.
type Kind string

// Kinds of tampering. What was done can look the same from outside; then the
// message names both readings.
const (
	Edited         Kind = "edited"          // a line's bytes are not those that were written
	Deleted        Kind = "deleted"         // lines between two others are gone
	Inserted       Kind = "inserted"        // a line that was never written here, or an old one once more
	Reordered      Kind = "reordered"       // genuine lines in another order
	Truncated      Kind = "truncated"       // the log ends before the anchor
	RolledBack     Kind = "rolled_back"     // the log went on from an older copy
	SegmentMissing Kind = "segment_missing" // a whole segment is gone
	SegmentSwapped Kind = "segment_swapped" // a segment stands in another one's place
	Malformed      Kind = "malformed"       // not a line of a log at all
	Unsealed       Kind = "unsealed"        // a line without a MAC where one must have been
	ForeignKey     Kind = "foreign_key"     // lines made with another machine's or an older key
)

// Problem is the first bad line that a verification met.
type Problem struct {
	Kind    Kind   `json:"kind"`
	Segment string `json:"segment"` // file name, e.g. "000001.jsonl"
	Line    int    `json:"line"`    // 1 for the first of the segment, 0 if it is about no single line
	Seq     uint64 `json:"seq"`     // of the line, or the one expected there
	Message string `json:"message"` // one sentence for people
}

// Report is what a verification found. OK means that every line is consistent
// with the key in this machine's keychain and with the anchor, not that its
// author was honest: see package audit.
type Report struct {
	OK            bool      `json:"ok"`
	Events        uint64    `json:"events"`                 // lines in the log
	Incremental   bool      `json:"incremental"`            // most lines were verified earlier: see Incremental
	Checked       uint64    `json:"checked"`                // lines read this time
	Segments      int       `json:"segments"`               //
	First         time.Time `json:"first,omitzero"`         // UTC, of the first line
	Last          time.Time `json:"last,omitzero"`          // UTC, of the newest
	Problem       *Problem  `json:"problem"`                // null when OK
	Unsealed      int       `json:"unsealed"`               // lines written while the keychain was locked, not sealed since
	SealedLater   int       `json:"sealed_later"`           // lines without a MAC that a later "sealed" line covers
	Lost          uint64    `json:"lost,omitempty"`         // events that happened and could not be written, as the log or marks beside it tell
	TornBytes     int64     `json:"torn_bytes"`             // an unfinished line at the end; the next append sets it aside
	AnchorChecked bool      `json:"anchor_checked"`         // an anchor was there and compared
	AnchorSeq     uint64    `json:"anchor_seq"`             // up to which line the anchor tells that none is missing
	AnchorError   string    `json:"anchor_error,omitempty"` // why it could not be read
	// PublicKey is the Ed25519 key, in hex, that signs this log's bundles: what
	// to compare a bundle's with.
	PublicKey string `json:"public_key,omitempty"`

	atEnd bool // the problem is that the log does not lead up to the anchor
}

// Verdict is what a report comes to, in one word.
type Verdict string

// The verdicts.
const (
	Consistent Verdict = "consistent" // with its key, all of it
	Doubtful   Verdict = "doubtful"   // so are its sealed lines, and that is not all of it
	Broken     Verdict = "broken"     // it does not verify
)

// Verdict is the same wherever a report is shown.
func (r Report) Verdict() Verdict {
	switch {
	case !r.OK:
		return Broken
	case r.WithoutMAC() > 0 || r.Lost > 0 || r.AnchorError != "":
		return Doubtful
	}
	return Consistent
}

// Err says what is wrong with a log that does not verify, where, and what to do.
func (r Report) Err() error {
	if r.OK {
		return nil
	}
	p := r.Problem
	if p == nil {
		p = &Problem{Message: "it is not known why"}
	}
	where := string(p.Kind)
	if p.Segment != "" {
		where += ", " + p.Segment
	}
	if p.Line > 0 {
		where += fmt.Sprintf(" line %d", p.Line)
	}
	return hint.New(fmt.Sprintf("the audit log does not verify: %s (%s)", p.Message, where),
		"keep a copy for later: stagedoor audit export --format bundle -o FILE; write it up: stagedoor incident new; then go on from here: stagedoor audit accept")
}

// Doubts says in sentences what is doubtful of a log that verifies.
func (r Report) Doubts() (all []string) {
	if n := r.WithoutMAC(); n > 0 {
		// A line that needs no key can be written by anybody who can write the folder.
		all = append(all, fmt.Sprintf("lines without a MAC: %d. They were written while there was no keychain or it was locked, or by somebody else; stagedoor audit verify --json counts them", n))
	}
	switch {
	case r.Lost == 1:
		all = append(all, "1 event missing, from a time when the log could not be written")
	case r.Lost > 1:
		all = append(all, fmt.Sprintf("%d events missing, from a time when the log could not be written", r.Lost))
	}
	if r.AnchorError != "" {
		all = append(all, "that nothing was cut off its end could not be checked: "+r.AnchorError)
	}
	return all
}

// WithoutMAC is how many lines anybody may have written who can write the folder.
func (r Report) WithoutMAC() int { return r.Unsealed + r.SealedLater }

// ProblemID is the same for the same problem in a later report, although lines
// were appended meanwhile, and another one for another problem. It is empty
// without a problem.
func (r Report) ProblemID() string {
	switch p := r.Problem; {
	case p == nil:
		return ""
	case r.atEnd:
		return fmt.Sprintf("anchor:%d", r.AnchorSeq)
	default:
		return fmt.Sprintf("%s:%d:%d", p.Segment, p.Line, p.Seq)
	}
}
