package proxy

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A server must go on past the end of its token, without the client noticing.
func TestServerOutlivesItsToken(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.life = time.Hour
		r.run()
		r.hello()
		r.send(`{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"debug"}}`)
		r.want(`"id":1`)
		r.send(`{"jsonrpc":"2.0","id":2,"method":"resources/subscribe","params":{"uri":"a:b"}}`)
		r.want(`"id":2`)
		r.who(3, "work-1")
		time.Sleep(56 * time.Minute)
		r.who(4, "work-1") // the next one is made ready meanwhile
		r.nothing()
		r.who(5, "work-2")
		if got := r.methods(2); got != "initialize notifications/initialized logging/setLevel resources/subscribe tools/call" {
			t.Errorf("the second server got %s", got)
		}
		time.Sleep(3 * time.Hour) // the machine slept: the token ended long ago
		r.who(6, "work-3")
		r.nothing()
		time.Sleep(time.Minute)
		r.mu.Lock()
		if got := strings.Join(r.done, " "); got != "work-1 work-2" { // in days these become many
			t.Errorf("what was taken away is that of %q", got)
		}
		r.mu.Unlock()
		if r.began != 1 {
			t.Errorf("the launch was noted %d times, want 1", r.began)
		}
	})
}

// Clients start servers that they never use: nothing may be fetched for those, and
// nothing while a client is silent.
func TestSilenceCostsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.life = time.Hour
		r.run()
		time.Sleep(24 * time.Hour)
		r.change(func() {})
		if r.fresh != 0 {
			t.Errorf("a token was fetched for a client that said nothing")
		}
		r.hello()
		time.Sleep(24 * time.Hour)
		if r.fresh != 1 {
			t.Errorf("a token was fetched %d times, want once", r.fresh)
		}
	})
	bubble(t, func(t *testing.T, r *rig) { // a probe
		r.run()
		r.send(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}`)
		r.next()
		_ = r.in.Close()
		r.ended <- <-r.ended
		if r.began != 0 || len(r.reports) > 0 {
			t.Errorf("a probe was noted: %d launches, %q", r.began, r.reports)
		}
	})
}

// A call that takes long must get its answer although a new server took over.
func TestLongCallIsFinishedByTheServerThatHasIt(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.life = time.Hour
		r.run()
		r.hello()
		time.Sleep(59*time.Minute + 50*time.Second)
		r.call(1, "wait")
		time.Sleep(6 * time.Second) // the token gets no new requests now
		r.who(2, "work-2")
		r.want(`"error"`) // its token ended, and with it what it could do
		r.nothing()
	})
	bubble(t, func(t *testing.T, r *rig) {
		r.life = time.Hour
		r.run()
		r.hello()
		time.Sleep(55 * time.Minute)
		r.call(1, "wait")
		time.Sleep(20 * time.Second)
		r.who(2, "work-2")
		r.want(`"id":1,"result":{"content":[{"type":"text","text":"work-1"}]}`)
		r.nothing()
		if n := strings.Count(r.methods(1)+r.methods(2), "tools/call"); n != 2 {
			t.Errorf("the servers got %d calls, want 2", n)
		}
	})
}

// Where calls take long, none begins with a token that ends before it can be through.
func TestCallThatTakesLongerThanItsToken(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.life = time.Hour
		r.run()
		r.hello()
		for id := range 4 {
			r.call(id, "wait") // for 30 s
			r.want(`"text":"work-1"`)
			r.who(10+id, "work-1")
		}
		time.Sleep(57*time.Minute + 30*time.Second)
		r.call(20, "wait")
		r.want(`"id":20,"result":{"content":[{"type":"text","text":"work-2"}]}`)
		for id := range 200 { // by then they take no time
			r.who(30+id, "work-2")
		}
		time.Sleep(58*time.Minute + 50*time.Second)
		r.who(300, "work-2")
	})
}

// A switch of the profile must move the server, and nothing of the account before.
func TestSwitchOfTheProfile(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.run()
		r.hello()
		r.send(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
		r.want(`"nextCursor":"page-of-work-1"`)
		r.call(2, "wait")
		synctest.Wait()
		r.change(func() { r.account = "home" })
		r.want(`notifications/tools/list_changed`)
		r.who(3, "home-2")
		r.send(`{"jsonrpc":"2.0","id":4,"method":"tools/list","params":{"cursor":"page-of-work-1"}}`)
		r.want(`"id":4,"error":{"code":-32602`)
		r.want(`"id":2,"result":{"content":[{"type":"text","text":"work-1"}]}`) // what was begun is finished
		r.send(`{"jsonrpc":"2.0","id":5,"method":"tools/list"}`)
		r.want(`"nextCursor":"page-of-home-2"`)
		r.send(`{"jsonrpc":"2.0","id":6,"method":"tools/list","params":{"cursor":"page-of-home-2"}}`)
		r.want(`"id":6,"result"`)
		r.nothing()
		if got := fmt.Sprint(r.supplied); got != "[work-1 home-2]" { // the log must know whose tokens it got
			t.Errorf("noted: %s", got)
		}
	})
}

// What is asked after a switch must wait for the other account's server, however long
// that takes to start, and a second thought must not leave the client with it.
func TestServerThatStartsSlowly(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		release := make(chan struct{})
		r.handle = func(s *fakeServer, m map[string]any, line []byte) {
			if m["method"] == "initialize" && strings.HasPrefix(s.env, "home") {
				<-release
			}
			legacy(s, m, line)
		}
		r.run()
		r.hello()
		r.change(func() { r.account = "home" })
		r.change(func() { r.account = "work" })
		r.who(1, "work-1")
		release <- struct{}{}
		synctest.Wait()
		r.call(2, "who")
		r.want(`"id":2,"result":{"content":[{"type":"text","text":"work-`)
		r.nothing()
		r.change(func() { r.account = "home" })
		r.call(3, "who")
		r.nothing()
		close(release)
		r.want(`notifications/tools/list_changed`)
		r.want(`"id":3,"result":{"content":[{"type":"text","text":"home-`)
		r.nothing()
	})
}

// Each server counts its requests from the same number: an answer must reach the one
// that asked.
func TestAnswersReachTheServerThatAsked(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.run()
		r.hello()
		r.call(1, "ask")
		r.want(`{"jsonrpc":"2.0","id":0,"method":"sampling/createMessage","params":{"_meta":{"progressToken":0},"for":"work-1"}}`)
		r.want(`"id":1,"result"`)
		r.change(func() { r.account = "home" })
		r.want(`list_changed`)
		r.call(2, "ask")
		r.want(`{"jsonrpc":"2.0","id":"stagedoor-2-0","method":"sampling/createMessage","params":{"_meta":{"progressToken":"stagedoor-2-0"},"for":"home-2"}}`)
		r.want(`"id":2,"result"`)
		r.send(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"stagedoor-2-0","progress":1}}`)
		r.send(`{"jsonrpc":"2.0","id":0,"result":{"of":"work"}}`)
		r.send(`{"jsonrpc":"2.0","id":"stagedoor-2-0","result":{"of":"home"}}`)
		synctest.Wait()
		if got := r.methods(1); !strings.Contains(got, `{"jsonrpc":"2.0","id":0,"result":{"of":"work"}}`) {
			t.Errorf("the first server got %s", got)
		}
		if got := r.methods(2); !strings.Contains(got, `notifications/progress {"jsonrpc":"2.0","id":0,"result":{"of":"home"}}`) || strings.Contains(got, `"work"`) {
			t.Errorf("the second server got %s", got)
		}
		r.nothing()
	})
	bubble(t, func(t *testing.T, r *rig) { // 0 and "0" are two
		r.run()
		r.hello()
		r.change(func() { r.account = "home" })
		r.want(`list_changed`)
		r.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{"as":"text"}}}`)
		r.want(`"id":"stagedoor-2-0","method":"sampling/createMessage"`)
		r.want(`"id":"stagedoor-2-\"0\"","method":"roots/list"`)
		r.want(`"id":1,"result"`)
		r.send(`{"jsonrpc":"2.0","id":"stagedoor-2-\"0\"","result":{"roots":[]}}`)
		r.send(`{"jsonrpc":"2.0","id":"stagedoor-2-0","result":{"of":"sampling"}}`)
		synctest.Wait()
		if got := r.methods(2); !strings.HasSuffix(got, `{"jsonrpc":"2.0","id":"0","result":{"roots":[]}} {"jsonrpc":"2.0","id":0,"result":{"of":"sampling"}}`) {
			t.Errorf("the server got %s", got)
		}
		r.nothing()
	})
}

// Where another process's refresh ends the token, no call may go out with it from then
// on, and the refresh must not wait for a server that works on nothing.
func TestTokenThatOthersEnd(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		token := &fakeToken{}
		r.token = token
		r.run()
		r.hello()
		r.call(1, "wait")
		synctest.Wait()
		if !token.refresh(true) { // somebody wants to refresh
			t.Error("a call is under way, and the token is not in use")
		}
		r.call(2, "who")
		r.want(`"id":2,"result":{"content":[{"type":"text","text":"work-2"}]}`)
		r.want(`"id":1,"result":{"content":[{"type":"text","text":"work-1"}]}`)
		synctest.Wait()
		if token.refresh(false) {
			t.Error("the answer has come, and the token is still in use")
		}
		r.nothing()
		if n := strings.Count(r.methods(1)+r.methods(2), "tools/call"); n != 2 {
			t.Errorf("the servers got %d calls, want 2", n)
		}
	})
	bubble(t, func(t *testing.T, r *rig) { // there is no other token, but the call gets through in the end
		token := &fakeToken{}
		r.token = token
		r.run()
		r.hello()
		r.same = true
		token.refresh(true)
		r.call(1, "who")
		time.Sleep(3 * time.Second)
		r.nothing()
		r.mu.Lock()
		if len(r.done) != r.fresh-1 {
			t.Errorf("a token was asked for %d times, and what was made ready for it is gone %d times", r.fresh, len(r.done))
		}
		r.mu.Unlock()
		token.refresh(false)
		r.want(`"id":1,"result":{"content":[{"type":"text","text":"work-1"}]}`)
		r.change(func() { r.problem = errNoLogin })
		r.want(`list_changed`)
	})
	bubble(t, func(t *testing.T, r *rig) { // whoever refreshes may have been stopped in the middle
		token := &fakeToken{}
		r.token = token
		r.run()
		r.hello()
		r.same = true
		token.refresh(true)
		begun := time.Now()
		r.call(1, "who")
		r.want(`Try again in a moment`)
		if waited := time.Since(begun); waited > 11*time.Second {
			t.Errorf("the call was answered after %v", waited)
		}
		token.refresh(false)
		r.who(2, "work-1")
		token.refresh(true)
		r.call(3, "who")
		time.Sleep(time.Second)
		r.nothing()
		token.refresh(false)
		r.want(`"id":3,"result":{"content":[{"type":"text","text":"work-1"}]}`)
	})
	bubble(t, func(t *testing.T, r *rig) { // a refresh may bring the same token again
		token := &fakeToken{}
		r.token = token
		r.run()
		r.hello()
		r.call(1, "wait")
		synctest.Wait()
		r.same = true
		token.lose()
		r.who(2, "work-1")
		if !token.refresh(true) {
			t.Error("the call that is under way is not known to whoever refreshes next")
		}
		r.want(`"id":1,"result"`)
		synctest.Wait()
		if token.refresh(false) {
			t.Error("nobody uses the token, and it is in use")
		}
	})
	bubble(t, func(t *testing.T, r *rig) { // a server that reads a file goes on, and keeps nobody from a refresh
		token := &fakeToken{}
		r.token, r.inFile = token, true
		r.run()
		r.hello()
		r.call(1, "wait")
		synctest.Wait()
		token.refresh(true)
		r.call(2, "who")
		r.want(`"id":2,"result"`)
		if token.refresh(true) {
			t.Error("the token of before is in use for ever")
		}
		if len(r.servers) != 1 || r.inTheFile() != "[work-1 work-2]" {
			t.Errorf("%d servers, in the file %s", len(r.servers), r.inTheFile())
		}
		r.want(`"id":1,"result"`)
	})
	bubble(t, func(t *testing.T, r *rig) { // nor is there one to be had
		token := &fakeToken{}
		r.token = token
		r.run()
		r.hello()
		token.refresh(true)
		r.mu.Lock()
		r.problem = errNoLogin
		r.mu.Unlock()
		r.call(1, "who")
		r.want(`stagedoor login work`)
	})
}

// slowly has later servers take their time to start.
func slowly(d time.Duration) func(s *fakeServer, m map[string]any, line []byte) {
	return func(s *fakeServer, m map[string]any, line []byte) {
		if m["method"] == "initialize" && s.env != "work-1" {
			time.Sleep(d)
		}
		legacy(s, m, line)
	}
}

// Where each token is dead before a server is there for it, a call has an answer all the
// same: within tokenWait and the time that a server takes to start. Nothing is started in
// vain while nobody waits.
func TestNoCallWaitsForRoundAfterRound(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		const starts = 4 * time.Second
		r.handle = slowly(starts)
		r.life = time.Hour
		r.run()
		r.hello()
		time.Sleep(time.Hour)
		foul := func(is bool) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.foul = is
		}
		foul(true)
		begun := time.Now()
		r.call(1, "who")
		r.want("Try again in a moment")
		if took := time.Since(begun); took < tokenWait || took > tokenWait+starts+time.Second {
			t.Errorf("the answer took %v", took)
		}
		time.Sleep(time.Hour)
		r.mu.Lock()
		if n := len(r.servers); n > 6 {
			t.Errorf("%d servers were started for a call", n)
		}
		r.mu.Unlock()
		foul(false)
		r.call(2, "who")
		r.want(`"id":2,"result":{"content":[{"type":"text","text":"work-`)
	})
}

// A client that reads nothing any more has gone, though its other pipe is open.
func TestClientThatStopsReading(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.run()
		r.hello()
		_ = r.out.Close()
		r.call(1, "who")
		r.ended <- <-r.ended
	})
}

// A client that looks whether anybody is there must not take a server that starts for one
// that hangs.
func TestPingWhileAServerStarts(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.handle = slowly(20 * time.Second)
		r.life = time.Hour
		r.run()
		r.hello()
		time.Sleep(time.Hour)
		r.call(1, "who")
		time.Sleep(time.Second)
		begun := time.Now()
		r.send(`{"jsonrpc":"2.0","id":2,"method":"ping"}`)
		r.want(`"id":2,"result":{}`)
		if took := time.Since(begun); took > 0 {
			t.Errorf("a ping took %v", took)
		}
		r.want(`"id":1,"result":{"content":[{"type":"text","text":"work-2"}]}`)
	})
}

// Where a refresh ends the token, a server that starts keeps the one that it starts with
// until what waits for it is answered: launchers would refresh in turn, and none would
// get to work.
func TestTokenIsKeptForAServerThatStarts(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.handle = slowly(4 * time.Second)
		r.token = &fakeToken{}
		r.run()
		r.hello()
		r.token.refresh(true)
		r.call(1, "wait")
		time.Sleep(time.Second)
		r.mu.Lock()
		next := r.token
		r.mu.Unlock()
		if !next.refresh(true) {
			t.Error("a server starts, and its token is not in use")
		}
		r.want(`"id":1,"result":{"content":[{"type":"text","text":"work-2"}]}`)
		synctest.Wait()
		if next.refresh(false) {
			t.Error("the answer has come, and the token is still in use")
		}
		r.who(2, "work-2")
	})
	bubble(t, func(t *testing.T, r *rig) { // nor does one that does not come up keep it
		r.handle = func(s *fakeServer, m map[string]any, line []byte) {
			if s.env != "work-1" {
				s.end(3, "no")
				return
			}
			legacy(s, m, line)
		}
		r.token = &fakeToken{}
		r.run()
		r.hello()
		r.token.refresh(true)
		r.call(1, "who")
		r.want("status 3")
		synctest.Wait()
		if r.token.refresh(true) {
			t.Error("the token of a server that has ended is in use")
		}
	})
}

// A token in doubt is asked for again, and used if there is no other: no server is
// started for it.
func TestTokenInDoubt(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		token := &fakeToken{}
		r.token = token
		r.run()
		r.hello()
		r.same = true
		token.lose()
		r.who(1, "work-1")
		if r.fresh != 2 || len(r.servers) != 1 {
			t.Errorf("a token was asked for %d times, %d servers", r.fresh, len(r.servers))
		}
		r.who(2, "work-1")
		if r.fresh != 2 {
			t.Errorf("it was asked for %d times", r.fresh)
		}
	})
}

// After a laptop slept, timers are late and the wall clock is right: the first call must
// not get a token that ended meanwhile.
func TestLaptopSleeps(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.life = time.Hour
		r.run()
		r.hello()
		time.Sleep(55 * time.Minute)
		r.who(1, "work-1") // the next server is made ready, and waits
		r.call(2, "wait")
		synctest.Wait()
		r.mu.Lock()
		r.asleep = 8 * time.Hour
		r.mu.Unlock()
		r.call(3, "who")
		if got := r.next(); strings.Contains(got, "work-1") {
			t.Errorf("after the sleep the client got %s", got)
		}
		r.mu.Lock()
		r.asleep *= 2
		r.mu.Unlock()
		r.call(4, "who")
		for range 3 {
			if got := r.next(); strings.Contains(got, `"id":4`) {
				if strings.Contains(got, "work-1") || strings.Contains(got, "work-2") {
					t.Errorf("after another sleep the client got %s", got)
				}
				return
			}
		}
		t.Error("the call after another sleep was not answered")
	})
}

// A task goes on behind the client's back: the server that works on it must live
// until it is done, and be asked for it, though another has taken over.
func TestTaskIsFinishedByTheServerThatHasIt(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.life = time.Hour
		r.run()
		r.hello()
		time.Sleep(50 * time.Minute)
		r.call(1, "task")
		r.want(`"taskId":"a","status":"working"`)
		time.Sleep(5 * time.Minute)
		r.who(2, "work-1") // the token is due, and this has the next made ready
		time.Sleep(20 * time.Second)
		r.who(3, "work-2")
		r.send(`{"jsonrpc":"2.0","id":4,"method":"tasks/get","params":{"taskId":"a"}}`)
		r.want(`"id":4,"result":{"taskId":"a","status":"working","of":"work-1"}`)
		r.send(`{"jsonrpc":"2.0","id":5,"method":"tasks/result","params":{"taskId":"a"}}`)
		r.want(`"id":5,"result":{"content":[{"type":"text","text":"work-1"}]}`)
		synctest.Wait()
		select {
		case <-r.server(1).ended:
		default:
			t.Error("the first server lives on though it has nothing to do")
		}
		r.nothing()
	})
}

// A question to the user is half of a request: the server that asked it must get the
// answer, though another has taken over.
func TestRequestIsFinishedByTheServerThatWantedMore(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.life = time.Hour
		r.run()
		r.hello()
		time.Sleep(55 * time.Minute)
		r.call(1, "more")
		r.want(`"requestState":"s-1"`)
		time.Sleep(20 * time.Second)
		r.who(2, "work-2")
		r.send(`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"more","requestState":"s-1"}}`)
		r.want(`"id":3,"result":{"content":[{"type":"text","text":"work-1"}]}`)
		synctest.Wait()
		select {
		case <-r.server(1).ended:
		default:
			t.Error("the first server lives on though it has nothing to do")
		}
	})
	bubble(t, func(t *testing.T, r *rig) { // also if there has to be another first
		r.life = time.Hour
		r.run()
		r.hello()
		r.call(1, "more")
		r.want(`"requestState":"s-1"`)
		r.mu.Lock()
		r.asleep = 8 * time.Hour
		r.mu.Unlock()
		r.send(`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"more","requestState":"s-1"}}`)
		r.want(`"id":3,"result":{"content":[{"type":"text","text":"work-1"}]}`)
	})
	bubble(t, func(t *testing.T, r *rig) { // of another account it gets none
		r.run()
		r.hello()
		r.call(1, "more")
		r.want(`"requestState":"s-1"`)
		r.change(func() { r.account = "home" })
		r.want(`list_changed`)
		r.send(`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"more","requestState":"s-1"}}`)
		r.want(`"id":3,"error":{"code":-32602`)
	})
}

// Of a batch too every request must be answered when one cannot be served.
func TestBatchAfterASwitch(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.run()
		r.hello()
		r.send(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
		r.want(`"nextCursor":"page-of-work-1"`)
		r.change(func() { r.account = "home" })
		r.want(`list_changed`)
		r.send(`[{"jsonrpc":"2.0","id":2,"method":"ping"},{"jsonrpc":"2.0","id":3,"method":"tools/list","params":{"cursor":"page-of-work-1"}}]`)
		r.want(`"id":2,"error":{"code":-32602`)
		r.want(`"id":3,"error":{"code":-32602`)
		r.nothing()
	})
}

// Without a token the client is told what to do, and the same process comes alive
// when the user has done it.
func TestSignedInWhileTheClientWaits(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.problem = errNoLogin
		r.run()
		r.hello()
		r.send(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
		r.want(`"id":1,"result":{"tools":[]}`)
		r.call(2, "who")
		r.want(`"text":"work: login needed. To mend that, sign in: stagedoor login work"`)
		r.send(`{"jsonrpc":"2.0","id":3,"method":"prompts/get","params":{"name":"p"}}`)
		r.want(`"id":3,"error"`)
		r.change(func() { r.problem = nil })
		for range 3 {
			r.want(`list_changed`)
		}
		r.who(4, "work-1")
		r.change(func() { r.problem = errNoLogin }) // and it was revoked
		r.want(`notifications/tools/list_changed`)
		for range 2 {
			r.want(`list_changed`)
		}
		r.call(5, "who")
		r.want(`sign in: stagedoor login work`)
		if r.began != 1 {
			t.Errorf("the launch was noted %d times, want 1", r.began)
		}
	})
}

// A keychain that waits for its password must not let the client wait too long.
func TestTokenThatTakesLong(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.hold = make(chan struct{})
		r.run()
		begin := time.Now()
		r.send(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}`)
		r.want(`"id":0,"result"`)
		if waited := time.Since(begin); waited > 15*time.Second {
			t.Errorf("the client waited %v", waited)
		}
		r.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
		r.call(1, "who")
		r.want(`still waits`)
		close(r.hold)
		for range 3 {
			r.want(`list_changed`)
		}
		r.who(2, "work-1")
	})
}

// What a client gives up while it waits for a server must not reach one.
func TestCancelledBeforeThereIsAServer(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.life = time.Hour
		r.run()
		r.hello()
		time.Sleep(2 * time.Hour)
		r.hold = make(chan struct{})
		r.call(1, "who")
		r.call(2, "who")
		r.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
		r.send(`{"jsonrpc":"2.0","id":3,"method":"tools/list"}`)
		close(r.hold)
		r.want(`"id":2`)
		r.want(`"id":3`)
		r.nothing()
		// More of tools/list may follow, to compare it with what the client knows.
		got := r.methods(2)
		if !strings.HasPrefix(got, "initialize notifications/initialized tools/call tools/list") || strings.Count(got, "tools/call") != 1 {
			t.Errorf("the second server got %s", got)
		}
	})
}

// A client that read the first page of a list is told of no change in the pages that it does not know.
func TestListOfWhichTheClientKnowsAPage(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.life = time.Hour
		r.run()
		r.hello()
		r.send(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
		r.want(`"nextCursor"`)
		time.Sleep(2 * time.Hour)
		r.who(2, "work-2")
		r.nothing()
		if got := r.methods(2); !strings.HasSuffix(got, "tools/call tools/list") && !strings.HasSuffix(got, "tools/list tools/call") {
			t.Errorf("the second server got %s", got)
		}
	})
}

// A server that was updated meanwhile must not be taken for the one that the client
// knows if the two do not speak the same.
func TestServerThatSpeaksAnotherVersion(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.life = time.Hour
		r.handle = func(s *fakeServer, m map[string]any, line []byte) {
			if m["method"] == "initialize" && s.env != "work-1" {
				m["params"] = map[string]any{"protocolVersion": "2024-11-05"}
			}
			legacy(s, m, line)
		}
		r.run()
		r.hello()
		time.Sleep(2 * time.Hour)
		r.call(1, "who")
		r.want(`Restart the client`)
	})
}

// A server that reads its token from a file at each call goes on with a new file, but
// never with one of another account.
func TestTokenInAFile(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.life, r.inFile = time.Hour, true
		r.run()
		r.hello()
		r.who(1, "work-1")
		if got := r.inTheFile(); got != "[work-1]" {
			t.Errorf("written: %s", got)
		}
		time.Sleep(56 * time.Minute)
		r.call(2, "wait")
		time.Sleep(time.Second)
		if got := r.inTheFile(); got != "[work-1]" {
			t.Errorf("the file was written while the server worked: %s", got)
		}
		r.want(`"id":2,"result"`)
		synctest.Wait()
		if got := r.inTheFile(); got != "[work-1 work-2]" || len(r.servers) != 1 {
			t.Errorf("written: %s by %d servers", got, len(r.servers))
		}
		time.Sleep(5 * time.Hour)
		r.who(3, "work-1") // its environment is the first
		if got := r.inTheFile(); got != "[work-1 work-2 work-3]" || len(r.servers) != 1 {
			t.Errorf("written: %s by %d servers", got, len(r.servers))
		}
		r.call(4, "die")
		r.want(`"id":4,"error"`)
		r.who(5, "work-4")
		r.change(func() { r.account = "home" })
		r.want("list_changed")
		r.who(6, "home-5")
		r.nothing()
	})
}
