package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// ErrSound says that there is nothing to accept: the log verifies.
var ErrSound = errors.New("the audit log verifies; there is nothing to accept")

// Accepted is what Accept did.
type Accepted struct {
	Problem Problem     `json:"problem"` // what was wrong
	Folder  string      `json:"folder"`  // where the segments went, inside the audit folder; "" if none had to
	Moved   []string    `json:"moved"`   // their names
	Kept    int         `json:"kept"`    // segments that stay, since they verify
	Event   audit.Event `json:"event"`   // the log_accepted event
}

// Accept lets the log go on after tampering, or after its key was lost. The
// segment with the first problem and all after it are moved, as they are, to a
// folder in the audit folder; those before it stay: see audit.Log.Restart. The
// new one begins with a "log_accepted" event that names the problem and the folder.
//
// If the problem is only that the anchor knows of newer lines (the end was cut
// off, or an older copy put back), every segment verifies by itself and stays.
//
// It is for the user to call, who has looked at the problem. Whatever was done
// to the log stays visible in it. A log that verifies gives ErrSound.
//
// more are events that follow the log_accepted event, in the same write.
func Accept(ctx context.Context, l *audit.Log, more ...audit.Event) (a Accepted, err error) {
	done, err := l.Restart(ctx, func(s audit.Snapshot) (audit.Restart, error) {
		v, err := check(ctx, s, nil)
		if err != nil {
			return audit.Restart{}, err
		}
		if v.report.OK {
			return audit.Restart{}, ErrSound
		}
		a.Problem, a.Kept = *v.report.Problem, v.sound
		r := v.restart()
		r.More = more
		return r, nil
	})
	a.Folder, a.Moved, a.Event = done.Folder, done.Moved, done.Event
	if err != nil && !errors.Is(err, ErrSound) {
		err = fmt.Errorf("accept audit log: %w", err)
	}
	return a, err
}

// restart is how a log that does not verify goes on.
func (v *verification) restart() audit.Restart {
	p := *v.report.Problem
	data := map[string]any{
		"kind": string(p.Kind), "segment": p.Segment, "line": p.Line, "seq": p.Seq, "message": p.Message,
		"kept": v.sound, "kept_through": v.at.Seq,
	}
	after := audit.Chain{Seq: v.at.Seq, Link: audit.Start.Link}
	if v.sound > 0 {
		if v.at.line > 0 {
			after = v.at.Chain
		}
		if v.start.Last > 0 {
			maps.Copy(data, v.start.Data())
		}
	}
	return audit.Restart{Keep: v.sound, After: after, Event: audit.Event{Name: audit.LogAccepted, Outcome: audit.OK, Data: data}}
}
