package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// need has a server made ready, unless that is under way. The caller holds mu.
func (x *Proxy) need(ctx context.Context) {
	if x.preparing || x.closing || x.next != nil || x.renewal != nil {
		return
	}
	x.preparing = true
	x.work.Go(func() {
		x.prepare(ctx)
		x.mu.Lock()
		defer x.mu.Unlock()
		x.room.Broadcast()
	})
}

// prepare gets a token and makes a server ready with it, or says why there is none. It
// begins anew as long as that is in vain, but who waits for it is answered after
// tokenWait, or when the server is ready that is started then.
func (x *Proxy) prepare(ctx context.Context) {
	x.mu.Lock()
	wait, words := x.mayStart()
	x.preparing = words == ""
	x.mu.Unlock()
	if words != "" {
		x.refuse(words, true)
		return
	}
	pause(ctx, wait)
	for n := 1; x.tryToPrepare(ctx); n++ {
		x.mu.Lock()
		x.preparing = ctx.Err() == nil && (n < maxRounds || len(x.queue) > 0)
		goOn := x.preparing
		x.mu.Unlock()
		if !goOn {
			return
		}
		pause(ctx, gateWait)
	}
}

// tryToPrepare reports whether to try again: what it got is another account's by now, or
// no more of use.
func (x *Proxy) tryToPrepare(ctx context.Context) (again bool) {
	cred, err := x.fresh(ctx)
	x.mu.Lock()
	now := x.current
	same := now != nil && !now.ended && now.cred.Account == cred.Account && now.cred.Token == cred.Token
	if err != nil || same && x.usable(now) {
		if same && now.cred.Gate != nil && cred.Gate != nil && cred.Gate.Enter() { // the one before may be shut for ever
			now.cred.Gate.Leave()
			now.cred.Gate = cred.Gate
			x.leave(now)
		}
		x.preparing = false
		x.tried = x.p.Now()
		waiting, spare := len(x.queue) > 0, x.usable(now)
		x.mu.Unlock()
		cred.drop()
		switch {
		case ctx.Err() != nil:
		case err != nil && (waiting || !spare):
			x.refuse(err.Error(), false)
		case waiting: // for the token, which may be used again in a moment
			pause(ctx, gateWait)
			x.flushQueue(ctx)
		}
		return false
	}
	if cred.Renew != nil {
		if now != nil && !now.ended && now.cred.Account == cred.Account {
			x.preparing, x.renewal = false, &cred
			x.mu.Unlock()
			x.settle()
			return false
		}
		err = cred.Renew()
	}
	// Whoever refreshes waits for a server that starts as for one that works: else, of
	// several launchers, each would end the token that the others start with.
	if err == nil && cred.Gate != nil && !cred.Gate.Enter() {
		x.mu.Unlock()
		cred.drop()
		return true
	}
	x.mu.Unlock()
	var s *server
	if err == nil {
		s, err = x.start(ctx, cred)
	} else {
		cred.drop()
	}
	current := true // another profile may have been selected meanwhile
	if err == nil {
		if ok, err := x.p.Source.Current(ctx, cred); err == nil {
			current = ok
		}
	}
	x.mu.Lock()
	if !current && !x.closing {
		x.retire(s)
		x.mu.Unlock()
		return true
	}
	x.preparing = false
	if err != nil || x.closing {
		if cred.Gate != nil {
			cred.Gate.Leave()
		}
		x.mu.Unlock()
		switch {
		case s != nil:
			s.End(0)
		case ctx.Err() == nil:
			x.refuse(err.Error(), true)
		}
		return false
	}
	x.next = s
	x.mu.Unlock()
	x.settle()
	return false
}

// fresh gets a token. Who waits for it for too long is told so.
func (x *Proxy) fresh(ctx context.Context) (Credential, error) {
	x.mu.Lock()
	rest, done := tokenWait, false
	if !x.since.IsZero() {
		rest -= x.p.Now().Sub(x.since)
	}
	x.mu.Unlock()
	late := func() {
		x.mu.Lock()
		if done {
			x.mu.Unlock()
			return
		}
		x.stuck = true
		x.mu.Unlock()
		x.refuse("Stagedoor still waits for the keychain or the provider. Try again in a moment.", false)
	}
	if rest <= 0 {
		late()
	} else {
		defer time.AfterFunc(rest, late).Stop()
	}
	cred, err := x.p.Source.Fresh(ctx)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.stuck, done = false, true
	return cred, err
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// mayStart says how long to wait before a server is started that ended by itself a
// moment ago, or why it is not started any more.
func (x *Proxy) mayStart() (wait time.Duration, words string) {
	for len(x.deaths) > 0 && x.p.Now().Sub(x.deaths[0]) > time.Minute {
		x.deaths = x.deaths[1:]
	}
	switch n := len(x.deaths); {
	case n >= maxDeaths:
		return 0, fmt.Sprintf("%d times within a minute %s. It is started again in a minute.", n, x.lastEnd)
	case n > 1:
		return 100 * time.Millisecond << n, ""
	}
	return 0, ""
}

// start starts a server and, if the client knows one already, brings it to where
// that one was.
func (x *Proxy) start(ctx context.Context, cred Credential) (*server, error) {
	process, err := x.p.Start(ctx, cred)
	if err != nil {
		cred.drop()
		return nil, err
	}
	x.mu.Lock()
	x.started++
	s := &server{
		Process: process, generation: x.started, cred: cred, in: &lineWriter{w: process.Stdin},
		private: map[string]chan []byte{}, gone: make(chan struct{}), promised: cred.Gate != nil,
	}
	x.living[s] = true
	known, other, meta := x.s.agreed != nil && !x.s.modern, x.s.modern && x.current != nil, x.s.meta
	hello, at, ready, level := x.s.hello, x.s.helloID, x.s.ready, x.s.level
	var watched [][]byte
	for _, params := range x.s.watched {
		watched = append(watched, params)
	}
	var listens [][]byte
	for _, r := range x.s.listens {
		r.owner, r.resent = s, true
		listens = append(listens, r.line)
	}
	x.mu.Unlock()
	x.work.Go(func() { x.readServer(ctx, s) })
	if known {
		err = x.introduce(ctx, s, hello, at, ready, level, watched)
	} else if other {
		err = x.discover(ctx, s, meta)
	}
	for _, line := range listens {
		s.in.add(line)
	}
	if err == nil && len(listens) > 0 {
		err = s.in.flush()
	}
	if err != nil {
		s.End(0)
		return nil, err
	}
	return s, nil
}

// introduce plays the client's part of the handshake with a later server, and tells
// it what the client told an earlier one.
func (x *Proxy) introduce(ctx context.Context, s *server, hello []byte, at span, ready, level []byte, watched [][]byte) error {
	ctx, cancel := context.WithTimeout(ctx, helloWait)
	defer cancel()
	id := strconv.Quote(mine + "initialize-" + strconv.Itoa(s.generation))
	result, err := x.ask(ctx, s, id, splice(hello, []edit{{at, []byte(id)}}))
	if err != nil {
		return fmt.Errorf("the server could not be started anew: %w", err)
	}
	if words := x.compare(result); words != "" {
		return errors.New(words)
	}
	if len(ready) == 0 {
		ready = call(nil, "notifications/initialized", nil)
	}
	s.in.add(ready)
	if len(level) > 0 {
		s.in.add(call([]byte(x.swallow(s, "level")), "logging/setLevel", json.RawMessage(level)))
	}
	for i, params := range watched {
		s.in.add(call([]byte(x.swallow(s, "watch-"+strconv.Itoa(i))), "resources/subscribe", json.RawMessage(params)))
	}
	return s.in.flush()
}

// discover waits until a later server of revision 2026-07-28, which has no handshake,
// answers at all: what it gets while it boots would wait, though the present one is
// there. A server may know no server/discover, or say nothing to it.
func (x *Proxy) discover(ctx context.Context, s *server, meta []byte) error {
	ctx, cancel := context.WithTimeout(ctx, discoverWait)
	defer cancel()
	id := strconv.Quote(mine + "discover-" + strconv.Itoa(s.generation))
	_, err := x.ask(ctx, s, id, call([]byte(id), "server/discover", object{"_meta": json.RawMessage(meta)}))
	x.mu.Lock()
	defer x.mu.Unlock()
	if s.ended {
		return fmt.Errorf("the server could not be started anew: %w", err)
	}
	return nil
}

// compare holds what a later server says of itself against what the client was told.
// The words say that the two cannot go on together.
func (x *Proxy) compare(result []byte) (words string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	first := x.s.first
	if first == nil { // the launcher answered in a server's place
		x.s.first = bytes.Clone(result)
		return ""
	}
	part := func(of []byte, name string) []byte { return member(of, span{0, len(of)}, name).of(of) }
	if !bytes.Equal(part(first, "protocolVersion"), part(result, "protocolVersion")) {
		return "The server speaks another version of the protocol than when your client started it. Restart the client."
	}
	for _, name := range []string{"capabilities", "serverInfo", "instructions"} {
		if !alike(part(first, name), part(result, name), name) {
			x.warn("the server says other " + name + " than when the client started it")
		}
	}
	return ""
}

// alike compares what two servers said of themselves. The first's capabilities were
// changed on the way to the client.
func alike(a, b []byte, name string) bool {
	if name != "capabilities" {
		return bytes.Equal(a, b)
	}
	names := func(raw []byte) string {
		var is map[string]any
		_ = json.Unmarshal(raw, &is)
		for _, part := range is {
			if part, ok := part.(map[string]any); ok {
				delete(part, "listChanged")
			}
		}
		return string(encode(is))
	}
	return names(a) == names(b)
}

// swallow makes an id for a request of ours whose answer is of no interest.
func (x *Proxy) swallow(s *server, what string) string {
	id := strconv.Quote(mine + what + "-" + strconv.Itoa(s.generation))
	x.mu.Lock()
	s.private[id] = make(chan []byte, 1)
	x.mu.Unlock()
	return id
}

// ask sends a request of ours and returns its result.
func (x *Proxy) ask(ctx context.Context, s *server, id string, line []byte) (result []byte, err error) {
	answer := make(chan []byte, 1)
	x.mu.Lock()
	s.private[id] = answer
	x.mu.Unlock()
	s.in.add(line)
	_ = s.in.flush() // a server that ended is gone
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.gone:
		return nil, errors.New(x.endOf(s))
	case line := <-answer:
		m, ok := parse(line, nil)
		if !ok || len(m) != 1 || !m[0].result.found() {
			return nil, errors.New("it refused: " + unquoted(member(line, m[0].failure, "message").of(line)))
		}
		return m[0].result.of(line), nil
	}
}
