// Package tray is Stagedoor's icon and menu in the notification area.
//
// It runs on fyne.io/systray alone, without a window toolkit, because it stays
// all day: while nothing happens it does nothing. Every change comes in as a
// signal from the keeper's watch, a click, or one timer that is set to the next
// moment at which something visible changes.
//
// What is shown is a pure function of the state (Menu); one goroutine owns the
// state and the menu. Every call of the keeper, of a window or of the browser
// runs on a goroutine of its own with a timeout, so the menu never hangs on a
// locked keychain or a slow provider. Results and errors reach the user as
// notifications.
//
// systray keeps its connection and its menu in package variables, so Run can be
// called once per process.
package tray

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/stagedoor-app/stagedoor/app/guard"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Keeper is what the tray needs of auth.Keeper. Its methods may block; they
// must return when their context ends and be safe for concurrent use.
type Keeper interface {
	State(ctx context.Context) (auth.State, error)
	Use(ctx context.Context, name string) error
	Login(ctx context.Context, name string, o auth.LoginOptions) (auth.LoginResult, error)
	Revoke(ctx context.Context, name string) (auth.RevokeResult, error)
	// Watch signals that something in the state folder changed, whoever
	// changed it. The channel ends with ctx.
	Watch(ctx context.Context) (<-chan struct{}, error)
	// SweepAlerts returns alerts that the user has not been notified of yet,
	// and records that they now are.
	SweepAlerts(ctx context.Context) ([]alert.Alert, error)
}

// Notifier shows native notifications. Its methods do not block and do not
// fail: a notification that cannot be shown is logged.
type Notifier interface {
	Info(title, body string)
	Alert(a alert.Alert, profileName string)
}

// Guard is what the tray needs of guard.Guard.
type Guard interface {
	Open() []guard.Loss
	Changed() <-chan struct{}
	PutBack(ctx context.Context, client string) (message string, err error)
	Leave(ctx context.Context, client string) error
}

// Params are what a tray is made of. Keeper, Notify, Now and Logger are
// required.
type Params struct {
	Keeper Keeper
	Notify Notifier
	Now    func() time.Time
	Logger *slog.Logger

	// Guard asks what is to be done about what clients lost. It may be nil.
	Guard Guard
	// Setup writes the entry into Claude Desktop's config and says in one
	// sentence what it did. Without it the menu has no such item.
	Setup func(ctx context.Context, agreed string) (message string, err error)
	// SetupAsks returns what the user has to agree to first, a line each for what
	// there is and what would be, or "". Setup fails unless agreed is that. It may be nil.
	SetupAsks func(ctx context.Context) string
	// KeepLists returns the names of the clients with a server that follows the active
	// profile of a service, and that have to be started again to see other tools. It
	// may be nil.
	KeepLists func(service string) []string
	// Uses reports whether a client has a server that uses a profile once it is
	// selected. It may be nil.
	Uses func(name string) bool
	// OpenWindow starts "audit", "alerts", "profiles" or "welcome" in a process of
	// its own. Windows says that it can.
	OpenWindow func(name string) error
	// OpenURL opens a page in the browser; it is used for a provider's page of
	// connected apps after a revocation that the provider cannot do itself.
	OpenURL func(ctx context.Context, url string) error
	Windows bool
	// Demo says that this is the demonstration, so that menu and tooltip do, too.
	Demo bool

	// HostWait is how long Run waits for something that shows tray icons, which
	// at the start of a session may come up after us. Zero means 5 seconds.
	// Only Linux has desktops without a tray.
	HostWait time.Duration
}

// ErrNoTrayHost says that nothing on this desktop shows tray icons.
var ErrNoTrayHost = hint.New(
	"nothing on this desktop shows tray icons",
	"GNOME needs the AppIndicator extension (package gnome-shell-extension-appindicator); "+
		"on other desktops add a system tray or status notifier to the panel. "+
		"Every action is also a command: stagedoor help")

// ErrNoSessionBus says that there is no D-Bus session bus, which a tray icon on
// Linux cannot do without.
var ErrNoSessionBus = hint.New(
	"no D-Bus session bus to show a tray icon on",
	"start stagedoor from within the desktop session, or set DBUS_SESSION_BUS_ADDRESS; "+
		"every action is also a command: stagedoor help")

// ErrUnsupported says that this build has no tray.
var ErrUnsupported = hint.New(
	"this build has no tray: on macOS it needs cgo",
	"start the app bundle, or use the commands: stagedoor help")

// Run shows the tray until ctx ends or the user quits; both return nil. It must
// be called on the main goroutine, which macOS and Windows reserve for the user
// interface. Run returns ErrNoSessionBus, ErrNoTrayHost or ErrUnsupported where
// there is no place for an icon.
func Run(ctx context.Context, p Params) error {
	p.HostWait = cmp.Or(p.HostWait, 5*time.Second)
	return run(ctx, p)
}
