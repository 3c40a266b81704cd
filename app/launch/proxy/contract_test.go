package proxy

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// testProcess tests what the proxy relies on of a server that runs. start returns one
// that says each line it reads, ends when its input does, and at the line "die" writes
// "no more" to standard error and ends with status 7.
func testProcess(t *testing.T, start func(t *testing.T) Process) {
	t.Helper()
	// ends fails unless the process has ended, with that status, and left no more to read.
	ends := func(t *testing.T, p Process, out *bufio.Reader, want int) {
		t.Helper()
		if rest, err := io.ReadAll(out); err != nil || len(rest) > 0 {
			t.Errorf("at its end it said %q, %v", rest, err)
		}
		if status, err := p.Wait(); err != nil || want >= 0 && status != want {
			t.Errorf("it ended with %d, %v, want %d", status, err, want)
		}
		if _, err := io.WriteString(p.Stdin, strings.Repeat("to nobody\n", 10_000)); err == nil {
			t.Error("a server that has ended takes lines")
		}
		p.End(time.Second) // once more
	}
	says := func(t *testing.T, p Process, out *bufio.Reader, line string) {
		t.Helper()
		if _, err := io.WriteString(p.Stdin, line); err != nil {
			t.Fatal(err)
		}
		if got, err := out.ReadString('\n'); err != nil || got != line {
			t.Fatalf("it was told %q and said %q, %v", line, got, err)
		}
	}
	for name, test := range map[string]func(t *testing.T, p Process, out *bufio.Reader){
		"ends when its input does": func(t *testing.T, p Process, out *bufio.Reader) {
			says(t, p, out, "a\n")
			says(t, p, out, "b\n")
			_ = p.Stdin.Close()
			ends(t, p, out, 0)
			if p.LastWords() != "" {
				t.Errorf("its last words were %q", p.LastWords())
			}
		},
		"ends by itself": func(t *testing.T, p Process, out *bufio.Reader) {
			says(t, p, out, "a\n")
			if _, err := io.WriteString(p.Stdin, "die\n"); err != nil {
				t.Fatal(err)
			}
			ends(t, p, out, 7)
			if p.LastWords() != "no more" {
				t.Errorf("its last words were %q", p.LastWords())
			}
		},
		"is told to end": func(t *testing.T, p Process, out *bufio.Reader) {
			says(t, p, out, "a\n")
			p.End(5 * time.Second)
			ends(t, p, out, 0)
		},
		"is told to end at once": func(t *testing.T, p Process, out *bufio.Reader) {
			p.End(0)
			ends(t, p, out, -1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t)
			test(t, p, bufio.NewReader(p.Stdout))
		})
	}
}

func TestFakeProcess(t *testing.T) {
	testProcess(t, func(t *testing.T) Process {
		r := &rig{t: t, handle: func(s *fakeServer, _ map[string]any, line []byte) {
			if string(line) == "die\n" {
				s.end(7, "no more")
				return
			}
			s.say("%s", strings.TrimSpace(string(line)))
		}}
		p, err := r.start(t.Context(), Credential{Env: []string{""}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	})
}

// A server that is out to harm reaches the client with messages, and with nothing else,
// and keeps nobody from being served.
func TestServerThatSaysAnything(t *testing.T) {
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	for name, c := range map[string]struct {
		line   string
		passes bool // else it is on standard error
	}{
		"a huge id":             {`{"jsonrpc":"2.0","id":` + strings.Repeat("9", 100_000) + `,"result":{}}`, true},
		"an id that is deep":    {`{"jsonrpc":"2.0","id":` + deep + `,"result":{}}`, true},
		"an id of an object":    {`{"jsonrpc":"2.0","id":{"id":1},"result":{}}`, true},
		"names twice":           {`{"id":7,"jsonrpc":"2.0","id":8,"method":"a","method":"notifications/x","id":null}`, true},
		"a deep result":         {`{"jsonrpc":"2.0","method":"notifications/message","params":{"data":` + deep + `}}`, true},
		"no UTF-8":              {"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"data\":\"\xff\xfe\"}}", true},
		"CR":                    {`{"jsonrpc":"2.0","method":"notifications/message"}` + "\r", true},
		"an answer to nobody":   {`{"jsonrpc":"2.0","id":4711,"result":{}}`, true},
		"a cancelled of ours":   {`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"reason":"requestId"}}`, true},
		"NUL":                   {"{\"jsonrpc\":\"2.0\",\"method\":\"a\"}\x00", false},
		"a byte order mark":     {"\ufeff" + `{"jsonrpc":"2.0","method":"notifications/message"}`, false},
		"half":                  {`{"jsonrpc":"2.0","id":1,"resu`, false},
		"an empty batch":        {`[]`, false},
		"a batch with nonsense": {`[{"jsonrpc":"2.0","id":1,"result":{}},7]`, false},
		"a quote left open":     {`{"jsonrpc":"2.0","method":"`, false},
		"no object":             {`"text"`, false},
		"a brace too many":      {`{"jsonrpc":"2.0","method":"a"}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.handle = func(s *fakeServer, m map[string]any, raw []byte) {
					if m["method"] == "tools/call" {
						s.say("%s", c.line)
					}
					legacy(s, m, raw)
				}
				r.life = time.Hour
				r.run()
				r.hello()
				for id, want := range []string{"work-1", "work-2"} {
					r.call(id, "who")
					if c.passes && r.next() != c.line {
						t.Error("the client did not get the line as it is")
					}
					r.want(fmt.Sprintf(`"id":%d,"result":{"content":[{"type":"text","text":%q}]}`, id, want))
					time.Sleep(2 * time.Hour)
				}
				r.nothing()
				if said := strings.Contains(r.errs.String(), c.line); said == c.passes {
					t.Errorf("on standard error is it: %v", said)
				}
			})
		})
	}
}

// A client that is out to harm, or clumsy, is served as far as it can be understood.
func TestClientThatSaysAnything(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 50_000) + "1" + strings.Repeat("}", 50_000)
	for name, line := range map[string]string{
		"nothing":         "",
		"no JSON":         "hello",
		"half":            `{"jsonrpc":"2.0","id":1,"meth`,
		"null id":         `{"jsonrpc":"2.0","id":null,"method":"tools/call"}`,
		"deep":            `{"jsonrpc":"2.0","method":"notifications/x","params":` + deep + `}`,
		"a huge id":       `{"jsonrpc":"2.0","id":"` + strings.Repeat("x", 100_000) + `","method":"notifications/cancelled","params":{"requestId":9}}`,
		"NUL":             "{\"jsonrpc\":\"2.0\",\"method\":\"\x00\"}\x00",
		"our ids":         `{"jsonrpc":"2.0","id":"stagedoor-initialize-2","result":{}}`,
		"cancels nothing": `{"jsonrpc":"2.0","method":"notifications/cancelled"}`,
		"an empty batch":  `[]`,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.life = time.Hour
				r.run()
				r.hello()
				for id, want := range []string{"work-1", "work-2"} {
					r.send("%s", line)
					r.call(id, "who")
					for !strings.Contains(r.next(), fmt.Sprintf(`"id":%d,"result":{"content":[{"type":"text","text":%q}]}`, id, want)) {
					}
					time.Sleep(2 * time.Hour)
				}
			})
		})
	}
}
