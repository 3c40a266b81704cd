package proxy

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A server that ends must cost its calls an answer that says why, and no more.
func TestServerThatEnds(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) { // before it has begun: its token is not left behind
		r.missing = true
		r.run()
		r.send(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`)
		r.want(`no such program`)
		if fmt.Sprint(r.done) != "[work-1]" {
			t.Errorf("taken away: %q", r.done)
		}
	})
	bubble(t, func(t *testing.T, r *rig) {
		r.run()
		r.hello()
		r.call(1, "wait")
		r.call(2, "die")
		for range 2 {
			r.want(`"error":{"code":-32603,"message":"the server ended with status 7: no more [token]"}`)
		}
		r.who(3, "work-2")
		for i := range 4 {
			r.call(10+i, "die")
			r.want("ended with status 7")
		}
		r.call(20, "who")
		r.want(`5 times within a minute the server ended with status 7`)
		time.Sleep(2 * time.Minute)
		r.who(21, "work-6")
		if r.began != 1 {
			t.Errorf("the launch was noted %d times, want 1", r.began)
		}
	})
}

// What a server writes beside its messages belongs to its log.
func TestStandardOutputIsForMessages(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.handle = func(s *fakeServer, m map[string]any, line []byte) {
			s.say("Listening on stdio")
			s.say("")
			legacy(s, m, line)
		}
		r.run()
		r.hello()
		r.who(1, "work-1")
		r.nothing()
		if !strings.Contains(r.errs.String(), "Listening on stdio") {
			t.Errorf("standard error has %q", r.errs.String())
		}
	})
}

// A message that is too long must be answered, and the ones behind it served.
func TestMessageThatIsTooLong(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.maxLine = 100_000
		r.handle = func(s *fakeServer, m map[string]any, line []byte) {
			if m["method"] == "big" {
				s.say(`{"result":{"a":"%s"},"jsonrpc":"2.0","id":%v}`, strings.Repeat("x", 200_000), m["id"])
				return
			}
			legacy(s, m, line)
		}
		r.run()
		r.hello()
		r.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"who","arguments":{"a":"%s"}}}`, strings.Repeat("x", 200_000))
		r.want(`"id":1,"error":{"code":-32600`)
		r.send(`{"jsonrpc":"2.0","id":2,"method":"big"}`)
		r.want(`"id":2,"error":{"code":-32603`)
		r.who(3, "work-1")
		long := strings.Repeat("y", 90_000)
		r.send(`{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"who","arguments":{"a":"%s"}}}`, long)
		r.want(`"id":4,"result"`)
	})
}

// Everything that is not for the launcher must pass as it is.
func TestBytesPassAsTheyAre(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.handle = func(s *fakeServer, m map[string]any, line []byte) {
			if m["method"] == "initialize" {
				legacy(s, m, line)
				return
			}
			s.say("%s", strings.TrimSuffix(string(line), "\n"))
		}
		r.run()
		r.hello()
		r.want("notifications/initialized") // it says all that it hears
		odd := []string{
			` {"jsonrpc" : "2.0" ,"method":"notifications/x","params":{"n":9007199254740993123,"f":1.0e+400,"s":"\u00e9\ud83d\ude00 \/ é"}}` + "\t\r",
			`{"method":"\u006eotifications/y","jsonrpc":"2.0","params":[1,{"id":5},[]]}`,
			`{"jsonrpc":"2.0","id":9007199254740993,"method":"x","params":{"id":"inner","method":"m","_meta":{"a":"}{\\\"]["}}}`,
			`{"jsonrpc":"2.0","id":"a\"b","method":"y","params":{},"params":{"twice":true}}`,
			`[{"jsonrpc":"2.0","id":"batch","method":"z"},{"jsonrpc":"2.0","method":"notifications/q"} ]`,
		}
		for n := range 1000 {
			line := strings.ReplaceAll(odd[n%len(odd)], "batch", fmt.Sprint("batch", n))
			r.send("%s", line)
			if got := r.next(); got != line {
				t.Fatalf("sent     %s\nreceived %s", line, got)
			}
		}
	})
}

// Who pipes a message in, and nothing more, gets the answer.
func TestAnswerAfterTheEndOfTheInput(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.hold = make(chan struct{})
		r.run()
		r.send(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)
		_ = r.in.Close()
		time.Sleep(time.Second)
		close(r.hold)
		r.want(`"id":1,"result"`)
	})
	bubble(t, func(t *testing.T, r *rig) {
		r.run()
		r.hello()
		r.call(1, "wait")
		begin := time.Now()
		_ = r.in.Close()
		r.ended <- <-r.ended
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("it took %v to end", took)
		}
	})
}
