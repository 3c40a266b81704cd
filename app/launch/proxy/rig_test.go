package proxy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeServer is a server of the legacy revisions that does what its tools are called.
type fakeServer struct {
	env      string
	got      []string // methods, with what tells them apart
	handle   func(s *fakeServer, m map[string]any, line []byte)
	out      *io.PipeWriter
	outMu    sync.Mutex
	ended    chan struct{}
	once     sync.Once
	status   int
	words    string
	inReader *io.PipeReader
}

func (s *fakeServer) say(format string, args ...any) {
	s.outMu.Lock()
	defer s.outMu.Unlock()
	_, _ = fmt.Fprintf(s.out, format+"\n", args...)
}

func (s *fakeServer) end(status int, words string) {
	s.once.Do(func() {
		s.status, s.words = status, words
		_ = s.out.Close()
		_ = s.inReader.Close()
		close(s.ended)
	})
}

// rig is a client, and servers as they are started.
type rig struct {
	t       *testing.T
	mu      sync.Mutex
	servers []*fakeServer
	handle  func(s *fakeServer, m map[string]any, line []byte)

	account  string
	issued   int
	inFile   bool          // the server reads a file
	written  []string      // into it
	life     time.Duration // of a token; 0 for ever
	problem  error
	hold     chan struct{} // Fresh waits for it
	token    *fakeToken    // that the next refresh ends; nil if none does
	asleep   time.Duration // by how much the wall clock is ahead of timers, which stand still meanwhile
	same     bool          // Fresh has no other token
	missing  bool          // the server cannot be started
	foul     bool          // a token is of no use by the time that a server is there for it
	fresh    int           // how often a token was asked for
	began    int
	supplied []string // what was noted, of a client that means it
	failed   []string
	dead     string // the token that the provider refuses
	reports  []string
	done     []string // servers whose things were taken away

	changes chan struct{}
	in      *io.PipeWriter
	out     *io.PipeReader
	lines   chan string
	errs    bytes.Buffer
	ended   chan int
	cancel  func()
	maxLine int
}

// Fresh returns the token there is while it is fresh, and then the next.
func (r *rig) Fresh(ctx context.Context) (Credential, error) {
	if r.hold != nil {
		select {
		case <-r.hold:
		case <-ctx.Done():
			return Credential{}, ctx.Err()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fresh++
	if r.problem != nil {
		return Credential{}, r.problem
	}
	if r.issued++; r.same {
		r.issued--
	}
	c := Credential{Account: r.account, Token: fmt.Sprint(r.issued), Env: []string{fmt.Sprintf("%s-%d", r.account, r.issued)}, Redact: func(s string) string {
		return strings.ReplaceAll(s, "secret", "[token]")
	}}
	if r.token != nil {
		if !r.same && r.issued > 1 {
			r.token = &fakeToken{}
		}
		c.Gate = r.token.gate()
	}
	name := c.Env[0]
	c.Done = func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.done = append(r.done, name)
	}
	if r.inFile {
		c.Renew = func() error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.written = append(r.written, name)
			return nil
		}
	}
	if r.life > 0 {
		c.Expires = r.nowLocked().Add(r.life)
		c.Renews = c.Expires.Add(-r.life / 10)
	}
	return c, nil
}

func (r *rig) Current(ctx context.Context, c Credential) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return c.Account == r.account && c.Token != r.dead && !r.foul, r.problem
}

func (r *rig) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.nowLocked()
}

func (r *rig) nowLocked() time.Time { return time.Now().Add(r.asleep) }

func (r *rig) start(ctx context.Context, c Credential) (Process, error) {
	if r.missing {
		return Process{}, errors.New("no such program")
	}
	in, stdin := io.Pipe()
	stdout, out := io.Pipe()
	s := &fakeServer{env: c.Env[0], out: out, inReader: in, ended: make(chan struct{}), handle: r.handle}
	r.mu.Lock()
	r.servers = append(r.servers, s)
	r.mu.Unlock()
	go func() {
		scan := bufio.NewReader(in)
		for {
			line, err := scan.ReadBytes('\n')
			if err != nil {
				s.end(0, "")
				return
			}
			var m map[string]any
			_ = json.Unmarshal(line, &m)
			method, _ := m["method"].(string)
			if method == "" {
				method = strings.TrimSpace(string(line))
			}
			r.mu.Lock()
			s.got = append(s.got, method)
			r.mu.Unlock()
			s.handle(s, m, line)
		}
	}()
	return Process{
		Stdin: stdin, Stdout: stdout,
		Wait:      func() (int, error) { <-s.ended; return s.status, nil },
		End:       func(time.Duration) { _ = stdin.Close(); s.end(0, "") },
		LastWords: func() string { return s.words },
	}, nil
}

// legacy answers like a server with one tool, whose name says what it does.
func legacy(s *fakeServer, m map[string]any, _ []byte) {
	id, _ := json.Marshal(m["id"])
	params, _ := m["params"].(map[string]any)
	switch m["method"] {
	case "initialize":
		s.say(`{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":%q,"capabilities":{"tools":{},"logging":{}},"serverInfo":{"name":"s","version":"1"}}}`, id, params["protocolVersion"])
	case "tools/list":
		s.say(`{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"t"}],"nextCursor":"page-of-%s"}}`, id, s.env)
	case "tools/call":
		arguments, _ := params["arguments"].(map[string]any)
		switch params["name"] {
		case "who":
			s.say(`{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":%q}]}}`, id, s.env)
		case "die":
			s.end(7, "no more secret")
		case "wait":
			go func() {
				select {
				case <-s.ended:
					return
				case <-time.After(time.Duration(arguments["seconds"].(float64) * float64(time.Second))):
				}
				s.say(`{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":%q}]}}`, id, s.env)
			}()
		case "more":
			if params["requestState"] != nil {
				s.say(`{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":%q}]}}`, id, s.env)
				return
			}
			s.say(`{"jsonrpc":"2.0","id":%s,"result":{"resultType":"input_required","inputRequests":{},"requestState":"s-1"}}`, id)
		case "task":
			s.say(`{"jsonrpc":"2.0","id":%s,"result":{"task":{"taskId":"a","status":"working"}}}`, id)
		case "ask":
			s.say(`{"jsonrpc":"2.0","id":0,"method":"sampling/createMessage","params":{"_meta":{"progressToken":0},"for":%q}}`, s.env)
			if arguments["as"] == "text" {
				s.say(`{"jsonrpc":"2.0","id":"0","method":"roots/list","for":%q}`, s.env)
			}
			s.say(`{"jsonrpc":"2.0","id":%s,"result":{"content":[]}}`, id)
		case "refused":
			s.say(`{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"HTTP 401: %s"}],"isError":true}}`, id, s.env)
		case "fail":
			s.say(`{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"HTTP 429: slow down"}],"isError":true}}`, id)
		}
	case "tasks/get":
		s.say(`{"jsonrpc":"2.0","id":%s,"result":{"taskId":"a","status":"working","of":%q}}`, id, s.env)
	case "tasks/result":
		s.say(`{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":%q}]}}`, id, s.env)
	case nil, "notifications/initialized", "notifications/cancelled", "notifications/progress":
	default:
		s.say(`{"jsonrpc":"2.0","id":%s,"result":{}}`, id)
	}
}

// bubble runs f with a rig on a clock that only moves when everybody waits.
func bubble(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, account: "work", handle: legacy, changes: make(chan struct{}, 1), lines: make(chan string, 10_000), ended: make(chan int, 1)}
		defer func() {
			if r.in == nil {
				return
			}
			_ = r.in.Close()
			<-r.ended
			synctest.Wait()
			for i, s := range r.servers {
				select {
				case <-s.ended:
				default:
					t.Errorf("server %d is left behind", i+1)
				}
			}
		}()
		f(t, r)
	})
}

// run starts the proxy.
func (r *rig) run() {
	in, w := io.Pipe()
	out, stdout := io.Pipe()
	r.in, r.out = w, out
	go func() {
		scan := bufio.NewReader(out)
		for {
			line, err := scan.ReadString('\n')
			if err != nil {
				close(r.lines)
				return
			}
			r.lines <- line
		}
	}()
	ctx, cancel := context.WithCancel(r.t.Context())
	r.cancel = cancel
	go func() {
		status, err := Run(ctx, Params{
			In: in, Out: stdout, Err: &r.errs, Source: r, Changes: r.changes, Start: r.start, Now: r.now, Version: "1", MaxLine: r.maxLine,
			Supplied: func(c Credential, first bool) {
				r.mu.Lock()
				r.supplied = append(r.supplied, c.Env[0])
				if first {
					r.began++
				}
				r.mu.Unlock()
			},
			Failed: func(c Credential, status, calls int) bool {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.failed = append(r.failed, fmt.Sprint(status, "/", calls))
				return c.Token == r.dead
			},
			Report: func(t Tally, ran time.Duration, final bool) {
				r.mu.Lock()
				r.reports = append(r.reports, fmt.Sprint(t.Calls, " ", t.Failed, " ", final))
				r.mu.Unlock()
			},
		})
		if err != nil {
			r.t.Errorf("Run: %v", err)
		}
		cancel()
		_ = stdout.Close()
		r.ended <- status
	}()
}

func (r *rig) send(format string, args ...any) {
	r.t.Helper()
	if _, err := fmt.Fprintf(r.in, format+"\n", args...); err != nil {
		r.t.Fatal(err)
	}
}

// next is the next line for the client.
func (r *rig) next() string {
	r.t.Helper()
	line, ok := <-r.lines
	if !ok {
		r.t.Fatal("the proxy ended")
	}
	return strings.TrimSuffix(line, "\n")
}

// nothing fails the test if there is a line for the client.
func (r *rig) nothing() {
	r.t.Helper()
	synctest.Wait()
	select {
	case line := <-r.lines:
		r.t.Errorf("the client got %s", line)
	default:
	}
}

func (r *rig) want(fragment string) string {
	r.t.Helper()
	line := r.next()
	if !strings.Contains(line, fragment) {
		r.t.Errorf("the client got %s, want %s", line, fragment)
	}
	return line
}

func (r *rig) hello() {
	r.t.Helper()
	r.send(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`)
	r.want(`"id":0`)
	r.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	synctest.Wait()
}

func (r *rig) call(id int, tool string) {
	r.t.Helper()
	r.send(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":{"seconds":30}}}`, id, tool)
}

// who calls the tool that says which account and token the server has.
func (r *rig) who(id int, want string) {
	r.t.Helper()
	r.call(id, "who")
	r.want(fmt.Sprintf(`"id":%d,"result":{"content":[{"type":"text","text":%q}]}`, id, want))
}

func (r *rig) change(f func()) {
	r.mu.Lock()
	f()
	r.mu.Unlock()
	r.changes <- struct{}{}
	synctest.Wait()
}

// inTheFile is what was written for the server, one after the other.
func (r *rig) inTheFile() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprint(r.written)
}

func (r *rig) server(n int) *fakeServer {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.servers) < n {
		r.t.Fatalf("there are %d servers, want %d", len(r.servers), n)
	}
	return r.servers[n-1]
}

func (r *rig) methods(n int) string {
	s := r.server(n)
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(s.got, " ")
}

var errNoLogin = errors.New("work: login needed. To mend that, sign in: stagedoor login work")
