package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// server is one generation of the server. Its fields are guarded by the proxy's lock.
type server struct {
	Process
	generation int
	cred       Credential
	in         *lineWriter
	private    map[string]chan []byte // answers to requests of the launcher itself
	busy       int                    // requests of the client that it works on
	promised   bool                   // its token, to what waits until it is ready
	ended      bool
	foreign    bool // its login is not the selected one any more
	dead       bool // its token is, as the provider says
	replaced   bool // by a later one
	retired    bool // it was told to end
	drain      *time.Timer
	scratch    []message // of readServer
	status     int
	gone       chan struct{} // closed after all that it wrote was handled
}

func (x *Proxy) readServer(ctx context.Context, s *server) {
	lines := newLineReader(s.Stdout, x.p.MaxLine)
	for {
		line, tail, err := lines.next()
		if errors.Is(err, errTooLong) {
			x.tooLongAnswer(s, line, tail)
			continue
		}
		if err != nil {
			break
		}
		x.fromServer(s, line, lines.more())
	}
	status, err := s.Wait()
	if err != nil {
		status = 1
	}
	x.mu.Lock()
	cred := s.cred
	x.mu.Unlock()
	cred.drop()
	x.buried(ctx, s, status)
}

// tooLongAnswer turns an answer over the limit into an error.
func (x *Proxy) tooLongAnswer(s *server, head, tail []byte) {
	words := fmt.Sprintf("the server's answer is longer than %d bytes", x.p.MaxLine)
	x.mu.Lock()
	var out []byte
	for _, id := range idsOf(head, tail) {
		if r := x.s.waiting[string(id)]; r != nil && r.owner == s {
			delete(x.s.waiting, string(id))
			x.done(s)
			out = failure(id, codeInternal, words)
		}
	}
	x.mu.Unlock()
	x.warn(words)
	x.send(out)
}

// fromServer handles a line of a server. more says that another follows at once.
func (x *Proxy) fromServer(s *server, line []byte, more bool) {
	messages, ok := parse(line, s.scratch[:0])
	if !ok {
		if len(bytes.TrimSpace(line)) > 0 {
			_, _ = x.p.Err.Write(line) // standard output is for messages only
		}
		return
	}
	s.scratch = messages[:0]
	x.mu.Lock()
	var edits []edit
	pass := true
	for _, m := range messages {
		e, forward := x.judge(s, line, m)
		edits = append(edits, e...)
		pass = pass && forward
	}
	out := splice(line, edits)
	x.mu.Unlock()
	if pass {
		x.out.add(out)
	}
	if !more {
		_ = x.out.flush()
	}
}

// judge decides what becomes of a server's message.
func (x *Proxy) judge(s *server, line []byte, m message) (edits []edit, forward bool) {
	id := string(m.id.of(line))
	switch {
	case m.answer():
		if answer, ok := s.private[id]; ok {
			delete(s.private, id)
			answer <- bytes.Clone(line)
			return nil, false
		}
		if r := x.s.listens[id]; r != nil && r.owner == s {
			if s.replaced || s.retired {
				return nil, false
			}
			delete(x.s.listens, id) // it ended the subscription
			return nil, true
		}
		r := x.s.waiting[id]
		if r == nil || r.owner != s {
			return nil, r == nil && !s.replaced
		}
		delete(x.s.waiting, id)
		x.took(r)
		edits = x.answered(s, r, line, m)
		x.done(s)
		return edits, true
	case m.request():
		q := question{from: s, id: bytes.Clone(m.id.of(line))}
		known := q.id
		if s.generation > 1 {
			known = renamed(s.generation, q.id)
			edits = append(edits, edit{m.id, known})
		}
		if token := member(line, m.in.meta, "progressToken"); token.found() {
			t := question{from: s, id: bytes.Clone(token.of(line))}
			known := t.id
			if s.generation > 1 {
				known = renamed(s.generation, t.id)
				edits = append(edits, edit{token, known})
			}
			q.token = string(known)
			x.s.progress[q.token] = t
		}
		x.s.asked[string(known)] = q
		return inOrder(edits), true
	}
	switch m.method {
	case "notifications/cancelled":
		of := m.in.requestID
		if r := x.s.listens[string(of.of(line))]; r != nil {
			if r.owner != s {
				return nil, false
			}
			delete(x.s.listens, string(of.of(line)))
			return nil, true
		}
		known := of.of(line)
		if s.generation > 1 && of.found() {
			known = renamed(s.generation, known)
			edits = append(edits, edit{of, known})
		}
		x.settled(string(known))
		return edits, true
	case "notifications/subscriptions/acknowledged":
		id := member(line, m.in.meta, "io.modelcontextprotocol/subscriptionId")
		if r := x.s.listens[string(id.of(line))]; r != nil && r.resent {
			r.resent = false
			return nil, false
		}
	case "notifications/tasks/status", "notifications/tasks":
		known := x.s.held[string(m.in.taskID.of(line))] == s
		x.s.hold(line, m, s, nil)
		x.rested(s)
		return nil, known || !s.replaced
	case "notifications/progress", "notifications/message":
		return nil, true
	}
	return nil, !s.replaced
}

func inOrder(edits []edit) []edit {
	if len(edits) == 2 && edits[0].at.from > edits[1].at.from {
		edits[0], edits[1] = edits[1], edits[0]
	}
	return edits
}

// answered learns from a server's answer.
func (x *Proxy) answered(s *server, r *request, line []byte, m message) (edits []edit) {
	x.count(r, line, m)
	if !m.result.found() {
		return nil
	}
	switch r.method {
	case "initialize":
		x.s.first = bytes.Clone(m.result.of(line))
		edits = promise(line, m)
		whole := splice(line, edits)
		again, _ := parse(whole, nil)
		x.s.agreed, x.s.ours = bytes.Clone(again[0].result.of(whole)), false
	case "server/discover":
	default:
		if x.s.modern {
			x.nowBegan()
		}
		x.s.listed(r, line, m)
		x.s.issue(line, m)
		x.s.hold(line, m, s, r)
	}
	return edits
}

// nowBegan says that the client means it: it went through the handshake. The caller
// holds mu.
func (x *Proxy) nowBegan() {
	if !x.began && x.current != nil {
		x.began = true
		x.supplied(true)
	}
}

// supplied tells that the present server has its credential. Of a client that went
// through no handshake nothing is told. The caller holds mu.
func (x *Proxy) supplied(first bool) {
	if !x.began || x.p.Supplied == nil {
		return
	}
	cred := x.current.cred
	x.work.Go(func() {
		x.p.Supplied(cred, first)
		debug.FreeOSMemory() // what a passphrase cost is not needed again for an hour
	})
}

// endOf says how a server ended.
func (x *Proxy) endOf(s *server) string {
	words := fmt.Sprintf("the server ended with status %d", s.status)
	if last := s.LastWords(); last != "" {
		words += ": " + s.cred.Redact(last)
	}
	return words
}

// buried handles the end of a server.
func (x *Proxy) buried(ctx context.Context, s *server, status int) {
	x.mu.Lock()
	s.ended, s.status = true, status
	words := x.endOf(s)
	if s.retired {
		words = "the server was replaced, or its login ended, before it answered"
	}
	var out []byte
	for id, r := range x.s.waiting {
		if r.owner != s {
			continue
		}
		delete(x.s.waiting, id)
		code := codeInternal
		if r.method == "server/discover" { // a server of an older revision may end at what it does not know
			code = codeMethod
		}
		x.missed(r)
		out = append(out, failure(r.id, code, words)...)
	}
	for id, q := range x.s.asked {
		if q.from == s {
			delete(x.s.asked, id)
			out = append(out, call(nil, "notifications/cancelled", object{"requestId": json.RawMessage(id), "reason": "the server ended"})...)
		}
	}
	for token, q := range x.s.progress {
		if q.from == s {
			delete(x.s.progress, token)
		}
	}
	for id, owner := range x.s.held {
		if owner == s {
			delete(x.s.held, id)
		}
	}
	s.busy, s.promised = 0, false
	x.leave(s)
	x.room.Broadcast()
	if x.next == s {
		x.next = nil
	}
	if !s.retired && !x.closing {
		x.deaths, x.lastEnd, x.status = append(x.deaths, x.p.Now()), words, status
	}
	if x.current == s {
		x.current = nil
		if len(x.queue) > 0 || len(x.s.listens) > 0 && !x.closing {
			x.need(ctx)
		}
	}
	delete(x.living, s)
	close(s.gone)
	x.mu.Unlock()
	x.send(out)
}
