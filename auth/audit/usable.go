package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Usable returns nil if the log can be opened, read and written, as far as a
// look at the folder tells, if nothing in it is in the way, and if no event
// was lost that the log does not tell of yet. Else its error says what is
// wrong: somebody may want that nothing is written down.
func (l *Log) Usable(ctx context.Context) error {
	if _, err := durable.EnsureDir(l.p.Dir); err != nil {
		return l.unusable(err)
	}
	f, err := readFolder(l.p.Dir)
	switch {
	case err != nil:
		return l.unusable(err)
	case len(f.odd) > 0:
		return l.unusable(fmt.Errorf("%s is in the folder and is no part of the log", f.odd[0]))
	case len(f.lost) > 0 || l.forgotten.Load() > 0:
		return l.unusable(fmt.Errorf("%d events could not be written", len(f.lost)+int(l.forgotten.Load())))
	}
	for i, s := range f.segments {
		if want := f.segments[0].number + i; s.number != want {
			return l.unusable(fmt.Errorf("%s is missing", segmentName(want)))
		}
	}
	if err := openNewest(f.segments); err != nil {
		return l.unusable(err)
	}
	if l.failed.Load() { // it may be in order again
		err := l.writable(ctx)
		l.noteFailure(err)
		if err != nil {
			return l.unusable(diskError(err))
		}
	}
	return nil
}

func (l *Log) unusable(err error) error {
	err = fmt.Errorf("the audit log is not in order: %w", err)
	if hint.Of(err) != "" {
		return err
	}
	return hint.Wrap(err, "see what is in "+l.p.Dir+", then: stagedoor audit verify")
}

// noteFailure remembers whether the log could be written.
func (l *Log) noteFailure(err error) {
	if !errors.Is(err, context.Canceled) {
		l.failed.Store(err != nil)
	}
}
