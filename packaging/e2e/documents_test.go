//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/stagedoor-app/stagedoor/packaging/authserver"
	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

// walk types what a document has its reader type, in the document's order, on a desktop with a real keyring and a real
// authorization server. The documents are the ones that the product comes from; what they ask for is in
// testdata/documents, one script each, where a line that begins with "# > " is the document's own.
//
// Nothing reaches a network: the browser signs in at the server of this machine alone, and writes down every other
// address that it is asked to open.
func walk(t *testing.T, document string) {
	s := newStage(t, lean, desktop.Options{NoPanel: true, NoNotifications: true})
	memory, err := os.MkdirTemp("/dev/shm", "stagedoor-walk-") // a runtime folder as a login to the computer makes it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(memory) })
	testscript.Run(t, testscript.Params{
		ContinueOnError: true, // a walk tells of all that is not as promised
		Files:           []string{filepath.Join("testdata", "documents", document)},
		Setup: func(e *testscript.Env) error {
			for _, kv := range s.Env() {
				name, value, _ := strings.Cut(kv, "=")
				e.Setenv(name, value)
			}
			bin := filepath.Join(e.WorkDir, "bin")
			stubs, err := filepath.Glob(filepath.Join(bin, "*"))
			if err != nil {
				return err
			}
			for _, program := range stubs {
				if err := os.Chmod(program, 0o755); err != nil {
					return err
				}
			}
			for name, value := range map[string]string{
				"PATH": strings.Join([]string{bin, filepath.Dir(lean), os.Getenv("PATH")}, ":"), "BROWSER": filepath.Join(bin, "browser"),
				"FAKEBROWSER": browser, "ROOT": filepath.Dir(filepath.Dir(programs)), "FAKEBROWSER_ACCOUNT": "ada", "WORK": e.WorkDir, "MEMORY": memory, "ISSUER": s.server.Issuer,
				"PUBLIC_CLIENT": authserver.PublicClientID, "CONFIDENTIAL_CLIENT": authserver.ConfidentialClientID,
				"CONFIDENTIAL_SECRET": authserver.ConfidentialSecret, "HTTPS_PROXY": "http://127.0.0.1:9",
			} {
				e.Setenv(name, value)
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status":   walkStatus,
			"provider": s.walkProvider,
			"expires":  s.walkExpires,
			"keyring":  s.walkKeyring,
			"claude":   walkClaude,
		},
	})
}

// walkStatus runs a command that must end with the status, and with a hint if it was refused: status CODE COMMAND…
func walkStatus(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	got := 0
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
	if said := ts.ReadFile("stderr"); strings.Contains(said, "stagedoor: ") && !strings.Contains(said, "\nhint: ") {
		ts.Fatalf("it is refused without a hint")
	}
}

// walkProvider has the authorization server do something: provider ttl DURATION, rotates, stays, fails N.
func (s *stage) walkProvider(ts *testscript.TestScript, _ bool, args []string) {
	switch args[0] {
	case "ttl":
		d, err := time.ParseDuration(args[1])
		ts.Check(err)
		ts.Check(s.server.SetTTL(s.soon(), d))
	case "rotates", "stays":
		ts.Check(s.server.SetRotation(s.soon(), args[0] == "rotates"))
	case "fails":
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		ts.Check(s.server.FailNext(s.soon(), n, 503))
	default:
		ts.Fatalf("provider does not know %q", args[0])
	}
}

// walkExpires waits until a profile's access token has ended: expires PROFILE.
func (s *stage) walkExpires(ts *testscript.TestScript, _ bool, args []string) {
	p, ok := s.profiles()[args[0]]
	if !ok || p.Expires.IsZero() {
		ts.Fatalf("%s has no token that ends", args[0])
	}
	waitUntil(p.Expires)
}

// walkKeyring locks or unlocks the keyring.
func (s *stage) walkKeyring(ts *testscript.TestScript, _ bool, args []string) {
	switch args[0] {
	case "lock":
		ts.Check(s.LockKeyring(s.soon()))
	case "unlock":
		ts.Check(s.UnlockKeyring(s.soon()))
	default:
		ts.Fatalf("keyring does not know %q", args[0])
	}
}

// walkClaude starts a server as Claude Desktop does, from its config: claude ENTRY.
func walkClaude(ts *testscript.TestScript, _ bool, args []string) {
	var config struct {
		Servers map[string]struct {
			Command string            `json:"command"`
			Args    []string          `json:"args"`
			Env     map[string]string `json:"env"`
		} `json:"mcpServers"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(filepath.Join(ts.Getenv("HOME"), ".config", "Claude", "claude_desktop_config.json"))), &config))
	entry, ok := config.Servers[args[0]]
	if !ok {
		ts.Fatalf("the config has no entry %q", args[0])
	}
	line := []string{}
	for name, value := range entry.Env {
		line = append(line, name+"="+value)
	}
	ts.Check(ts.Exec("env", append(append(line, entry.Command), entry.Args...)...))
}
