package tray

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/stagedoor-app/stagedoor/app/notify/notifytest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

const patience = 20 * time.Second // for a loaded machine; nothing waits this long

// privateBus starts a bus for this test alone, makes it the session bus
// and returns a connection to it.
func privateBus(t *testing.T) *dbus.Conn {
	t.Helper()
	address := notifytest.Bus(t)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// watcher is a desktop's tray, as far as an icon can see.
type watcher struct {
	conn *dbus.Conn

	mu         sync.Mutex
	shows      bool // IsStatusNotifierHostRegistered
	items      []string
	registered chan string // the unique name of each item that registers
	listed     chan int    // how many items there were when somebody asked
}

func newWatcher(t *testing.T, conn *dbus.Conn) *watcher {
	t.Helper()
	w := &watcher{conn: conn, shows: true, registered: make(chan string, 10), listed: make(chan int, 10)}
	if err := conn.Export(w, watcherPath, watcherName); err != nil {
		t.Fatal(err)
	}
	if err := conn.Export(watcherProperties{w}, watcherPath, "org.freedesktop.DBus.Properties"); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *watcher) RegisterStatusNotifierItem(sender dbus.Sender, path string) *dbus.Error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.items = append(w.items, string(sender)+path)
	w.registered <- string(sender)
	return nil
}

type watcherProperties struct{ w *watcher }

func (p watcherProperties) Get(_, name string) (dbus.Variant, *dbus.Error) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	switch name {
	case "IsStatusNotifierHostRegistered":
		return dbus.MakeVariant(p.w.shows), nil
	case "RegisteredStatusNotifierItems":
		p.w.listed <- len(p.w.items)
		return dbus.MakeVariant(append([]string{}, p.w.items...)), nil
	}
	return dbus.Variant{}, dbus.MakeFailedError(errors.New("no such property"))
}

func (w *watcher) appear(t *testing.T) {
	t.Helper()
	if _, err := w.conn.RequestName(watcherName, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
}

// restart is a panel that crashed and came back, having forgotten everything.
func (w *watcher) restart(t *testing.T) {
	t.Helper()
	if _, err := w.conn.ReleaseName(watcherName); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.items = nil
	w.mu.Unlock()
	w.appear(t)
}

func receive[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// remote is the menu as a panel sees it.
type remote struct {
	conn    *dbus.Conn
	item    string
	updates chan *dbus.Signal
}

type layout struct {
	ID         int32
	Properties map[string]dbus.Variant
	Children   []dbus.Variant
}

func newRemote(t *testing.T, conn *dbus.Conn, item string) *remote {
	t.Helper()
	r := &remote{conn: conn, item: item, updates: make(chan *dbus.Signal, 1000)}
	conn.Signal(r.updates)
	if err := conn.AddMatchSignal(dbus.WithMatchInterface("com.canonical.dbusmenu")); err != nil {
		t.Fatal(err)
	}
	return r
}

// read draws the menu as text, and finds the ids by their drawn lines.
func (r *remote) read(t *testing.T) (string, map[string]int32) {
	t.Helper()
	var revision uint32
	var root layout
	err := r.conn.Object(r.item, itemPath+"/menu").Call("com.canonical.dbusmenu.GetLayout", 0,
		int32(0), int32(-1), []string{}).Store(&revision, &root)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	ids := map[string]int32{}
	var draw func(l layout, indent string)
	draw = func(l layout, indent string) {
		for _, v := range l.Children {
			var child layout
			if err := dbus.Store([]any{v.Value()}, &child); err != nil {
				t.Fatal(err)
			}
			line := "---"
			if child.Properties["type"].Value() != "separator" {
				line, _ = child.Properties["label"].Value().(string)
				if child.Properties["toggle-state"].Value() == int32(1) {
					line = "[x] " + line
				}
				if child.Properties["enabled"].Value() == false {
					line = "(" + line + ")"
				}
			}
			ids[line] = child.ID
			b.WriteString(indent + line + "\n")
			draw(child, indent+"  ")
		}
	}
	draw(root, "")
	return b.String(), ids
}

// wait returns the ids once every line is in the menu.
func (r *remote) wait(t *testing.T, lines ...string) map[string]int32 {
	t.Helper()
	limit := time.After(patience)
	for {
		got, ids := r.read(t)
		missing := ""
		for _, line := range lines {
			if _, ok := ids[line]; !ok {
				missing = line
			}
		}
		if missing == "" {
			return ids
		}
		select {
		case <-r.updates:
		case <-limit:
			t.Fatalf("no %q in the menu:\n%s", missing, got)
		}
	}
}

func (r *remote) click(t *testing.T, ids map[string]int32, line string) {
	t.Helper()
	id, ok := ids[line]
	if !ok {
		t.Fatalf("there is no %q to click", line)
	}
	// Without a reply: after a click on Quit nobody may be left to send one.
	err := r.conn.Object(r.item, itemPath+"/menu").Call("com.canonical.dbusmenu.Event", dbus.FlagNoReplyExpected,
		id, "clicked", dbus.MakeVariant(""), uint32(0)).Err
	if err != nil {
		t.Fatal(err)
	}
}

func testParams(k Keeper) Params {
	return Params{
		Keeper: k, Notify: &fakeNotifier{}, Now: time.Now, HostWait: patience,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

// The whole tray on a real bus, seen and clicked as a panel does it.
func TestRunOnBus(t *testing.T) {
	conn := privateBus(t)
	w := newWatcher(t, conn)
	tray := startTray(t)

	// The tray is started by the session before the panel is.
	w.appear(t)
	item := receive(t, w.registered, "the icon after the panel came up")

	var id dbus.Variant
	err := conn.Object(item, itemPath).Call("org.freedesktop.DBus.Properties.Get", 0,
		"org.kde.StatusNotifierItem", "Id").Store(&id)
	if err != nil || id.Value() != "Stagedoor" {
		t.Errorf("the icon's id is %v, %v: desktops could not remember its place", id, err)
	}

	menu := newRemote(t, conn, item)
	ids := menu.wait(t, "(work · Spotify — signed in as Ada)", "[x] work · Spotify", "my__home · Spotify", "Quit")
	menu.click(t, ids, "my__home · Spotify")
	if got := receive(t, tray.calls, "the keeper to be asked to switch"); got != "use my_home" {
		t.Errorf("the click did %q", got)
	}
	ids = menu.wait(t, "[x] my__home · Spotify", "work · Spotify", "Revoke my__home now", "Quit")

	// A label that changes leaves the items in place: an open menu stays open.
	if _, err := io.WriteString(tray.stdin, "Grace\n"); err != nil {
		t.Fatal(err)
	}
	after := menu.wait(t, "(my__home · Spotify — signed in as Grace)")
	if after["Quit"] != ids["Quit"] {
		t.Error("the whole menu was rebuilt for one label")
	}

	w.restart(t)
	receive(t, w.registered, "the icon after the panel restarted")
	if n := receive(t, w.listed, "our own look at the panel's list"); n != 1 {
		t.Errorf("%d icons after the panel restarted, want 1", n)
	}

	// systray stops following the panel at the first signal that is not about
	// it, such as a keychain prompt's. The icon must come back all the same.
	distract(t, conn, item)
	w.restart(t)
	receive(t, w.registered, "the icon after a keychain prompt and another restart")

	menu.click(t, ids, "Quit")
	tray.wait(t)
}

// A session that ends sends SIGTERM; the tray must go without a word.
func TestSignalEndsTheTray(t *testing.T) {
	w := newWatcher(t, privateBus(t))
	w.appear(t)
	tray := startTray(t)
	receive(t, w.registered, "the icon")
	if err := tray.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	tray.wait(t)
}

// trayProcess is a tray with a fake keeper in a process of its own: systray can
// run once per process, and has races of its own that the detector would blame
// on this test.
type trayProcess struct {
	cmd    *exec.Cmd
	stdin  io.Writer
	calls  chan string // what the keeper was asked for
	stderr bytes.Buffer
}

const childVariable = "STAGEDOOR_TRAY_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	if err := child(); err != nil {
		fmt.Fprintln(os.Stderr, "the tray ended with:", err)
		os.Exit(1)
	}
}

func child() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	state := two()
	state.Profiles[0].Name = "my_home"
	k := newKeeper(state)
	k.Heard = func(call string) { fmt.Println(call) }
	go func() { // each line from the test is a new account name for everybody
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			k.Set(func() {
				for i := range k.Profiles {
					k.Profiles[i].Account = lines.Text()
				}
			})
			k.Tell()
		}
	}()
	return Run(ctx, testParams(k))
}

func startTray(t *testing.T) *trayProcess {
	t.Helper()
	p := &trayProcess{cmd: exec.Command(os.Args[0]), calls: make(chan string, 100)}
	p.cmd.Env = append(os.Environ(), childVariable+"=1", "GORACE=exitcode=0")
	p.cmd.Stderr = &p.stderr
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	go func() {
		defer close(p.calls)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.calls <- lines.Text()
		}
	}()
	return p
}

// wait expects the tray to end by itself, well and without a race of ours.
func (p *trayProcess) wait(t *testing.T) {
	t.Helper()
	for limit := time.After(patience); ; {
		select {
		case _, more := <-p.calls:
			if more {
				continue
			}
		case <-limit:
			t.Fatal("the tray does not end")
		}
		break
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the tray ended with %v\n%s", err, p.stderr.String())
	}
	for _, report := range strings.Split(p.stderr.String(), "WARNING: DATA RACE")[1:] {
		for _, access := range regexp.MustCompile(` by (main )?goroutine`).Split(report, -1)[1:] {
			if lines := strings.SplitN(access, "\n", 3); len(lines) == 3 && strings.Contains(lines[1], "stagedoor") {
				t.Errorf("a race of our own:%s", report)
			}
		}
	}
}

func distract(t *testing.T, conn *dbus.Conn, to string) {
	t.Helper()
	conn.Send(&dbus.Message{
		Type: dbus.TypeSignal,
		Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldPath:        dbus.MakeVariant(dbus.ObjectPath("/org/freedesktop/secrets/prompt/p1")),
			dbus.FieldInterface:   dbus.MakeVariant("org.freedesktop.Secret.Prompt"),
			dbus.FieldMember:      dbus.MakeVariant("Completed"),
			dbus.FieldDestination: dbus.MakeVariant(to),
		},
	}, nil)
}

func TestNoSessionBus(t *testing.T) {
	for name, address := range map[string]string{
		"no such socket": "unix:path=/nonexistent/bus",
		"not an address": "nonsense",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
			if err := Host(t.Context()); !errors.Is(err, ErrNoSessionBus) || hint.Of(err) == "" {
				t.Errorf("Host says %v", err)
			}
			err := Run(t.Context(), testParams(newKeeper(two())))
			if !errors.Is(err, ErrNoSessionBus) || hint.Of(err) == "" {
				t.Errorf("got %v with hint %q, want ErrNoSessionBus", err, hint.Of(err))
			}
		})
	}
}

func TestNoTrayHost(t *testing.T) {
	conn := privateBus(t)
	p := testParams(newKeeper(two()))
	p.HostWait = time.Millisecond
	if err := Run(t.Context(), p); !errors.Is(err, ErrNoTrayHost) || hint.Of(err) == "" {
		t.Errorf("without a watcher: %v, want ErrNoTrayHost", err)
	}
	if err := Host(t.Context()); !errors.Is(err, ErrNoTrayHost) {
		t.Errorf("Host without a watcher: %v", err)
	}

	w := newWatcher(t, conn)
	w.shows = false
	w.appear(t)
	if err := Run(t.Context(), p); !errors.Is(err, ErrNoTrayHost) {
		t.Errorf("with a watcher that no panel listens to: %v, want ErrNoTrayHost", err)
	}

	// Ctrl+C while it waits is not an error.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.HostWait = patience
	if err := Run(ctx, p); err != nil {
		t.Errorf("cancelled: %v", err)
	}
}
