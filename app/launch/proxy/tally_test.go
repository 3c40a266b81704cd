package proxy

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A token that the provider has ended before its time must be replaced, and the next
// call go to a server with another.
func TestTokenThatIsDeadBeforeItsTime(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.life = time.Hour
		r.run()
		r.hello()
		r.mu.Lock()
		r.dead = "1"
		r.mu.Unlock()
		r.call(1, "refused")
		r.want(`HTTP 401: work-1`)
		synctest.Wait()
		r.who(2, "work-2")
		r.call(3, "refused") // of another reason
		r.want(`HTTP 401: work-2`)
		r.who(4, "work-2")
	})
}

// No call goes to the server with a dead token while the next one boots, though the login
// is fine again by then.
func TestDeadTokenGetsNoCallWhileTheNextServerBoots(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.life = time.Hour
		up := make(chan struct{})
		r.handle = func(s *fakeServer, m map[string]any, line []byte) {
			if m["method"] == "initialize" && strings.HasSuffix(s.env, "-2") {
				<-up
			}
			legacy(s, m, line)
		}
		r.run()
		r.hello()
		r.dead = "1"
		r.call(1, "refused")
		r.want(`HTTP 401: work-1`)
		synctest.Wait()
		r.change(func() { r.dead = "" })
		r.call(2, "who")
		r.nothing()
		close(up)
		r.want(`"id":2,"result":{"content":[{"type":"text","text":"work-2"}]}`)
	})
}

// The log learns how much was called and how much failed.
func TestCallsAreCounted(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.run()
		r.hello()
		r.who(1, "work-1")
		r.call(2, "fail")
		r.want("isError")
		time.Sleep(11 * time.Minute)
		r.who(3, "work-1")
		_ = r.in.Close()
		r.ended <- <-r.ended
		if got := fmt.Sprint(r.failed, r.reports); got != "[429/2] [2 1 false 3 1 true]" {
			t.Errorf("counted %s", got)
		}
	})
}

// An API that has no status for a dead token says so in words, and a server may pass
// its answer on as if the call had worked.
func TestCallsThatSayTheTokenIsDead(t *testing.T) {
	for result, want := range map[string]string{
		`{"content":[{"type":"text","text":"{\"ok\":false,\"error\":\"invalid_auth\"}"}]}`:                          "[401/1]",
		`{"content":[],"structuredContent":{"ok":false,"error": "token_revoked"}}`:                                  "[401/1]",
		`{"content":[{"type":"text","text":"slack: invalid_auth"}],"isError":true}`:                                 "[401/1]",
		`{"content":[{"type":"text","text":"the error invalid_auth was discussed"}]}`:                               "[]",
		`{"content":[{"type":"text","text":"{\"error\":\"token_revoked\"}` + strings.Repeat(" ", searched) + `"}]}`: "[]",
		`{"content":[{"type":"text","text":"no such channel"}],"isError":true}`:                                     "[0/1]",
	} {
		bubble(t, func(t *testing.T, r *rig) {
			r.handle = func(s *fakeServer, m map[string]any, line []byte) {
				if m["method"] == "tools/call" {
					s.say(`{"jsonrpc":"2.0","id":%v,"result":%s}`, m["id"], result)
					return
				}
				legacy(s, m, line)
			}
			r.run()
			r.hello()
			r.call(1, "post")
			r.want(`"id":1`)
			_ = r.in.Close()
			r.ended <- <-r.ended
			if got := fmt.Sprint(r.failed); got != want {
				t.Errorf("%.80s: told of %s, want %s", result, got, want)
			}
		})
	}
}
