package cli

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// steady changes something every second.
type steady struct{}

func (steady) Watch(ctx context.Context) (<-chan struct{}, error) {
	changes := make(chan struct{}, 100)
	go func() {
		defer close(changes)
		for ctx.Err() == nil {
			select {
			case <-time.After(time.Second):
				changes <- struct{}{}
			case <-ctx.Done():
			}
		}
	}()
	return changes, nil
}

// Who changes something again and again keeps nobody from looking.
func TestSteadyChangesHoldUpNoLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		looks := 0
		f := &Factory{OnlyWatch: func() (func(), error) { return func() {}, nil }}
		err := watchOn(ctx, f, steady{}, func(context.Context) error { looks++; return nil })
		if err != nil || looks < 10 || looks > 31 {
			t.Errorf("%d looks in a minute, %v", looks, err)
		}
	})
}

// broken is a watch that ends by itself, as one whose system's side fails does.
type broken struct{}

func (broken) Watch(context.Context) (<-chan struct{}, error) {
	changes := make(chan struct{})
	close(changes)
	return changes, nil
}

// A watch that ends by itself costs no processor; it is looked at every hour then.
func TestBrokenWatchLooksEveryHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour+time.Minute)
		defer cancel()
		looks := 0
		f := &Factory{OnlyWatch: func() (func(), error) { return func() {}, nil }}
		if err := watchOn(ctx, f, broken{}, func(context.Context) error { looks++; return nil }); err != nil || looks != 4 {
			t.Errorf("%d looks, %v", looks, err)
		}
	})
}
