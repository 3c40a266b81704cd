package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Credential is what a server is started with.
type Credential struct {
	Account string    // whose it is: the profile's id
	Token   string    // identifies the token; not shown anywhere
	Env     []string  // the server's whole environment
	Dir     string    // the folder to start it in, "" for ours
	Renews  time.Time // from when on another token can be had; zero if never
	Expires time.Time // zero if no end is known
	// Renew, if set, puts the token where a server with that account reads it at each
	// call, so that none has to be started anew.
	Renew func() error
	// Done, if set, takes away what only a server that was started with it needs. It is
	// called when that has ended, or when none is started.
	Done func()
	// Gate, if set, is of a token that ends at once when anybody gets the next one.
	Gate Gate
	// Redact removes the token from words of the server's.
	Redact func(string) string
}

// drop takes away what was made ready for a server.
func (c Credential) drop() {
	if c.Done != nil {
		c.Done()
	}
}

// Gate tells when a token may be used. The proxy calls it under its lock, so it must
// not wait.
type Gate interface {
	// Enter reports whether a request may be sent. If not, Source has another token
	// soon, or the same one again.
	Enter() bool
	// Leave says that no request is under way any more.
	Leave()
}

// Source is where credentials come from. Its methods are called from several
// goroutines.
type Source interface {
	// Fresh returns a credential that lasts a while. The words of its error are for
	// the user and say what to do.
	Fresh(ctx context.Context) (Credential, error)
	// Current reports whether a server that was started with c may go on with it, as
	// far as can be said without asking the provider. An error says that nobody gets
	// a token now.
	Current(ctx context.Context, c Credential) (bool, error)
}

// Params of a Proxy. In, Out and Err are the client's side.
type Params struct {
	In       io.Reader
	Out, Err io.Writer
	Source   Source
	// Changes signals that Source may have another answer. It may be nil.
	Changes <-chan struct{}
	Start   func(ctx context.Context, c Credential) (Process, error)
	Now     func() time.Time
	Version string // of this program
	MaxLine int    // of a message, in bytes; 0 is DefaultMaxLine
	// Supplied is called when a server of a client that means it has got a credential:
	// the first time when the handshake is through, and then for each that takes over.
	Supplied func(c Credential, first bool)
	// Failed is called when a tool call failed of a server that was started with c, with
	// the HTTP status that was seen in the answer, or 0, and how many calls there were
	// in the last five minutes. It reports whether the token is dead.
	Failed func(c Credential, status, calls int) (dead bool)
	// Report is called at most every ten minutes with what was counted since, and at
	// the end with all. A client that went through no handshake is no client.
	Report func(t Tally, ran time.Duration, final bool)
}

const (
	// guardTime is how long before its end a token gets no new requests if they do not
	// take longer, unless a twentieth of its life is less.
	guardTime = 5 * time.Second
	// patience bounds how long a new server waits for a moment without requests.
	patience = 10 * time.Second
	// drainTime is what requests get at least, on a server that was replaced.
	drainTime = 10 * time.Second
	// tokenWait is how long a request waits for a token that lasts, all attempts taken
	// together, before it is answered by the launcher; what a server takes that starts by
	// then comes on top. Clients give up after 30 s.
	tokenWait = 10 * time.Second
	// gateWait is how long what a Gate kept waits when there is no other token.
	gateWait = 50 * time.Millisecond
	// maxRounds is how often a server is made ready in vain if no request waits for it.
	maxRounds = 3
	// helloWait bounds the handshake with a later server.
	helloWait = 2 * time.Minute
	// discoverWait bounds the wait for a later server of the revision without one.
	discoverWait = 10 * time.Second
	// again is how soon after a failure a token is asked for once more.
	again = time.Second
	// maxDeaths is how often a server may end by itself within a minute.
	maxDeaths = 5
	// grace is how long a server has to end.
	grace = 2 * time.Second
	// reportEvery is how often at most Report is called, but for the last time.
	reportEvery = 10 * time.Minute
	// closeWait is how long it has when the client has hung up, and answerWait if it
	// was still to answer. Clients kill after half a second, or two.
	closeWait  = 300 * time.Millisecond
	answerWait = 1500 * time.Millisecond
	// signalWait is how long it has, twice, when we were told to end.
	signalWait = 150 * time.Millisecond
)

// Proxy is one client's connection.
type Proxy struct {
	p   Params
	out *lineWriter

	// order is held while lines go to a server, so that they stay in order. It is
	// taken before mu.
	order   sync.Mutex
	scratch []message // of fromClient
	mu      sync.Mutex
	s       session
	tally   tallies

	current   *server     // gets new requests
	next      *server     // is ready and waits for a moment without requests
	renewal   *Credential // likewise, for the present server
	living    map[*server]bool
	late      *time.Timer // when they wait no longer
	preparing bool
	stuck     bool          // the token that is asked for takes long
	slow      time.Duration // what requests take, at their slowest
	queue     [][]byte      // lines that wait for a server
	queued    int           // bytes
	since     time.Time     // when the first of them came
	room      *sync.Cond    // signals that queue or work has become less
	started   int           // generations
	began     bool
	tried     time.Time   // when a token was asked for in vain
	refusal   string      // why there is no server
	deaths    []time.Time // of servers that ended by themselves
	lastEnd   string
	status    int // of the last server that ended by itself
	closing   bool
	work      sync.WaitGroup
}

// Run serves the client until it hangs up, at either end, or ctx ends, and returns the
// status to exit with. No process of a server is left then.
func Run(ctx context.Context, p Params) (status int, err error) {
	if p.MaxLine == 0 {
		p.MaxLine = DefaultMaxLine
	}
	x := &Proxy{p: p, out: &lineWriter{w: p.Out}, s: newSession(), living: map[*server]bool{}}
	x.room = sync.NewCond(&x.mu)
	deaf := make(chan struct{})
	x.out.failed = func() { close(deaf) }
	x.tally.begun, x.tally.reported = p.Now(), p.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	read := make(chan error, 1)
	go func() { read <- x.readClient(ctx) }()
	for {
		select {
		case err = <-read:
			return x.close(cancel, true), err
		case <-ctx.Done():
			return x.close(cancel, false), nil
		case <-deaf:
			return x.close(cancel, false), nil
		case _, ok := <-p.Changes:
			if !ok {
				p.Changes = nil
				continue
			}
			x.check(ctx)
		}
	}
}

func (x *Proxy) readClient(ctx context.Context) error {
	lines := newLineReader(x.p.In, x.p.MaxLine)
	for {
		line, tail, err := lines.next()
		switch {
		case errors.Is(err, errTooLong):
			x.tooLong(line, tail)
			continue
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		x.fromClient(ctx, line, lines.more())
	}
}

// tooLong answers a request that is over the limit.
func (x *Proxy) tooLong(head, tail []byte) {
	words := fmt.Sprintf("the message is longer than %d bytes", x.p.MaxLine)
	for _, id := range idsOf(head, tail) {
		x.send(failure(id, codeInvalid, words))
		return
	}
	x.warn(words + " and was dropped")
}

// send writes a line to the client.
func (x *Proxy) send(line []byte) {
	if len(line) > 0 {
		x.out.add(line)
		_ = x.out.flush() // if the client is gone, that ends us
	}
}

// warn says something to whoever reads the client's log of the server.
func (x *Proxy) warn(words string) { _, _ = fmt.Fprintln(x.p.Err, "stagedoor: "+words) }

// close ends everything, and returns the status to exit with. polite gives the
// server a moment to answer what it was asked last.
func (x *Proxy) close(cancel func(), polite bool) int {
	x.mu.Lock()
	wait := signalWait
	if polite {
		wait = closeWait
		impatient := false
		timer := time.AfterFunc(answerWait, func() {
			x.mu.Lock()
			defer x.mu.Unlock()
			impatient = true
			x.room.Broadcast()
		})
		for !impatient && (x.preparing || len(x.queue) > 0 || x.current != nil && x.current.busy > 0) {
			x.room.Wait()
		}
		timer.Stop()
	}
	x.closing = true
	x.room.Broadcast()
	var all []*server
	for s := range x.living {
		s.retired = true
		all = append(all, s)
	}
	status := x.status
	if x.s.agreed != nil || x.s.modern {
		status = 0
	}
	x.mu.Unlock()
	var ends sync.WaitGroup
	for _, s := range all {
		ends.Go(func() { s.End(wait) })
	}
	ends.Wait()
	cancel()
	x.work.Wait()
	x.mu.Lock()
	x.report(true)
	x.mu.Unlock()
	x.work.Wait()
	return status
}
