//go:build !lean

package kit

import (
	"context"
	"sync"
	"time"

	"fyne.io/fyne/v2"
)

// Tasks is the one place where work leaves the UI goroutine and its result comes
// back. Windows never start a goroutine or call fyne.Do themselves.
//
// Its methods and Load may be called from any goroutine; what they are given as
// work runs elsewhere, what they are given as a result runs on the UI goroutine.
// Results that arrive after the window's context has ended are dropped.
type Tasks struct {
	ctx     context.Context
	spawn   func(func())
	back    func(func())
	after   func(time.Duration, func()) (stop func())
	ticks   func(time.Duration) (<-chan time.Time, func())
	soon    func(func())
	queue   []func()       // of an inline tasks
	lasting sync.WaitGroup // of Follow and Every
}

// NewTasks returns the tasks of a window that lives as long as ctx.
func NewTasks(ctx context.Context) *Tasks {
	return &Tasks{
		ctx:   ctx,
		spawn: func(f func()) { go f() },
		back:  fyne.Do,
		after: func(d time.Duration, f func()) func() {
			t := time.AfterFunc(d, f)
			return func() { t.Stop() }
		},
		ticks: func(d time.Duration) (<-chan time.Time, func()) {
			t := time.NewTicker(d)
			return t.C, t.Stop
		},
		soon: func(f func()) { go f() },
	}
}

// Inline returns a tasks for tests: work, results and delayed calls run at once
// on the caller's goroutine, so that a test sees the outcome of a click when the
// click returns. Repeated calls of Every do not run.
func Inline(ctx context.Context) *Tasks {
	call := func(f func()) { f() }
	nothing := func() {}
	s := &Tasks{
		ctx: ctx, spawn: call, back: call,
		after: func(_ time.Duration, f func()) func() { f(); return nothing },
		ticks: func(time.Duration) (<-chan time.Time, func()) { return nil, nothing },
	}
	s.soon = func(f func()) { s.queue = append(s.queue, f) }
	return s
}

// Load runs work away from the UI and hands its result to done on the UI
// goroutine. Work gets the context it is to obey; cancelling returns early and
// drops the result.
func Load[T any](s *Tasks, work func(context.Context) (T, error), done func(T, error)) (cancel func()) {
	ctx, cancel := context.WithCancel(s.ctx)
	s.spawn(func() {
		v, err := work(ctx)
		s.back(func() {
			if ctx.Err() == nil {
				done(v, err)
			}
			cancel()
		})
	})
	return cancel
}

// Do runs f on the UI goroutine, from work that has something to show midway.
func (s *Tasks) Do(f func()) {
	s.back(func() {
		if s.ctx.Err() == nil {
			f()
		}
	})
}

// After runs f on the UI goroutine once d has passed. Stop it to wait anew:
// that is how a search waits for the end of the typing.
func (s *Tasks) After(d time.Duration, f func()) (stop func()) {
	return s.after(d, func() { s.Do(f) })
}

// Soon runs f on the UI goroutine after what is under way there.
func (s *Tasks) Soon(f func()) { s.soon(func() { s.Do(f) }) }

// Settle runs what Soon was given on a tasks made by Inline.
func (s *Tasks) Settle() {
	for len(s.queue) > 0 {
		f := s.queue[0]
		s.queue = s.queue[1:]
		f()
	}
}

// Drop forgets what Soon was given on a tasks made by Inline: a test of the moment
// before.
func (s *Tasks) Drop() { s.queue = nil }

// Wait returns once Follow and Every are through, after the window's context has
// ended.
func (s *Tasks) Wait() { s.lasting.Wait() }

// Follow calls f on the UI goroutine for each value of the channel that watch
// returns, until the window closes. It reports an error of watch to failed.
func (s *Tasks) Follow(watch func(context.Context) (<-chan struct{}, error), f func(), failed func(error)) {
	s.lasting.Go(func() {
		ticks, err := watch(s.ctx)
		if err != nil {
			s.Do(func() { failed(err) })
			return
		}
		for {
			select {
			case <-s.ctx.Done():
				return
			case _, ok := <-ticks:
				if !ok {
					return
				}
				s.Do(f)
			}
		}
	})
}

// Every calls f on the UI goroutine each d, for countdowns, until the window
// closes.
func (s *Tasks) Every(d time.Duration, f func()) {
	s.lasting.Go(func() {
		ticks, stop := s.ticks(d)
		defer stop()
		for {
			select {
			case <-s.ctx.Done():
				return
			case <-ticks:
				s.Do(f)
			}
		}
	})
}
