// Package demo runs the whole app on a throwaway folder with an authorization
// server of its own, so that it can be tried without an account. Nothing of it
// touches the user's keychain, profiles or MCP clients' files, and all of it is
// removed when it ends.
package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// variable tells the demo's processes what they are.
const variable = "STAGEDOOR_DEMO"

// Here reports whether this process belongs to a demo.
func Here(getenv func(string) string) bool { return getenv(variable) != "" }

// Params of Run.
type Params struct {
	Executable string   // the program itself
	Environ    []string // what its processes get, besides what makes the demo
	Out, Err   io.Writer
	// Command is what to run inside, as arguments of the program. Empty is the
	// tray.
	Command []string
}

// grace is how long the app has to end after its interrupt: a little less than
// this process has to clean up after it.
const grace = 1200 * time.Millisecond

// Run starts the demo and returns when the app in it ends or ctx does.
func Run(ctx context.Context, p Params) error {
	dir, err := os.MkdirTemp("", "stagedoor-demo-")
	if err != nil {
		return fmt.Errorf("start the demo: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	server, err := authtest.NewServer(authtest.Params{
		Name: "Stagedoor's demo provider", Consent: true, Rotation: authtest.Rotating, TTL: 5 * time.Minute,
		Accounts: []authtest.Account{
			{Subject: "ada", Name: "Ada Lovelace", Email: "ada@demo.example"},
			{Subject: "grace", Name: "Grace Hopper", Email: "grace@demo.example"},
		},
	})
	if err != nil {
		return fmt.Errorf("start the demo: %w", err)
	}
	defer func() { _ = server.Close() }()

	added, err := makeHome(dir)
	if err != nil {
		return fmt.Errorf("start the demo: %w", err)
	}
	app := program{p, withEnv(p.Environ, added)}
	for _, name := range []string{"work", "personal"} {
		if err := app.run(ctx, "create-profile", name, "--provider", "oidc", "--issuer", server.Issuer(), "--client-id", "stagedoor-demo"); err != nil {
			return err
		}
	}
	// Any MCP server will do to show what a set-up writes: it is remembered for
	// the click in the tray and taken out of the config again. Without npx, or in
	// a temporary build, there is none, and the demo goes on without.
	if npx, err := exec.LookPath("npx"); err == nil {
		_ = app.run(ctx, "setup", "--no-check", "--env", "DEMO_ACCESS_TOKEN={access_token}", "--", npx, "-y", "@modelcontextprotocol/server-everything")
		_ = app.run(ctx, "setup", "--remove")
	}
	_, _ = fmt.Fprintf(p.Out, `The demo has two profiles, "work" and "personal", at a provider of its own on
%s. Sign in from the tray: the browser shows its page.
To use the same demo from another terminal:

%s
  stagedoor profiles

It ends, and is removed, with Quit in the tray or Ctrl+C here.
`, server.Issuer(), shellLines(runtime.GOOS, added))
	return app.runApp(ctx, p.Command)
}

// shellLines sets the variables in the system's usual shell: PowerShell on Windows.
func shellLines(goos string, variables []string) string {
	var lines []string
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		line := "  export " + name + "='" + strings.ReplaceAll(value, "'", `'\''`) + "'"
		if goos == "windows" {
			line = "  $env:" + name + " = '" + strings.ReplaceAll(value, "'", "''") + "'"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// makeHome makes the throwaway home and returns the variables that lead there.
func makeHome(dir string) ([]string, error) {
	file := filepath.Join(dir, "passphrase")
	if err := durable.WriteFile(file, []byte(rand.Text()+"\n"), durable.FileMode); err != nil {
		return nil, err
	}
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		return nil, err
	}
	return []string{
		"STAGEDOOR_HOME=" + filepath.Join(dir, "state"),
		"STAGEDOOR_VAULT=file",
		"STAGEDOOR_PASSPHRASE_FILE=" + file,
		"STAGEDOOR_CLIENTS_HOME=" + home,
		variable + "=1",
	}, nil
}

// withEnv returns base with the variables set.
func withEnv(base, added []string) []string {
	env := slices.DeleteFunc(slices.Clone(base), func(kv string) bool { return strings.HasPrefix(kv, "STAGEDOOR_") })
	return append(env, added...)
}

// program runs Stagedoor in the demo's environment.
type program struct {
	Params
	env []string
}

// run runs a command to its end; what it prints is shown only if it fails.
func (p program) run(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, p.Executable, args...)
	cmd.Env = p.env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("demo: %s: %w: %s", args[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}

// runApp runs the tray until it ends by itself or ctx ends it.
func (p program) runApp(ctx context.Context, args []string) error {
	cmd := exec.CommandContext(ctx, p.Executable, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, p.Out, p.Err
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = grace
	err := cmd.Run()
	if ctx.Err() != nil { // that is how it is meant to end
		err = nil
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("demo: the app ended with status %d", exit.ExitCode())
	}
	return err
}
