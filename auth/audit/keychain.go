package audit

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

const (
	// keyWait is how long an append waits for the MAC key: the user may have an
	// unlock prompt on the screen. The line is written unsealed then.
	keyWait = 3 * time.Second
	// keychainRest is how long a keychain that failed is left alone, so that a
	// locked one does not make every append wait for its time-out.
	keychainRest = 30 * time.Second
)

// keychain is the log's way to the keychain. A call to it may wait for a
// person, and must not make other processes wait. So a writer, whose methods
// run under the log's lock, has none: a Log asks the keychain before it takes
// the lock, and writes to it after it gave the lock back. It is safe for
// concurrent use.
type keychain struct {
	key   func(ctx context.Context) ([]byte, error)
	store AnchorStore
	now   func() time.Time

	// turn holds one token: whoever has it asks for the key. It guards what follows.
	turn chan struct{}
	seal atomic.Pointer[Sealer]
	err  error     // why there is no key
	at   time.Time // when err was met
}

// sealer returns what makes MACs, or why there is no key. It waits for at most
// that long, or as ctx says if that is 0. What it returns is for use under the
// log's lock.
func (k *keychain) sealer(ctx context.Context, atMost time.Duration) (*Sealer, error) {
	if seal := k.seal.Load(); seal != nil {
		return seal, nil
	}
	call := ctx
	if atMost > 0 {
		if end, ok := ctx.Deadline(); ok {
			atMost = min(atMost, time.Until(end)/2) // the rest is for the lock and the disk
		}
		var cancel context.CancelFunc
		call, cancel = context.WithTimeout(ctx, atMost)
		defer cancel()
	}
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-call.Done():
		return nil, call.Err()
	}
	if seal := k.seal.Load(); seal != nil {
		return seal, nil
	}
	if k.err != nil && rests(k.now(), k.at) {
		return nil, k.err
	}
	key, err := k.key(call)
	var seal *Sealer
	if err == nil {
		seal, err = NewSealer(key)
	}
	k.err = nil
	if err != nil {
		if ctx.Err() == nil { // a caller who gave up says nothing about the keychain
			k.err, k.at = err, k.now()
		}
		return nil, err
	}
	k.seal.Store(seal)
	return seal, nil
}

// again forgets that the keychain failed: the user may just have mended it. It
// does nothing if somebody asks it right now.
func (k *keychain) again() {
	select {
	case k.turn <- struct{}{}:
		k.err = nil
		<-k.turn
	default:
	}
}

// forget drops the key if err says that the keychain has another one now.
func (k *keychain) forget(err error) bool {
	if !errors.Is(err, ErrKeyChanged) {
		return false
	}
	k.seal.Store(nil)
	return true
}

// anchor asks the store.
func (k *keychain) anchor(ctx context.Context) (a Anchor, found bool, err error) {
	if k.store == nil {
		return a, false, nil
	}
	a, found, err = k.store.LoadAnchor(ctx)
	if k.forget(err) {
		a, found, err = k.store.LoadAnchor(ctx)
	}
	return a, found, err
}

// rests reports whether a failure at t is too recent to try again. A clock
// that jumped back ends the rest: waiting longer than meant would be worse.
func rests(now, t time.Time) bool {
	since := now.Sub(t)
	return since >= 0 && since < keychainRest
}

// AwaitKey asks the keychain for the log's key, for as long as ctx says, so that
// what reads or appends afterwards does not meet the keychain's question to the
// user. Whoever needs the key learns by themselves that there is none.
func (l *Log) AwaitKey(ctx context.Context) { _, _ = l.keychain.sealer(ctx, 0) }

// readKey returns the key for a reader, who has a sealer of its own. Like sealer
// it waits for at most that long.
func (k *keychain) readKey(ctx context.Context, atMost time.Duration) (string, error) {
	seal, err := k.sealer(ctx, atMost)
	if err != nil {
		return "", err
	}
	return string(seal.key), nil
}
