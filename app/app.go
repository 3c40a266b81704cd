// Package app is the composition root: it finds the folders, makes the object
// graph and hands it to the tray, a window or a command, whichever was called.
// Nothing else knows all the parts.
package app

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/term"

	"github.com/stagedoor-app/stagedoor/app/cli"
	"github.com/stagedoor-app/stagedoor/app/demo"
	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/app/platform"
	"github.com/stagedoor-app/stagedoor/app/window"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/host"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Stdio are the process's standard streams.
type Stdio struct {
	In       *os.File
	Out, Err io.Writer
}

// Main runs one call of the program and returns its exit status. policy is the
// text of SECURITY.md. Main must be called on the main goroutine, which the tray
// and the windows need.
func Main(ctx context.Context, args []string, std Stdio, policy string) int {
	if len(args) > 0 && (args[0] == "run" || args[0] == "token") {
		// It takes milliseconds and has nothing to do in parallel: threads for that
		// cost more than they give.
		runtime.GOMAXPROCS(1)
	}
	a := &application{
		std:     std,
		environ: os.Environ(), // before anything is added for ourselves
		log:     newCommandLog(std.Err),
		grave:   make(chan struct{}, 1),
	}
	// Whoever started the program can answer the keychain's prompt. Upkeep says
	// otherwise for itself.
	wait, err := keychainWait(os.Getenv)
	if err != nil {
		a.wait = err // said by whichever command needs the keychain
	}
	ctx = vault.WithWait(ctx, wait)
	f := cli.Factory{
		In: input{ctx, std.In}, Out: std.Out, Err: std.Err,
		Keeper: func(ctx context.Context) (*auth.Keeper, func(context.Context) error, error) {
			return a.commandKeeper(ctx, actorOf(args))
		},
		Names:     func() []string { return a.profiles().Names() },
		EveryName: a.everyName,
		Setup:     a.setup,
		Backups:   a.backups,
		RunDirs: func() ([]string, error) { // of the session, in memory, beside the state
			paths, err := host.Here()
			return []string{paths.Runtime, "/dev/shm", paths.State}, err
		},
		Folder: func(name string) (string, error) {
			paths, err := host.Here()
			return filepath.Join(paths.State, name), err
		},
		OpenFile: fileOpener(a.browser()),
		OpenURL:  a.browser().Open, Settings: a.settings,
		Environ: a.environ,
		Launch:  launch.Run,
		Pipe:    func() (io.Reader, func()) { return launch.Pipe(std.In) },
		Serving: platform.Serving,
		Shell: func(ctx context.Context, line string) (secret.String, error) {
			return platform.Shell(ctx, line, a.environ, std.Err)
		},
		Look: a.watchOnce, Watch: a.watchAll, OnlyWatch: onlyWatch,
		Doctor:  a.doctor,
		Tray:    a.runTray,
		Window:  a.window,
		Windows: window.Names(), Autostart: autostart,
		Demo: func(ctx context.Context) error {
			if !platform.HasDisplay(runtime.GOOS, os.Getenv) {
				return hint.New("there is no display to show the demo on", "every action is also a command: stagedoor --help")
			}
			self, err := platform.Executable()
			if err != nil {
				return err
			}
			return demo.Run(ctx, demo.Params{Executable: self.Path, Environ: a.environ, Out: std.Out, Err: std.Err})
		},
		Quit: quit, OnPath: onPath(), Traces: traces, RunningServers: runningServers,
		Now:     time.Now,
		Version: Version(),
		Policy:  policy,
	}
	if std.In != nil && term.IsTerminal(int(std.In.Fd())) {
		f.ReadPassword = func(prompt string) (secret.String, error) { return a.readPassword(ctx, prompt) }
	}
	if screen, ok := std.Err.(*os.File); ok && term.IsTerminal(int(screen.Fd())) {
		f.Copy = func(text string) { _, _ = io.WriteString(screen, cli.CopySequence(text)) }
	}
	return cli.Run(ctx, f, args)
}

// actorOf says which part of the app was called, for the audit log.
func actorOf(args []string) string {
	if len(args) > 0 && args[0] == "run" {
		return "launcher"
	}
	return "cli"
}

// application is one process's share of the app.
type application struct {
	std     Stdio
	environ []string
	log     *slog.Logger
	// grave gets a value when this process wrote down something that may be a
	// P0 or P1; see commandKeeper.
	grave   chan struct{}
	renewed time.Time // when renewHourly last looked for client secrets to replace
	wait    error     // what is wrong with STAGEDOOR_KEYCHAIN_WAIT
}

func (a *application) browser() host.Browser { return host.Browser{Getenv: os.Getenv} }
