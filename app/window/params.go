package window

import (
	"context"
	"io"
	"time"

	"github.com/stagedoor-app/stagedoor/app/window/alerts"
	"github.com/stagedoor-app/stagedoor/app/window/auditlog"
	"github.com/stagedoor-app/stagedoor/app/window/profiles"
	"github.com/stagedoor-app/stagedoor/app/window/servers"
	"github.com/stagedoor-app/stagedoor/app/window/welcome"
	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// Keeper is what the windows need of auth.Keeper.
type Keeper interface {
	alerts.Keeper
	auditlog.Keeper
	profiles.Keeper
	welcome.Keeper
}

// Companions are the processes beside a window. Each field may be nil.
type Companions struct {
	Raise func(context.Context) (<-chan struct{}, error) // signals that the window is wanted in front
	Quit  func(context.Context) (<-chan struct{}, error) // signals that the user left the app
	Tray  func() bool                                    // reports whether there is a tray
}

// Params is what a window is given. Keeper and Now are required.
type Params struct {
	Keeper Keeper
	// Now is the clock of countdowns and of the time filters.
	Now func() time.Time
	// OpenURL opens a page in the user's browser.
	OpenURL func(url string) error
	// Setup writes the active profile's entry into Claude Desktop's configuration
	// and returns one sentence on what it did. If the error is a setup.Question, it is
	// to be called again with the answer: see setup.Service.Click. Nil hides that step.
	Setup func(ctx context.Context, agreed string) (message string, err error)
	// Entries are those of the MCP clients. Nil says that nothing is known of them.
	Entries profiles.Entries
	// Servers is what the window on servers and clients works on.
	Servers servers.Parts
	// Export writes the log, or what q selects of it, to w in a format: "jsonl",
	// "csv", "legacy" or "bundle". Nil hides the button.
	Export func(ctx context.Context, w io.Writer, format string, q audit.Query) (events int, err error)
	// Incident begins an incident report about an alert and returns the file that
	// it was written to. Nil hides the button.
	Incident func(ctx context.Context, alertID string) (path string, err error)
	// TurnedDown says which alarms the user turned off or down, or "". Nil says
	// nothing.
	TurnedDown func() string
	// Companions are the other processes of the app. The zero value is none.
	Companions Companions
	// Open opens another window. Nil hides the ways there.
	Open func(name string) error
	// Demo starts the demonstration, which needs no account, and returns once it
	// runs. Nil hides the button.
	Demo   func() error
	InDemo bool // this is the demonstration
}
