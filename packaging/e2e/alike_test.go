//go:build e2e && linux

package e2e

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/packaging/authserver"
)

// Who talks to a server through Stagedoor sees what is seen without: servers on three
// SDKs, and a client that asks them for all that they have, in both eras of the
// protocol, with progress, and with what the server asks of its client. What is not
// compared is which lists may change: through Stagedoor all may.
func TestServersAreTheSameThroughTheProxy(t *testing.T) {
	t.Parallel()
	root, err := authserver.Root()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(root, "packaging", "python")
	python := filepath.Join(folder, ".venv", "sdk", "bin", "python")
	example := []tool{{"add", map[string]any{"a": 1, "b": 2.5}}, {Name: "fail"}, {Name: "work"}, {Name: "ask"}, {Name: "nosuch"}}
	servers := map[string]struct {
		command []string
		tools   []tool
		modern  bool
	}{
		"official SDK for Python": {[]string{python, filepath.Join(folder, "example.py"), "mcp"}, example, true},
		"FastMCP":                 {[]string{python, filepath.Join(folder, "example.py"), "fastmcp"}, example, true},
		"server-everything": {[]string{node(), script("@modelcontextprotocol", "server-everything", "dist", "index.js")}, []tool{
			{"echo", map[string]any{"message": "\u2028 \U0001f3ad"}},
			{"get-sum", map[string]any{"a": 1, "b": 2}},
			{Name: "get-tiny-image"},
			{"get-structured-content", map[string]any{"location": "New York"}},
			{"trigger-long-running-operation", map[string]any{"duration": 0.3, "steps": 3}},
			{"trigger-sampling-request", map[string]any{"prompt": "hello"}},
			{Name: "trigger-elicitation-request"},
			{Name: "get-roots-list"},
		}, false},
	}
	s := newStudio(t, "oidc", time.Hour)
	for name, server := range servers {
		for _, mode := range []string{"auto", "legacy"} {
			t.Run(name+", "+mode, func(t *testing.T) {
				explore := func(command []string) map[string]any {
					plan := calls{Command: command[0], Args: command[1:], Tools: server.tools, Mode: mode}
					cmd := exec.CommandContext(t.Context(), python, filepath.Join(folder, "explore.py"), plan.file(t))
					var errs bytes.Buffer
					cmd.Env, cmd.Dir, cmd.Stderr = s.env, s.dir, &errs
					out, err := cmd.Output()
					if err != nil {
						t.Fatalf("%v\n%s", err, errs.String())
					}
					seen := map[string]any{}
					for line := range strings.Lines(string(out)) {
						var l struct {
							What   string
							Result any
						}
						if err := json.Unmarshal([]byte(line), &l); err != nil {
							t.Fatalf("%q: %v", line, err)
						}
						list, _ := seen[l.What].([]any)
						seen[l.What] = append(list, l.Result)
					}
					return seen
				}
				without := explore(server.command)
				with := explore(append([]string{lean, "run", "--profile", "ann", "--env", "API_TOKEN={access_token}", "--"}, server.command...))
				if diff := cmp.Diff(without, with); diff != "" {
					t.Errorf("-without +with:\n%s", diff)
				}
				if modern := without["version"].([]any)[0] == "2026-07-28"; modern != (server.modern && mode == "auto") {
					t.Errorf("it speaks %v", without["version"])
				}
				if len(without) < 10+len(server.tools) {
					t.Errorf("not much was asked for: %v", without)
				}
			})
		}
	}
	s.nothingRuns()
}
