package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/export"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/auditkey"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// LogWritable returns an error if events cannot be written down now, which is
// audit.ErrDiskFull on a full disk. What can wait asks it first and does not
// happen then: logins, exports, changes of clients' configs. Handing out
// tokens, revoking and wiping never ask.
func (k *Keeper) LogWritable(ctx context.Context) error {
	err := k.audit.Writable(ctx)
	if err != nil && hint.Of(err) == "" {
		err = hint.Wrap(err, "this would not be on the audit log; see that "+k.audit.Dir()+" can be written")
	}
	return err
}

// VerifyLog checks the whole chain against its key and its anchor. progress,
// which may be nil, gets bytes done and in all. A problem is written down as an
// audit_tamper event, once.
func (k *Keeper) VerifyLog(ctx context.Context, progress func(done, total int64)) (verify.Report, error) {
	report, err := verify.Full(ctx, k.audit, progress)
	return k.noteProblem(ctx, report, err)
}

// VerifyIncremental is VerifyLog for what came since the last time: see
// verify.Incremental. It also removes what is no longer kept. A tray
// calls it every hour.
func (k *Keeper) VerifyIncremental(ctx context.Context) (verify.Report, error) {
	if err := k.audit.Prune(ctx); err != nil {
		k.log.WarnContext(ctx, "old events were not removed", "error", err)
	}
	report, err := verify.Incremental(ctx, k.audit)
	return k.noteProblem(ctx, report, err)
}

// problemEvery is how often a problem that stays is written down, and so told.
const problemEvery = 24 * time.Hour

// noteProblem writes a problem down unless that was done within a day, by
// whichever process. The problem is what counts, not the verification that found
// it. Only lines with our MAC say that it was done, and not by a clock that was
// wrong then.
func (k *Keeper) noteProblem(ctx context.Context, r verify.Report, err error) (verify.Report, error) {
	if err != nil || r.Problem == nil {
		return r, err
	}
	defer k.briefly(ctx, "verify.lock")()
	said, err := k.audit.Query(ctx, audit.Query{Name: audit.AuditTamper, Limit: 16, Sealed: true})
	if err != nil {
		said = nil
	}
	id := r.ProblemID()
	for _, e := range said {
		if e.Data["problem"] == id && k.now().Sub(e.Time).Abs() < problemEvery {
			return r, nil
		}
	}
	p := r.Problem
	k.record(ctx, profile.Profile{}, audit.AuditTamper, audit.Failed, map[string]any{
		"kind": string(p.Kind), "segment": p.Segment, "line": p.Line, "seq": p.Seq, "message": p.Message, "problem": id,
	})
	return r, nil
}

// AcceptLog lets the log go on after tampering, or after its key was lost: see
// verify.Accept. It is for the user to decide.
func (k *Keeper) AcceptLog(ctx context.Context) (verify.Accepted, error) {
	carried := k.carriedPast(ctx)
	a, err := verify.Accept(ctx, k.audit, carried...)
	if errors.Is(err, auditkey.ErrDamaged) {
		if err := k.auditKey.Renew(ctx); err != nil {
			return a, err
		}
		a, err = verify.Accept(ctx, k.audit, carried...)
	}
	return a, err
}

// ExportLog writes the selected events, or with export.Bundle all of the log
// and what its verification says, and returns how many events there are. That a
// copy was made is on the log first. by is the program's name and version.
func (k *Keeper) ExportLog(ctx context.Context, w io.Writer, o export.Options, by string) (events int, err error) {
	if err := k.LogWritable(ctx); err != nil {
		return 0, fmt.Errorf("export audit log: %w", err)
	}
	data := map[string]any{"format": string(o.Format)}
	if o.Query.Profile != "" {
		data["only_profile"] = o.Query.Profile
	}
	if _, err := k.audit.Append(ctx, audit.Event{Name: audit.LogExported, Outcome: audit.OK, Data: data}); err != nil {
		return 0, fmt.Errorf("export audit log: %w", err)
	}
	if o.Format == export.Bundle {
		s, err := export.WriteBundle(ctx, k.audit, w, by, nil)
		return int(s.Report.Events), err
	}
	if names, err := k.ProfileNames(ctx); err == nil && o.NameOf == nil {
		o.NameOf = func(id string) string { return names[id] }
	}
	return export.Write(ctx, k.audit, w, o)
}

// CheckBundle checks a bundle of this or another machine's log, and says which
// of them it is if the keychain can be read.
func (k *Keeper) CheckBundle(ctx context.Context, r io.ReaderAt, size int64) (export.BundleReport, error) {
	report, err := export.CheckBundle(ctx, r, size)
	if err != nil || report.Statement.PublicKey == "" {
		return report, err
	}
	if key, err := k.auditKey.PublicKey(ctx); err == nil {
		own := key == report.Statement.PublicKey
		report.Own = &own
	}
	return report, nil
}

// tellWait bounds how long a process waits for others that notify the user.
const tellWait = 5 * time.Second

// briefly holds a lock under which processes notify the user one after the other.
// It goes on without it when somebody holds it for long: that the user hears of
// something twice is better than not at all.
func (k *Keeper) briefly(ctx context.Context, name string) (release func()) {
	ctx, cancel := context.WithTimeout(ctx, tellWait)
	defer cancel()
	lock, err := durable.Acquire(ctx, filepath.Join(k.dir, "locks", name))
	if err != nil {
		k.log.WarnContext(ctx, "the user may be told twice", "error", err)
		return func() {}
	}
	return lock.Release
}
