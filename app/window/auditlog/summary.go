//go:build !lean

package auditlog

import (
	"context"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// summary is what one pass over everything that matches found: how long the
// table is, where its pages begin, and what the chart shows.
type summary struct {
	cursors []uint64
	total   int
	tally   tally
}

// summarise passes over what q selects. It runs away from the UI.
func summarise(ctx context.Context, k Keeper, q audit.Query) (summary, error) {
	var s summary
	q.Limit = 0
	err := k.Summaries(ctx, q, func(g audit.Summary) {
		if s.total%pageSize == 0 {
			s.cursors = append(s.cursors, g.Seq+1)
		}
		s.total++
		s.tally.add(g)
	})
	return s, err
}

// group is a kind of event in the chart.
type group int

// The groups, from the bottom of a bar to its top.
const (
	handOuts group = iota
	refreshes
	logins
	revocations
	others
	troubles // what failed or is alarming, whatever it is otherwise
	groups
)

// stackOrder returns the groups as a legend lists them: the top of a bar first.
func stackOrder() []group {
	return []group{troubles, logins, refreshes, handOuts, revocations, others}
}

func groupWords(g group) string {
	return [groups]string{
		handOuts: lang.L("Hand-outs"), refreshes: lang.L("Refreshes"), logins: lang.L("Logins"), revocations: lang.L("Revocations"),
		troubles: lang.L("Failures and alerts"), others: lang.L("Everything else"),
	}[g]
}

func groupColour(g group) fyne.ThemeColorName {
	return [groups]fyne.ThemeColorName{
		handOuts: kit.ColorHandOut, refreshes: kit.ColorRefresh, logins: kit.ColorLogin, revocations: kit.ColorRevocation,
		troubles: theme.ColorNameError, others: theme.ColorNameDisabled,
	}[g]
}

// groupOf sorts an event into the chart.
func groupOf(g audit.Summary) group {
	if g.Failed || audit.WordingOf(g.Name).Alarming {
		return troubles
	}
	switch g.Name {
	case audit.KeychainAccess, audit.Launched:
		return handOuts
	case audit.TokenRefreshed, audit.TokenRotation, audit.TokensSaved, audit.KeychainSave, audit.SaveFinished, audit.MarkedEnded:
		return refreshes
	case audit.LoginStarted, audit.LoginSucceeded, audit.LoginCancelled:
		return logins
	case audit.TokensRevoked:
		return revocations
	}
	return others
}

// counts are a bar's events by group.
type counts [groups]int

func (c counts) sum() (n int) {
	for _, v := range c {
		n += v
	}
	return n
}

// tally counts events by time, in steps that grow with the span, so that its
// size does not grow with the log.
type tally struct {
	step     int // of steps
	by       map[int64]*counts
	all      counts
	from, to time.Time // of what was counted
}

// steps that a tally counts in, and how many of them it keeps.
var steps = []time.Duration{time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}

const maxSteps = 20_000

func (t *tally) add(g audit.Summary) {
	if t.by == nil {
		t.by = map[int64]*counts{}
	}
	if t.from.IsZero() || g.Time.Before(t.from) {
		t.from = g.Time
	}
	if g.Time.After(t.to) {
		t.to = g.Time
	}
	key := t.key(g.Time.Unix())
	c := t.by[key]
	if c == nil {
		if len(t.by) >= maxSteps && t.step < len(steps)-1 {
			t.coarsen()
			t.add(g)
			return
		}
		c = new(counts)
		t.by[key] = c
	}
	c[groupOf(g)]++
	t.all[groupOf(g)]++
}

// key is the second that a step begins with.
func (t *tally) key(unix int64) int64 {
	s := int64(steps[t.step] / time.Second)
	if unix < 0 {
		unix -= s - 1
	}
	return unix / s * s
}

func (t *tally) coarsen() {
	t.step++
	old := t.by
	t.by = map[int64]*counts{}
	for unix, c := range old {
		key := t.key(unix)
		sum := t.by[key]
		if sum == nil {
			sum = new(counts)
			t.by[key] = sum
		}
		for g, n := range c {
			sum[g] += n
		}
	}
}
