package setup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/stagedoor-app/stagedoor/app/clients"
)

// answering is a server in a shell: it answers each line that has a word with what
// stands behind it.
func answering(pairs ...string) string {
	var cases strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		cases.WriteString("*'\"" + pairs[i] + "\"'*) echo '" + pairs[i+1] + "';;\n")
	}
	return "while read -r line; do case $line in\n" + cases.String() + "esac; done\n"
}

const (
	able  = `"capabilities":{"tools":{}},"serverInfo":{"name":"x","version":"1"}}}`
	hello = `{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18",` + able
	three = `{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"a"},{"name":"b"},{"name":"c"}]}}`
)

// After a set-up the user knows whether the server starts, and if not, why.
func TestCheckStartsTheServerAsTheClientWill(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		want   Check
		says   string // in the problem
		advice string
	}{
		"with a handshake": {answering("initialize", hello, "tools/list", three), Check{OK: true, Tools: 3, Protocol: "2025-06-18"}, "", ""},
		"without": {
			answering("initialize", `{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"no"}}`,
				"server/discover", `{"jsonrpc":"2.0","id":2,"result":{"supportedVersions":["2026-07-28"],`+able,
				"tools/list", strings.Replace(three, `"id":2`, `"id":3`, 1)),
			Check{OK: true, Tools: 3, Protocol: "2026-07-28"},
			"", "",
		},
		"in pages, with a question and what is no message": {
			answering("initialize", hello, `cursor":"more`, strings.Replace(three, `"id":2`, `"id":3`, 1),
				"tools/list", "Ready.\n"+`{"jsonrpc":"2.0","id":9,"method":"ping"}`+"\n"+strings.Replace(three, `}]`, `}],"nextCursor":"more"`, 1)),
			Check{OK: true, Tools: 6, Protocol: "2025-06-18"},
			"", "",
		},
		"no tools":            {answering("initialize", strings.Replace(hello, `"tools":{}`, "", 1)), Check{OK: true, Protocol: "2025-06-18"}, "", ""},
		"nobody is signed in": {answering("initialize", `{"jsonrpc":"2.0","id":1,"result":{"capabilities":{"tools":{}},"serverInfo":{"name":"stagedoor"},"instructions":"Sign in first."}}`), Check{Untried: true}, "Sign in first.", ""},
		"a module is missing": {"echo \"ModuleNotFoundError: No module named 'spotipy'\" >&2; exit 1", Check{}, "the Python module spotipy is not installed for /bin/sh", "pip install"},
		"it ends":             {"exit 3", Check{}, "ended with status 3", "by hand"},
		"an echo":             {"cat", Check{}, "no MCP server", "by hand"},
		"it lists nothing":    {answering("initialize", hello, "tools/list", `{"jsonrpc":"2.0","id":2,"error":{"code":-32000,"message":"401 from the API"}}`), Check{Protocol: "2025-06-18"}, "401 from the API", "by hand"},
		"its environment is the client's": {
			`[ "$PWD,$PATH,$OWN,$SHELLS" = "$HOME,/usr/bin:/bin,1," ] || { echo "$PWD,$PATH,$OWN,$SHELLS" >&2; exit 9; }` + "\n" + answering("initialize", hello, "tools/list", three),
			Check{OK: true, Tools: 3, Protocol: "2025-06-18"},
			"", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			s := service(t, home)
			s.Host = []string{"HOME=" + home, "PATH=" + home + "/.nvm/bin:/usr/bin:/bin", "SHELLS=not passed on"}
			client, err := clients.Lookup("")
			if err != nil {
				t.Fatal(err)
			}
			// In place of the launcher, whose arguments it has.
			entry := clients.Entry{Command: "/bin/sh", Args: []string{"-c", c.script, "--", "/bin/sh"}, Env: map[string]string{"OWN": "1"}}
			got := s.Check(t.Context(), Plan{Client: client, Change: clients.Change{Name: "x", Entry: &entry}})
			c.want.Entry = "x"
			if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(Check{}, "Seconds", "Problem", "Hint", "Output", "Slow", "Listed")); diff != "" || len(got.Listed) != got.Tools {
				t.Errorf("-want +got:\n%s\n%+v", diff, got)
			}
			if (got.Problem == "") != (c.says == "") || !strings.Contains(got.Problem, c.says) || !strings.Contains(got.Hint, c.advice) {
				t.Errorf("problem %q, hint %q", got.Problem, got.Hint)
			}
			if well := c.want.OK || c.want.Untried; well != (got.Err() == nil) {
				t.Errorf("as an error: %v", got.Err())
			}
		})
	}
}

// What a server writes may have the token, which is shown nowhere; and one that stays
// silent is waited for as long as its client waits.
func TestCheckOfAServerThatStaysSilent(t *testing.T) {
	token := "BQ" + strings.Repeat("aB3dE6gH9", 5)
	s := service(t, t.TempDir())
	s.Host = os.Environ()
	entry := clients.Entry{Command: "/bin/sh", Args: []string{"-c", "echo my token is " + token + " >&2; cat >/dev/null"}}
	began := time.Now()
	got := s.Check(t.Context(), Plan{Client: clients.Client{Name: "Some Client", Patience: 300 * time.Millisecond}, Change: clients.Change{Name: "x", Entry: &entry}})
	if got.OK || !strings.Contains(got.Problem, "as long as Some Client waits") || got.Hint == "" || time.Since(began) > 20*time.Second {
		t.Errorf("%+v", got)
	}
	if all := strings.Join(append(got.Output, got.Problem, got.Hint), " "); strings.Contains(all, token) || !strings.Contains(all, "my token is") {
		t.Errorf("it shows %q", all)
	}
}
