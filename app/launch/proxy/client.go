package proxy

import (
	"bytes"
	"context"
	"time"
)

// fromClient handles a line of the client. more says that another follows at once.
func (x *Proxy) fromClient(ctx context.Context, line []byte, more bool) {
	x.order.Lock()
	defer x.order.Unlock()
	messages, _ := parse(line, x.scratch[:0])
	if messages != nil {
		x.scratch = messages[:0]
	}
	x.mu.Lock()
	for x.queued > x.p.MaxLine && !x.closing {
		x.room.Wait()
	}
	for _, m := range messages {
		x.s.note(line, m)
		if m.method == "notifications/initialized" && !x.s.ours {
			x.nowBegan()
		}
	}
	if x.p.Now().Sub(x.tally.reported) >= reportEvery {
		x.report(false)
	}
	to, out := x.route(ctx, line, messages)
	x.mu.Unlock()
	x.deliver(to, out, more)
}

// deliver writes a line to a server, or to the client if there is none. The caller
// holds order.
func (x *Proxy) deliver(to *server, line []byte, more bool) {
	if to == nil {
		x.send(line)
	} else {
		to.in.add(line)
	}
	if more {
		return
	}
	x.mu.Lock()
	all := []*server{to, x.current}
	x.mu.Unlock()
	for _, s := range all {
		if s != nil {
			_ = s.in.flush() // a server that has ended is noticed where its output ends
		}
	}
}

// route decides where a line of the client goes, and how: to a server; back to the
// client if that is nil; nowhere, or not yet, if there is no line.
func (x *Proxy) route(ctx context.Context, line []byte, messages []message) (to *server, out []byte) {
	to, edits, bound := x.addressee(line, messages)
	if bound {
		if to == nil || to.ended {
			return nil, nil
		}
		x.own(line, messages, to)
		return to, splice(line, edits)
	}
	asks, stale := false, false
	for _, m := range messages {
		if m.request() {
			asks, stale = true, stale || x.s.stale(line, m)
		}
	}
	if stale {
		return nil, failures(line, messages, codeParams, "this belongs to the account before the switch: list, or begin, again")
	}
	if len(x.queue) == 0 {
		if !x.usable(x.current) {
			x.takeOver(ctx)
		}
		if x.usable(x.current) {
			if asks && x.due(x.current) {
				x.need(ctx)
			}
			if gate := x.current.cred.Gate; gate == nil || !asks || x.current.promised || gate.Enter() {
				x.own(line, messages, x.current)
				x.leave(x.current)
				if asks {
					x.refusal = ""
				}
				return x.current, line
			}
		}
		if !asks && (!x.preparing || x.stuck) {
			return nil, nil // what a server has to know of it was noted
		}
		if x.refusal != "" && (x.stuck || !x.preparing && x.p.Now().Sub(x.tried) < again) {
			return nil, x.standInAll(line, messages)
		}
	}
	// A client that looks whether anybody is there does not wait for the next server.
	if len(messages) == 1 && messages[0].method == "ping" && x.s.agreed != nil && asks {
		return nil, success(messages[0].id.of(line), object{})
	}
	for _, m := range messages {
		if m.request() {
			x.s.waiting[string(m.id.of(line))] = newRequest(line, m)
		}
	}
	if x.since.IsZero() {
		x.since = x.p.Now()
	}
	x.queue = append(x.queue, bytes.Clone(line))
	x.queued += len(line)
	x.need(ctx)
	return nil, nil
}

// addressee returns the server that a line is bound for because of what went
// before: it asked, or it works on what the line is about. It is nil if that is no
// more, and so the line means nothing.
func (x *Proxy) addressee(line []byte, messages []message) (to *server, edits []edit, bound bool) {
	for _, m := range messages {
		switch {
		case m.answer():
			bound = true
			if q, ok := x.s.asked[string(m.id.of(line))]; ok {
				x.settled(string(m.id.of(line)))
				to, edits = q.from, append(edits, edit{m.id, q.id})
			} else if !bytes.HasPrefix(m.id.of(line), []byte(`"`+mine)) {
				to = x.current // its number may be another spelling of the same
			}
		case m.method == "notifications/cancelled":
			bound, to = true, x.cancel(m.in.requestID.of(line))
		case m.method == "notifications/progress":
			token := m.in.token
			if q, ok := x.s.progress[string(token.of(line))]; ok {
				bound, to, edits = true, q.from, append(edits, edit{token, q.id})
			}
		case m.request():
			if s := x.s.holder(line, m); s != nil && s != x.current && !x.s.stale(line, m) {
				bound, to = true, s
			}
		}
	}
	return to, edits, bound
}

// cancel returns the server that works on a request which the client gives up.
func (x *Proxy) cancel(id []byte) *server {
	if r := x.s.listens[string(id)]; r != nil {
		delete(x.s.listens, string(id))
		return r.owner
	}
	r := x.s.waiting[string(id)]
	if r == nil {
		return x.current // it may know more
	}
	delete(x.s.waiting, string(id)) // an answer that comes all the same is the client's to ignore
	if r.owner != nil {
		x.done(r.owner)
		return r.owner
	}
	for i, line := range x.queue {
		if messages, ok := parse(line, nil); ok && len(messages) == 1 && bytes.Equal(messages[0].id.of(line), id) {
			x.queue = append(x.queue[:i:i], x.queue[i+1:]...)
			x.queued -= len(line)
			x.served()
			x.room.Broadcast()
			break
		}
	}
	return nil
}

func newRequest(line []byte, m message) *request {
	return &request{
		id: bytes.Clone(m.id.of(line)), method: m.method, tool: toolOf(line, m),
		about: string(m.in.taskID.of(line)), cursor: m.in.cursor.found(),
	}
}

// own notes that a server got the requests of a line.
func (x *Proxy) own(line []byte, messages []message, s *server) {
	for _, m := range messages {
		if !m.request() {
			continue
		}
		id := string(m.id.of(line))
		if before := x.s.waiting[id]; before != nil && before.owner != nil {
			x.done(before.owner) // the id is used again
		}
		r := newRequest(line, m)
		r.owner, r.sent = s, x.p.Now()
		delete(x.s.held, string(m.in.state.of(line))) // the answer has another, or none
		if m.method == "subscriptions/listen" {
			r.line = bytes.Clone(line)
			x.s.listens[id] = r
			continue
		}
		x.s.waiting[id] = r
		s.busy++
	}
}

// done says that a server has one request less to work on.
func (x *Proxy) done(s *server) {
	s.busy--
	x.rested(s)
}

// settled says that a server's request was answered, or called off.
func (x *Proxy) settled(id string) {
	q := x.s.asked[id]
	delete(x.s.asked, id)
	delete(x.s.progress, q.token)
	if q.from != nil {
		x.rested(q.from)
	}
}

// rested lets go of a server that works on nothing any more: another may take over, or
// has done so long since.
func (x *Proxy) rested(s *server) {
	if s.busy == 0 {
		x.room.Broadcast()
		x.leave(s)
	}
	switch {
	case !x.idle(s):
	case s.replaced:
		x.retire(s)
	case s == x.current && (x.next != nil || x.renewal != nil):
		x.work.Go(x.settle)
	}
}

// leave says that a server uses its token no more, if that is so.
func (x *Proxy) leave(s *server) {
	if s.busy == 0 && !s.promised && s.cred.Gate != nil {
		s.cred.Gate.Leave()
	}
}

// idle reports whether a server works on nothing that only it can finish.
func (x *Proxy) idle(s *server) bool {
	if s.busy > 0 {
		return false
	}
	for _, owner := range x.s.held {
		if owner == s {
			return false
		}
	}
	for _, q := range x.s.asked {
		if q.from == s {
			return false
		}
	}
	return true
}

// usable reports whether a server may get a request.
func (x *Proxy) usable(s *server) bool {
	if s == nil || s.ended || s.foreign || s.dead {
		return false
	}
	return s.cred.Expires.IsZero() || x.p.Now().Before(x.lastCall(s))
}

// due reports whether another token can be had.
func (x *Proxy) due(s *server) bool {
	now := x.p.Now()
	return !s.cred.Renews.IsZero() && !now.Before(s.cred.Renews) && now.Sub(x.tried) >= again
}

// lastCall is until when a server gets new requests: as long before the token's end as
// they take, but not before there can be another token.
func (x *Proxy) lastCall(s *server) time.Time {
	guard := guardTime
	if !s.cred.Renews.IsZero() {
		window := s.cred.Expires.Sub(s.cred.Renews)
		guard = max(min(guard, window/2), min(x.slow, window*9/10))
	}
	return s.cred.Expires.Add(-guard)
}

// took notes how long a request has taken. What one took that is far slower than those
// around it is forgotten little by little.
func (x *Proxy) took(r *request) {
	if r.method == "initialize" { // without a token's help
		return
	}
	x.slow = max(x.slow-x.slow/16, x.p.Now().Sub(r.sent)*5/4)
}

// flushQueue sends what waited for a server.
func (x *Proxy) flushQueue(ctx context.Context) {
	x.order.Lock()
	defer x.order.Unlock()
	x.mu.Lock()
	lines := x.queue
	x.queue, x.queued = nil, 0
	x.room.Broadcast()
	x.mu.Unlock()
	for i, line := range lines {
		messages, _ := parse(line, nil)
		x.mu.Lock()
		to, out := x.route(ctx, line, messages)
		x.mu.Unlock()
		x.deliver(to, out, i < len(lines)-1)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.served()
}

// served notes it if nothing waits any more. The caller holds mu.
func (x *Proxy) served() {
	if len(x.queue) == 0 {
		x.since = time.Time{}
	}
}

// refuse answers what waits for a server, since there is none. With words it is the
// launcher that answers in a server's place.
func (x *Proxy) refuse(words string, error bool) {
	x.order.Lock()
	defer x.order.Unlock()
	x.mu.Lock()
	lines := x.queue
	x.queue, x.queued, x.since = nil, 0, time.Time{}
	x.room.Broadcast()
	var out []byte
	x.refusal, x.tried = words, x.p.Now()
	for _, line := range lines {
		messages, _ := parse(line, nil)
		if error {
			out = append(out, failures(line, messages, codeInternal, words)...)
		} else {
			out = append(out, x.standInAll(line, messages)...)
		}
		for _, m := range messages {
			delete(x.s.waiting, string(m.id.of(line)))
		}
	}
	x.mu.Unlock()
	x.send(out)
}

// standInAll is the launcher's answer to a line.
func (x *Proxy) standInAll(line []byte, messages []message) (out []byte) {
	for _, m := range messages {
		if answer := x.standIn(line, m, x.refusal); answer != nil {
			out = append(out, answer...)
		}
		if m.method == "tools/call" {
			x.missed(newRequest(line, m))
		}
	}
	return out
}
