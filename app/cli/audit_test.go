package cli

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// growingKeeper has a log that has grown whenever it is asked for its events.
type growingKeeper struct {
	hostileKeeper
	log   []uint64   // numbers, in the order of the log
	grow  [][]uint64 // what is added before each answer but the first
	watch chan struct{}
	stop  func()
}

func (k *growingKeeper) Watch(context.Context) (<-chan struct{}, error) { return k.watch, nil }

func (k *growingKeeper) Events(_ context.Context, q audit.Query) (events []audit.Event, err error) {
	for _, seq := range slices.Backward(k.log) {
		if seq > q.After {
			events = append(events, audit.Event{Seq: seq, Name: "e", Outcome: audit.OK, Data: map[string]any{"n": seq}})
		}
	}
	if len(k.grow) == 0 {
		k.stop()
		return events, nil
	}
	k.log, k.grow = append(k.log, k.grow[0]...), k.grow[1:]
	k.watch <- struct{}{}
	return events, nil
}

// A line with a number from far ahead, wherever somebody puts it, keeps nothing
// that comes after it from whoever follows the log.
func TestFollowGoesOnAfterAForgedNumber(t *testing.T) {
	const far = 1 << 40
	for name, grow := range map[string][][]uint64{
		"greater than any": {{audit.GreatestSeq + 7}, {3}, {4}},
		"in the middle":    {{far, 3}, {4}, {5}},
		"at the end":       {{far}, {far + 1}, {far + 2}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			k := &growingKeeper{log: []uint64{1, 2}, grow: grow, watch: make(chan struct{}, 1), stop: cancel}
			want := len(slices.Concat(grow...)) + 2
			var out bytes.Buffer
			f := &Factory{Out: &out, Err: &out, Now: time.Now}
			if err := auditRun(ctx, f, k, &auditOptions{follow: true}); err != nil {
				t.Fatal(err)
			}
			if got := strings.Count(out.String(), "\n"); got != want {
				t.Errorf("%d lines, want %d:\n%s", got, want, out.String())
			}
		})
	}
}
