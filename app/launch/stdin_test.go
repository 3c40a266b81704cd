package launch

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// An MCP client is told from everything else that starts a program with a token by how
// standard input begins, of which nothing may be lost by looking.
func TestOpening(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want Opening
	}{
		"a message":          {`{"jsonrpc":"2.0","id":1,"method":"initialize"}` + "\n", Message},
		"a batch":            {`[{"jsonrpc":"2.0"}]` + "\n", Message},
		"white space before": {"\r\n \t\n{}\n", Message},
		"words":              {"select 1;\n", Other},
		"a byte order mark":  {"\ufeff{}\n", Other},
		"NUL":                {"\x00{}\n", Other},
		"white space alone":  {" \n", Other},
		"nothing":            {"", Ended},
	} {
		t.Run(name, func(t *testing.T) {
			got, in := Open(t.Context(), strings.NewReader(c.in), 0)
			rest, err := io.ReadAll(in)
			if got != c.want || err != nil || string(rest) != c.in {
				t.Errorf("it begins with %d, want %d; what is read is %q, %v", got, c.want, rest, err)
			}
		})
	}
}

// Who says nothing in time is taken for no client, and what is said later is for the
// program.
func TestOpeningThatComesLate(t *testing.T) {
	for name, end := range map[string]func(t *testing.T) (context.Context, time.Duration){
		"in time": func(t *testing.T) (context.Context, time.Duration) { return t.Context(), time.Second },
		"told to end": func(t *testing.T) (context.Context, time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			t.Cleanup(cancel)
			return ctx, 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, w := io.Pipe()
				ctx, wait := end(t)
				begun := time.Now()
				got, in := Open(ctx, r, wait)
				if took := time.Since(begun); got != Silent || took != time.Second {
					t.Errorf("it begins with %d after %v", got, took)
				}
				const said = "{}\nand more\n"
				go func() {
					_, _ = io.WriteString(w, said)
					_ = w.Close()
				}()
				if all, err := io.ReadAll(in); err != nil || string(all) != said {
					t.Errorf("what is read is %q, %v", all, err)
				}
			})
		})
	}
}
