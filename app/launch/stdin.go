package launch

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"time"
)

// Opening is how standard input begins, which tells an MCP client from everything
// else that starts a program with a token.
type Opening int

// What standard input begins with.
const (
	Silent  Opening = iota // nothing yet
	Ended                  // its end
	Message                // a JSON-RPC message
	Other                  // something else
)

// Open waits for the beginning of in, at most for wait if that is not 0, and returns
// a reader of the whole.
func Open(ctx context.Context, in io.Reader, wait time.Duration) (Opening, io.Reader) {
	r := bufio.NewReader(in)
	first := make(chan Opening, 1)
	go func() {
		for n := 1; ; n++ {
			head, err := r.Peek(n)
			switch {
			case errors.Is(err, io.EOF) && len(head) == 0:
				first <- Ended
			case err != nil:
				first <- Other
			case head[n-1] == ' ' || head[n-1] == '\n' || head[n-1] == '\r' || head[n-1] == '\t':
				continue
			case head[n-1] == '{' || head[n-1] == '[':
				first <- Message
			default:
				first <- Other
			}
			return
		}
	}()
	var late <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-ctx.Done():
	case <-late:
	case o := <-first:
		return o, r
	}
	// The goroutine has the reader until something comes.
	return Silent, afterwards{first, r}
}

// afterwards reads when the beginning is there.
type afterwards struct {
	first chan Opening
	r     io.Reader
}

func (a afterwards) Read(p []byte) (int, error) {
	if _, waiting := <-a.first; waiting {
		close(a.first)
	}
	return a.r.Read(p)
}

// Pipe returns standard input to be read as an MCP client's, or nil if no client can
// be at its other end: that takes a pipe or a socket, and no terminal or file. Before
// another program gets the same input, restore must be called.
func Pipe(f *os.File) (in io.Reader, restore func()) {
	if f == nil {
		return nil, func() {}
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return nil, func() {}
	}
	return pollable(f)
}
