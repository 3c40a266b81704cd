//go:build !lean

package servers

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/guard"
	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/app/window/windowtest"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// world is the window on the real parts: the keeper with a vault in a file, the clients'
// files and the settings, all in folders of the test's own. Only the launcher is stood in
// for, by a script that answers as a server with three tools.
type world struct {
	*view
	t      *testing.T
	home   string
	goos   string
	keeper *auth.Keeper
	launch string // the stand-in for the launcher

	watching *guard.Guard
}

const answers = `#!/bin/sh
while read -r line; do case $line in
*'"initialize"'*) echo '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"x","version":"1"}}}';;
*'"tools/list"'*) echo '{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"a"},{"name":"b"},{"name":"c"}]}}';;
esac; done
`

// open shows the window where a client has this config.
func open(t *testing.T, config string) *world {
	t.Helper()
	return openOn(t, "linux", config)
}

func openOn(t *testing.T, goos, config string) *world {
	t.Helper()
	home, state := t.TempDir(), t.TempDir()
	w := &world{t: t, home: home, goos: goos, launch: filepath.Join(t.TempDir(), "stagedoor")}
	w.write(w.launch, answers)
	if err := os.Chmod(w.launch, 0o700); err != nil {
		t.Fatal(err)
	}
	if config != "" {
		w.write(w.file(), config)
	}
	v, err := vault.Open(vault.Params{Kind: vault.File, Dir: state, KeyFile: filepath.Join(t.TempDir(), "key")})
	if err != nil {
		t.Fatal(err)
	}
	w.keeper, err = auth.New(t.Context(), auth.Params{
		Dir: state, Vault: v, HTTP: &http.Client{}, Browser: func(context.Context, string) error { return errors.New("there is none") },
		Now: time.Now, Rand: rand.Reader, Actor: "test", PID: os.Getpid(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.keeper.Close(context.Background()) })
	configs, err := clients.New(clients.Params{
		Env: clients.Env{GOOS: goos, Home: home}, Now: time.Now, BackupDir: filepath.Join(state, "backups"), LockDir: filepath.Join(state, "locks"), Sealer: w.keeper,
	})
	if err != nil {
		t.Fatal(err)
	}
	service := setup.Service{Params: setup.Params{
		Keeper: w.keeper, Configs: configs, Host: []string{"HOME=" + home, "PATH=/usr/bin:/bin"}, RecipeDir: filepath.Join(state, "recipes"),
		Executable: func() (string, error) { return w.launch, nil },
	}}
	store := settings.Open(filepath.Join(state, settings.FileName), time.UTC)
	watching := guard.New(guard.Params{
		Dir: filepath.Join(state, "guard"), Configs: configs, Keeper: w.keeper, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Notify: func(string, string) {}, Mode: func() string { s, _ := store.Settings(); return s.Guarding() },
	})
	service.Saw = func(ctx context.Context, c clients.Client) { _ = watching.See(ctx, c) }
	w.watching = watching
	h := windowtest.Host(t)
	w.view = newView(h, Parts{Keeper: untold{w.keeper}, Setup: service, Settings: store, Guard: watching})
	h.Window.SetContent(w.layout())
	h.Window.Resize(fyne.NewSize(1020, 660))
	t.Cleanup(func() { w.hides(planted) })
	return w
}

// planted is a secret in the file of a client, which no page may show.
const planted = "ghp_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6"

func (w *world) hides(secret string) {
	if all := strings.Join(windowtest.Texts(w.host.Window.Content()), "\n"); strings.Contains(all, secret) {
		w.t.Errorf("the window shows the secret:\n%s", all)
	}
}

// untold does not tell of changes: in a test what a click does is done when it returns, and
// a reload on a goroutine of its own would be beside that.
type untold struct{ *auth.Keeper }

func (untold) Watch(context.Context) (<-chan struct{}, error) { return nil, nil }

// file is that of Claude Desktop.
func (w *world) file() string {
	if w.goos == "darwin" {
		return filepath.Join(w.home, "Library", "Application Support", "Claude", "claude_desktop_config.json")
	}
	return filepath.Join(w.home, ".config", "Claude", "claude_desktop_config.json")
}

func (w *world) write(path, text string) {
	w.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) config() string {
	w.t.Helper()
	text, err := os.ReadFile(w.file())
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// profile makes one of Spotify, selected.
func (w *world) profile(name string) {
	w.t.Helper()
	if _, err := w.keeper.CreateProfile(w.t.Context(), auth.NewProfile{Name: name, Provider: "spotify", ClientID: strings.Repeat("0a", 16)}); err != nil {
		w.t.Fatal(err)
	}
	if err := w.keeper.Use(w.t.Context(), name); err != nil {
		w.t.Fatal(err)
	}
}

// key makes a profile that is an API key, selected.
func (w *world) key(name string) {
	w.t.Helper()
	if _, _, err := w.keeper.KeepKey(w.t.Context(), name, "made-up-key"); err != nil {
		w.t.Fatal(err)
	}
	if err := w.keeper.Use(w.t.Context(), name); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) click(text string) {
	w.t.Helper()
	w.hides(planted)
	windowtest.Click(w.t, w.host.Window, text)
}

// shows fails unless the pane or the notice has each of the texts.
func (w *world) shows(texts ...string) {
	w.t.Helper()
	title, more := w.host.Notice.Text()
	all := strings.Join(append(windowtest.Texts(w.host.Window.Content()), title, more), "\n")
	for _, text := range texts {
		if !strings.Contains(all, text) {
			w.t.Errorf("the window lacks %q:\n%s", text, all)
		}
	}
}

// field is what is beside a name in the form.
func (w *world) field(name string) fyne.CanvasObject {
	w.t.Helper()
	for _, o := range windowtest.Visible(w.host.Window.Content()) {
		box, ok := o.(*fyne.Container)
		for i := 0; ok && i+1 < len(box.Objects); i++ {
			if l, ok := box.Objects[i].(*widget.Label); ok && l.Text == name {
				return box.Objects[i+1]
			}
		}
	}
	w.t.Fatalf("there is no field %q among %q", name, windowtest.Texts(w.host.Window.Content()))
	return nil
}

func (w *world) tap(o fyne.CanvasObject) {
	windowtest.Settle(w.host.Window)
	at := fyne.CurrentApp().Driver().AbsolutePositionForObject(o)
	test.TapCanvas(w.host.Window.Canvas(), at.AddXY(o.Size().Width/2, o.Size().Height/2))
}

// choose opens a list of the form and clicks on an entry of it.
func (w *world) choose(name, option string) {
	w.t.Helper()
	w.tap(w.field(name))
	list := w.host.Window.Canvas().Overlays().Top()
	if list == nil {
		w.t.Fatalf("a click on %q opens nothing", name)
	}
	var all []string
	for _, o := range windowtest.Visible(list) {
		if _, tappable := o.(fyne.Tappable); !tappable {
			continue
		}
		text := ""
		for _, o := range windowtest.Visible(o) {
			if t, ok := o.(*canvas.Text); ok {
				text += t.Text
			}
		}
		if all = append(all, text); text == option {
			w.tap(o)
			return
		}
	}
	w.t.Fatalf("%q has no %q: %q", name, option, all)
}

// fill puts the keyboard into a field of the form and types. A click does the same with
// the mouse button down, which Fyne's test driver does not have.
func (w *world) fill(name, text string) {
	w.t.Helper()
	e := w.field(name).(*kit.Entry)
	if e.Disabled() {
		w.t.Fatalf("nobody can type into %q", name)
	}
	w.host.Window.Canvas().Focus(e)
	e.TypedShortcut(&fyne.ShortcutSelectAll{})
	test.Type(e, text)
}

// at is where a button is.
func (w *world) at(text string) fyne.Position {
	w.t.Helper()
	windowtest.Settle(w.host.Window)
	for _, o := range windowtest.Visible(w.host.Window.Content()) {
		if b, ok := o.(*widget.Button); ok && b.Text == text {
			return fyne.CurrentApp().Driver().AbsolutePositionForObject(b)
		}
	}
	w.t.Fatalf("there is no button %q", text)
	return fyne.Position{}
}

// submit presses Return in the field that has the keyboard, as a button that cannot be
// clicked must not be gone around.
func (w *world) submit() {
	w.host.Window.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
}

// clickRow clicks on a backup.
func (w *world) clickRow(i int) {
	w.t.Helper()
	windowtest.Settle(w.host.Window)
	n := 0
	for _, o := range windowtest.Visible(w.pane) {
		if item, ok := o.(*kit.Item); ok {
			if n == i {
				w.tap(item)
				return
			}
			n++
		}
	}
	w.t.Fatalf("there are %d rows", n)
}

// lose has the guard see what a client lost, as the tray's does.
func (w *world) lose() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error)
	go func() { done <- w.watching.Watch(ctx) }()
	for len(w.watching.Open()) == 0 {
		select {
		case <-w.watching.Changed():
		case <-time.After(10 * time.Second):
			w.t.Fatal("the guard does not notice the loss")
		}
	}
	cancel()
	if err := <-done; err != nil {
		w.t.Error(err)
	}
}

// clickBeside clicks on the button in the line that says something.
func (w *world) clickBeside(line, button string) {
	w.t.Helper()
	for _, o := range windowtest.Visible(w.pane) {
		box, ok := o.(*fyne.Container)
		if !ok || len(box.Objects) != 2 {
			continue
		}
		l, isLabel := box.Objects[0].(*widget.Label)
		b, isButton := box.Objects[1].(*widget.Button)
		if isLabel && isButton && l.Text == line && b.Text == button {
			test.Tap(b) // it may have to be scrolled to
			return
		}
	}
	w.t.Fatalf("there is no %q beside %q", button, line)
}
