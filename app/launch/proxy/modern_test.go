package proxy

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// A server of before that ends at what it does not know must not end the session: the
// client hears that it does not know it, and begins with the handshake.
func TestServerThatEndsAtAProbe(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.handle = func(s *fakeServer, m map[string]any, line []byte) {
			if m["method"] == "server/discover" {
				s.end(1, "initialize first")
				return
			}
			legacy(s, m, line)
		}
		r.run()
		r.send(`{"jsonrpc":"2.0","id":"probe","method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`)
		r.want(`"id":"probe","error":{"code":-32601`)
		r.hello()
		r.who(1, "work-2")
		if got := r.methods(2); got != "initialize notifications/initialized tools/call" {
			t.Errorf("the second server got %s", got)
		}
	})
}

// A client of the revision without a handshake has its subscriptions carried over.
func TestModernClient(t *testing.T) {
	const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	bubble(t, func(t *testing.T, r *rig) {
		r.life = time.Hour
		r.handle = func(s *fakeServer, m map[string]any, line []byte) {
			if m["method"] == "subscriptions/listen" {
				s.say(`{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/subscriptionId":%v}}}`, m["id"])
				return
			}
			legacy(s, m, line)
		}
		r.run()
		r.send(`{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{%s}}`, meta)
		r.want(`"id":1`)
		if r.began != 0 {
			t.Error("a probe was noted")
		}
		r.send(`{"jsonrpc":"2.0","id":2,"method":"subscriptions/listen","params":{%s,"notifications":{"toolsListChanged":true}}}`, meta)
		r.want(`acknowledged`)
		r.who(3, "work-1")
		time.Sleep(2 * time.Hour)
		r.who(4, "work-2")
		r.nothing()
		if got := r.methods(2); got != "server/discover subscriptions/listen tools/call" {
			t.Errorf("the second server got %s", got)
		}
		r.change(func() { r.account = "home" })
		r.want(`"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":2}}`)
		r.who(5, "home-3")
		r.nothing()
	})
}

// No call waits for a later server that boots, though its revision has no handshake.
func TestModernClientWaitsForNoServer(t *testing.T) {
	const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	bubble(t, func(t *testing.T, r *rig) {
		r.life = time.Minute
		var boots sync.Once
		r.handle = func(s *fakeServer, m map[string]any, line []byte) {
			if strings.HasSuffix(s.env, "-2") {
				boots.Do(func() { time.Sleep(3 * time.Second) })
			}
			legacy(s, m, line)
		}
		r.run()
		r.send(`{"jsonrpc":"2.0","id":0,"method":"server/discover","params":{%s}}`, meta)
		r.want(`"id":0`)
		last := ""
		for id := 1; id <= 90; id++ {
			sent := time.Now()
			r.call(id, "who")
			last = r.want(fmt.Sprintf(`"id":%d`, id))
			if waited := time.Since(sent); waited > time.Second {
				t.Errorf("call %d waited %v", id, waited)
			}
			time.Sleep(time.Second)
		}
		if !strings.Contains(last, "work-2") {
			t.Errorf("the last call was answered %s, want the second server's answer", last)
		}
	})
}
