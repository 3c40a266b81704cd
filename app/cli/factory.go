package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/doctor"
	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// Factory is everything a command touches outside itself.
type Factory struct {
	In       io.Reader
	Out, Err io.Writer
	// Pipe is standard input if an MCP client may be at its other end, see launch.Pipe.
	Pipe func() (in io.Reader, restore func())
	// ReadPassword asks for a secret without showing it. Nil if standard input
	// is no terminal.
	ReadPassword func(prompt string) (secret.String, error)

	// Shell runs a line of the user's own, which prints a secret.
	Shell func(ctx context.Context, line string) (secret.String, error)

	// Copy puts a text into the clipboard of the user's terminal. Nil if standard
	// error is no terminal.
	Copy func(text string)

	// Keeper opens the Keeper when a command needs it; end closes it.
	Keeper func(ctx context.Context) (k *auth.Keeper, end func(context.Context) error, err error)
	Names  func() []string // of the profiles, for completion: creates nothing and asks no vault
	// EveryName is Names with those that profiles had before, of deleted ones too.
	EveryName func() []string
	Setup     func(k setup.Keeper) (setup.Service, error)
	// Backups are those of all clients' files, for completion.
	Backups func() []clients.Backup
	// Folder is where the user's files of a kind are: recipes, providers.
	Folder  func(name string) (string, error)
	OpenURL func(ctx context.Context, url string) error
	// OpenFile has the system open a file with its program. Nil where Claude Desktop takes
	// no bundles.
	OpenFile func(ctx context.Context, path string) error
	// Settings is where the user's settings are.
	Settings func() (*settings.Store, error)
	// Environ is the environment this process was started with, for children.
	Environ []string
	// Launch becomes the program; see launch.Run.
	Launch func(program string, args, env []string) (int, error)
	// RunDirs is where servers' private folders may be made; see launch.NewRunDir.
	RunDirs func() ([]string, error)
	// Serving prepares the process for standing between a client and a server: it ends
	// with its parent, and keeps what it knows from others.
	Serving func(ctx context.Context) (context.Context, func())

	// Look does what a tray does, once, without asking anybody anything or running a
	// command that prints a secret. Watch does that too.
	Look, Watch func(ctx context.Context, k *auth.Keeper) (auth.Watched, error)
	// OnlyWatch makes this process the one that watches a state folder.
	OnlyWatch func() (end func(), err error)

	// Doctor has the checks of everything; end closes what it opened.
	Doctor func(ctx context.Context) (d *doctor.Doctor, end func(context.Context) error)

	Tray    func(ctx context.Context) error
	Window  func(ctx context.Context, name string) (status int, err error)
	Windows []string // the windows that exist in this build
	// Autostart is this user's, with the variables here that a login does not set.
	Autostart func() (a Autostart, apart []string, err error)
	Demo      func(ctx context.Context) error
	// Quit closes the tray and all windows, and returns when the tray has gone. ran says
	// that there was one.
	Quit func(ctx context.Context) (ran bool, err error)
	// OnPath has this program's folder in the user's PATH, or no longer. Nil where an
	// installer has no need of it.
	OnPath func(on bool) error
	// Traces are the files and folders of the app beside the state folder.
	Traces func() []string
	// RunningServers is how many servers, as far as is known, run through this program.
	RunningServers func(ctx context.Context) int

	Now     func() time.Time
	Version string
	Policy  string // the text of SECURITY.md
}

// withKeeper gives work the Keeper and closes it afterwards.
func (f *Factory) withKeeper(ctx context.Context, work func(context.Context, *auth.Keeper) error) error {
	k, end, err := f.Keeper(ctx)
	if err != nil {
		return err
	}
	err = work(ctx, k)
	// The anchor is written at the end. Not being able to costs nothing but
	// the notice of a truncated log, so it does not change the outcome.
	_ = end(context.WithoutCancel(ctx))
	return err
}

// run ends the RunE of a command whose flags are in o: it does the work with the
// Keeper, or in a test of the flags gives them to runF.
func run[O any](cmd *cobra.Command, f *Factory, o *O, runF func(*O) error, work func(context.Context, *auth.Keeper) error) error {
	if runF != nil {
		return runF(o)
	}
	return f.withKeeper(cmd.Context(), work)
}

// printf writes what a command found out. Others may have chosen the words in
// args, so each is put on one line, without what steers a terminal. If standard
// output takes no more, Run returns the error.
func (f *Factory) printf(format string, args ...any) {
	clean(args)
	_, _ = fmt.Fprintf(f.Out, format, args...)
}

// done is printf, unless there is an error, which it returns.
func (f *Factory) done(err error, format string, args ...any) error {
	if err == nil {
		f.printf(format, args...)
	}
	return err
}

// notef is printf for standard error.
func (f *Factory) notef(format string, args ...any) {
	clean(args)
	_, _ = fmt.Fprintf(f.Err, format, args...)
}

// warn says on standard error what is not as it should be, if anything.
func (f *Factory) warn(problem, advice string) {
	if problem != "" {
		f.notef("stagedoor: %s\n", problem)
	}
	if advice != "" {
		f.notef("hint: %s\n", advice)
	}
}

// clean replaces what is no number by its text, made printable.
func clean(args []any) {
	for i, a := range args {
		switch a.(type) {
		case int, int64, uint64, float64:
		default:
			args[i] = printable(fmt.Sprint(a))
		}
	}
}

// output remembers the first error of a stream and writes nothing after it.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(p []byte) (n int, err error) {
	if o.err == nil {
		n, o.err = o.Writer.Write(p)
	}
	return n, o.err
}
