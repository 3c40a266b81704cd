package app_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/stagedoor-app/stagedoor/app"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// The scripts in testdata/script run the real program: every `stagedoor` is a
// process of its own, on a state folder and a file vault of the script's own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"stagedoor":   stagedoor,
		"fakebrowser": fakebrowser,
		"child":       child,
		"client":      client,
		"stuck":       stuck,
	})
}

const policy = `# Security

- **Next review**: 2020-02-29
- **Contact**: <https://example.com/report>, in an emergency too

## Incidents

- **Rotation**: every 90 days
`

func stagedoor() {
	ctx, stop := app.EndOnSignal(os.Exit)
	defer stop()
	os.Exit(app.Main(ctx, os.Args[1:], app.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, policy))
}

// stuck hangs in something that no context reaches.
func stuck() {
	_, stop := app.EndOnSignal(os.Exit)
	defer stop()
	fmt.Println("ready")
	select {}
}

// fakebrowser is $BROWSER: it gets the address as its only argument.
func fakebrowser() {
	b := &authtest.Browser{Deny: os.Getenv("BROWSER_DENIES") != "", Account: os.Getenv("BROWSER_ACCOUNT")}
	if len(os.Args) != 2 {
		os.Exit(2)
	}
	if err := b.Open(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child stands for an MCP server: it shows what reached it.
func child() {
	switch os.Args[1] {
	case "env":
		for _, kv := range os.Environ() {
			fmt.Println(kv)
		}
	case "args":
		fmt.Printf("%q\n", os.Args[2:])
	case "cat":
		_, _ = io.Copy(os.Stdout, os.Stdin)
		fmt.Fprintln(os.Stderr, "stdin was closed")
	case "exit":
		n, _ := strconv.Atoi(os.Args[2])
		os.Exit(n)
	case "parent": // the parent's name tells whether a launcher was left behind
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", os.Getppid()))
		fmt.Println(strings.TrimSpace(string(status)), err)
	}
}

// client stands for an MCP client: it says what a file has to a server, shows what comes back, and hangs up after the
// first line.
func client() {
	words, err := os.ReadFile(os.Args[1])
	fail(err)
	server := exec.CommandContext(context.Background(), os.Args[2], os.Args[3:]...)
	server.Stderr = os.Stderr
	in, err := server.StdinPipe()
	fail(err)
	out, err := server.StdoutPipe()
	fail(err)
	fail(server.Start())
	_, err = in.Write(words)
	fail(err)
	answers := bufio.NewReader(out)
	line, err := answers.ReadString('\n')
	fmt.Print(line)
	fail(err)
	fail(in.Close())
	_, err = io.Copy(os.Stdout, answers)
	fail(err)
	fail(server.Wait())
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			server, err := authtest.NewServer(authtest.Params{
				Rotation: authtest.Rotating, Consent: true, Device: true, DeviceInterval: time.Second,
				Accounts: []authtest.Account{{Subject: "ada", Name: "Ada Lovelace"}, {Subject: "grace", Name: "Grace Hopper"}},
			})
			if err != nil {
				return err
			}
			e.Defer(func() { _ = server.Close() })
			e.Values["server"] = server
			pass := filepath.Join(e.WorkDir, ".passphrase")
			if err := os.WriteFile(pass, []byte("a passphrase for tests\n"), 0o600); err != nil {
				return err
			}
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("STAGEDOOR_HOME", filepath.Join(e.WorkDir, "state"))
			e.Setenv("STAGEDOOR_VAULT", "file")
			e.Setenv("STAGEDOOR_PASSPHRASE_FILE", pass)
			e.Setenv("BROWSER", "fakebrowser")
			e.Setenv("ISSUER", server.Issuer())
			return os.Mkdir(filepath.Join(e.WorkDir, "home"), 0o700)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status":    status,
			"provider":  provider,
			"nobrowser": nobrowser,
			"device":    device,
			"knows":     knows,
		},
	})
}

// status CODE COMMAND… runs a command and checks its exit status, and that
// a refusal says what to do; its output goes where exec's goes.
func status(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
	if stderr := ts.ReadFile("stderr"); strings.Contains(stderr, "stagedoor: ") && !strings.Contains(stderr, "\nhint: ") {
		ts.Fatalf("it is refused without a hint")
	}
}

// provider does something to the authorization server.
func provider(ts *testscript.TestScript, _ bool, args []string) {
	server := ts.Value("server").(*authtest.Server)
	switch args[0] {
	case "expires-all":
		server.ExpireAll()
	case "revokes-all":
		server.RevokeAll()
	case "is-down":
		server.Script(authtest.Token, authtest.Answer{Status: 503}, authtest.Answer{Status: 503})
	case "grants-less":
		server.Script(authtest.Token, authtest.Answer{Process: true, Rewrite: func(b []byte) []byte {
			return bytes.Replace(b, []byte("openid profile email"), []byte("openid profile"), 1)
		}})
	case "cannot-revoke":
		server.Script(authtest.Revocation, authtest.Answer{Status: 503})
	case "will-not-revoke":
		server.Script(authtest.Revocation, authtest.Answer{Status: 200, Body: `{"ok":false,"error":"invalid_client"}`})
	case "refreshed":
		if got := strconv.Itoa(server.Counts().Grants["refresh_token"]); got != args[1] {
			ts.Fatalf("the provider saw %s refresh requests, want %s", got, args[1])
		}
	default:
		ts.Fatalf("provider does not know %q", args[0])
	}
}

// knows checks that the text in a file, without white space around it, is an
// access token that the server takes.
func knows(ts *testscript.TestScript, neg bool, args []string) {
	server := ts.Value("server").(*authtest.Server)
	token := strings.TrimSpace(ts.ReadFile(args[0]))
	if token == "" || server.AccessValid(secret.String(token)) == neg {
		ts.Fatalf("the server's view of the token in %s is not as wanted (empty: %v)", args[0], token == "")
	}
}

// nobrowser PROFILE does `login --no-browser` as a person would: it takes the
// address from the first line of standard output to a browser, where Grace
// signs in though Ada did before.
func nobrowser(ts *testscript.TestScript, _ bool, args []string) {
	program, err := exec.LookPath("stagedoor")
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "login", args[0], "--no-browser")
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"HOME", "STAGEDOOR_HOME", "STAGEDOOR_VAULT", "STAGEDOOR_PASSPHRASE_FILE", "PATH"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	lines := bufio.NewReader(out)
	address, err := lines.ReadString('\n')
	ts.Check(err)
	ts.Check((&authtest.Browser{Account: "grace"}).Open(ctx, strings.TrimSuffix(address, "\n")))
	rest, err := io.ReadAll(lines)
	ts.Check(err)
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 5 || !strings.Contains(stderr.String(), "the account is Grace Hopper, it was Ada Lovelace") {
		ts.Fatalf("another account: exit status %d, %s", got, stderr.String())
	}
	if !strings.Contains(string(rest), "signed in as Grace Hopper") {
		ts.Fatalf("it printed %q", rest)
	}
}
