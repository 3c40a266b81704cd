package proxy

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"
)

// settle lets the next server, or the present one's next token, take over: at a moment
// without requests or, after a while, at any.
func (x *Proxy) settle() {
	x.mu.Lock()
	defer x.mu.Unlock()
	old := x.current
	if x.next == nil && x.renewal == nil || x.closing {
		return
	}
	if x.usable(old) && !x.idle(old) && old.cred.Gate == nil && (x.next == nil || x.next.cred.Account == old.cred.Account) {
		if x.late == nil {
			x.late = time.AfterFunc(min(patience, max(0, x.lastCall(old).Sub(x.p.Now()))), func() {
				x.mu.Lock()
				defer x.mu.Unlock()
				if x.late = nil; !x.closing {
					x.takeOver(context.Background())
				}
			})
		}
		return
	}
	x.takeOver(context.Background())
}

// takeOver does what settle waits for. The caller holds mu.
func (x *Proxy) takeOver(ctx context.Context) {
	if x.late != nil {
		x.late.Stop()
		x.late = nil
	}
	switch renewal := x.renewal; {
	case x.next != nil:
		x.renewal = nil
		x.switchOver(ctx)
	case renewal != nil:
		if x.renewal = nil; x.current == nil || x.current.cred.Account != renewal.Account {
			return
		}
		if err := renewal.Renew(); err != nil {
			x.warn("the server's token could not be renewed: " + err.Error())
			return
		}
		if gate := x.current.cred.Gate; gate != nil {
			gate.Leave()
		}
		if renewal.Gate != nil && x.current.busy > 0 {
			renewal.Gate.Enter() // what is under way may have read either token
		}
		renewal.drop()
		renewal.Done = x.current.cred.Done // of what the server was started with
		x.current.cred, x.current.dead, x.refusal = *renewal, false, ""
		x.supplied(false)
		x.work.Go(func() { x.flushQueue(ctx) })
	}
}

// switchOver makes the next server the one that gets requests.
func (x *Proxy) switchOver(ctx context.Context) {
	old, s := x.current, x.next
	x.current, x.next, x.refusal = s, nil, ""
	var lines []byte
	switch {
	case x.s.ours, old == nil && x.s.account != "" && x.s.account != s.cred.Account, old != nil && old.cred.Account != s.cred.Account:
		if x.s.account != "" && x.s.account != s.cred.Account {
			x.s.switched()
		}
		lines = x.changedLines(func(string) bool { return true })
		x.work.Go(func() { x.check(ctx) }) // the selection may have moved on
	default:
		x.work.Go(func() { x.compareLists(ctx, s) })
	}
	x.s.account = s.cred.Account
	if x.s.ours && !x.began {
		x.nowBegan()
	} else {
		x.supplied(false)
	}
	x.s.ours = false
	if old != nil {
		old.replaced = true
		if x.idle(old) {
			x.retire(old)
		} else {
			limit := max(drainTime, old.cred.Expires.Sub(x.p.Now()))
			if old.cred.Expires.IsZero() {
				limit = time.Hour
			}
			old.drain = time.AfterFunc(limit, func() { x.retireLocked(old) })
		}
	}
	x.work.Go(func() {
		x.send(lines)
		x.flushQueue(ctx)
		x.mu.Lock()
		defer x.mu.Unlock()
		s.promised = false
		x.leave(s)
	})
}

// retire ends a server that was replaced. The caller holds mu.
func (x *Proxy) retire(s *server) {
	if s.drain != nil {
		s.drain.Stop()
	}
	if !s.retired {
		s.retired, s.promised = true, false
		x.leave(s)
		x.work.Go(func() { s.End(grace) })
	}
}

func (x *Proxy) retireLocked(s *server) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.retire(s)
}

// compareLists tells the client which lists are not what it knows. The account is
// the same, so most of the time they are.
func (x *Proxy) compareLists(ctx context.Context, s *server) {
	x.mu.Lock()
	known := maps.Clone(x.s.lists)
	modern := x.s.modern
	x.mu.Unlock()
	if modern {
		return // each list of this revision says itself how long it holds
	}
	differs := map[string]bool{}
	for _, l := range lists {
		before, ok := known[l.method]
		if !ok {
			continue
		}
		var now list
		cursor, last := any(nil), ""
		for page := range min(before.pages, maxPages) { // of the others the client knows nothing
			params := object{}
			if cursor != nil {
				params["cursor"] = cursor
			}
			id := strconv.Quote(fmt.Sprintf("%s%s-%d-%d", mine, l.members, s.generation, page))
			result, err := x.ask(ctx, s, id, call([]byte(id), l.method, params))
			if err != nil {
				return // nothing can be said
			}
			now = now.with(member(result, span{0, len(result)}, l.members).of(result))
			next := unquoted(member(result, span{0, len(result)}, "nextCursor").of(result))
			if next == "" || next == last {
				break
			}
			cursor, last = next, next
		}
		differs[l.method] = now != before
	}
	x.mu.Lock()
	lines := x.changedLines(func(method string) bool { return differs[method] })
	x.mu.Unlock()
	x.send(lines)
}

// maxPages bounds how much of a list is compared.
const maxPages = 50

// check looks whether the server still runs with the right account.
func (x *Proxy) check(ctx context.Context) {
	x.mu.Lock()
	s, answered := x.current, x.s.agreed != nil || x.s.modern
	x.mu.Unlock()
	if !answered {
		return
	}
	if s == nil {
		x.mu.Lock()
		if x.refusal != "" { // the user may have signed in
			x.need(ctx)
		}
		x.mu.Unlock()
		return
	}
	ok, err := x.p.Source.Current(ctx, s.cred)
	x.mu.Lock()
	switch {
	case ctx.Err() != nil || s != x.current:
		x.mu.Unlock()
		return
	case err == nil:
		// What the client asks from now on waits for a server of the other login.
		if s.foreign = !ok; s.foreign || s.dead {
			x.need(ctx)
		}
		x.mu.Unlock()
		return
	}
	// Nobody gets a token any more: nor does a server keep one.
	x.current = nil
	s.replaced = true
	x.retire(s)
	x.refusal, x.tried = err.Error(), x.p.Now()
	lines := x.changedLines(func(string) bool { return true })
	x.mu.Unlock()
	x.send(lines)
}
