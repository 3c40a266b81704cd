package servers

import (
	"context"

	"github.com/stagedoor-app/stagedoor/app/guard"
	"github.com/stagedoor-app/stagedoor/app/scan"
	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth"
)

// Keeper is what the window needs of auth.Keeper. Its methods may block and are safe for
// concurrent use.
type Keeper interface {
	setup.Keeper
	setup.Importer
	scan.Keeper
	// Watch signals each change that any process made, until ctx ends.
	Watch(ctx context.Context) (<-chan struct{}, error)
	// State returns all profiles.
	State(ctx context.Context) (auth.State, error)
}

// Guard is what the window needs of guard.Guard. Its methods may block.
type Guard interface {
	// Open are the losses that wait for an answer.
	Open() []guard.Loss
	PutBack(ctx context.Context, client string) (message string, err error)
	Leave(ctx context.Context, client string) error
}

// Parts are what the window works on. With a Problem there is nothing else.
type Parts struct {
	Keeper   Keeper
	Setup    setup.Service
	Settings *settings.Store
	Guard    Guard
	Problem  error                   // why the clients' files cannot be looked for
	Open     func(name string) error // opens another window; may be nil
	// Run runs a command of ours in the system's shell; may be nil.
	Run func(ctx context.Context, line string) error
	// Bundle makes the bundle of a plan and has Claude Desktop open it; nil where that
	// takes none.
	Bundle func(ctx context.Context, plan setup.Plan, tools []setup.Tool) error
	Tray   func() bool // reports whether there is a tray, which has the guard; may be nil
}
