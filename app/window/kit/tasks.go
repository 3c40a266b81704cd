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
	inline  bool
	queue   []func()       // what Soon was given, if inline
	lasting sync.WaitGroup // of Follow and Every
}

// NewTasks returns the tasks of a window that lives as long as ctx.
func NewTasks(ctx context.Context) *Tasks { return &Tasks{ctx: ctx} }

// Inline returns tasks for tests: work, results and delayed calls run at once on the
// caller's goroutine, so that a test sees the outcome of a click when the click
// returns. Repeated calls of Every do not run.
func Inline(ctx context.Context) *Tasks { return &Tasks{ctx: ctx, inline: true} }

func (s *Tasks) spawn(f func()) {
	if s.inline {
		f()
	} else {
		go f()
	}
}

func (s *Tasks) back(f func()) {
	if s.inline {
		f()
	} else {
		fyne.Do(f)
	}
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

// Try is Load whose error goes into the notice, and done gets only what worked.
func Try[T any](h *Host, work func(context.Context) (T, error), done func(T)) (cancel func()) {
	return Load(h.Tasks, work, func(v T, err error) {
		if err != nil {
			h.Notice.Error(err)
			return
		}
		done(v)
	})
}

// Try is [Try] for work that has no result.
func (h *Host) Try(work func(context.Context) error, done func()) (cancel func()) {
	return Try(h, func(ctx context.Context) (struct{}, error) { return struct{}{}, work(ctx) }, func(struct{}) { done() })
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
	if s.inline {
		s.Do(f)
		return func() {}
	}
	t := time.AfterFunc(d, func() { s.Do(f) })
	return func() { t.Stop() }
}

// Soon runs f on the UI goroutine after what is under way there.
func (s *Tasks) Soon(f func()) {
	if s.inline {
		s.queue = append(s.queue, func() { s.Do(f) })
	} else {
		go s.Do(f)
	}
}

// Settle runs what Soon was given on inline tasks.
func (s *Tasks) Settle() {
	for len(s.queue) > 0 {
		f := s.queue[0]
		s.queue = s.queue[1:]
		f()
	}
}

// Drop forgets what Soon was given on inline tasks: a test of the moment
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
		each(s, ticks, f)
	})
}

// Every calls f on the UI goroutine each d, for countdowns, until the window
// closes.
func (s *Tasks) Every(d time.Duration, f func()) {
	if !s.inline {
		s.lasting.Go(func() { each(s, time.Tick(d), f) })
	}
}

func each[T any](s *Tasks, ticks <-chan T, f func()) {
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
}
