//go:build !lean

// Package profiles is the window on the accounts: a list with the state of each
// login, and what can be done with the selected one.
//
// What destroys something asks once, in the pane where it was clicked, and says
// what will happen at the provider and here. All of it belongs to the UI
// goroutine; the keeper is asked through kit.Load.
package profiles

import (
	"context"
	"errors"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// view is the window's content and what it shows.
type view struct {
	host    *kit.Host
	keeper  Keeper
	entries Entries // nil if nothing is known of the clients
	beside  Beside

	profiles  []auth.ProfileView
	canForget bool   // a login can be forgotten at logout
	chosen    string // id of the selected profile

	list   *kit.List
	pane   *fyne.Container // details, a question, or the form
	alone  *widget.Label   // says that there is no tray
	open   *fyne.Container // revocations that no provider has confirmed yet
	create *create
	warned string // what warn shows
	asking bool   // a question or the form has the pane
	loaded bool   // the profiles are known

	waiting   string // id of the profile whose login waits for the browser
	url       string // of that login
	stopLogin func()
	appsPage  string // the provider's, offered after a revocation that needs it
}

// Beside is the rest of the app. Each field may be nil.
type Beside struct {
	Tray func() bool             // reports whether there is a tray
	Open func(name string) error // opens another window
}

// Show builds the window's content in h and starts loading.
func Show(h *kit.Host, k Keeper, e Entries, b Beside) {
	v := newView(h, k, e)
	v.beside = b
	h.SetTitle(lang.L("Profiles"))
	h.Window.SetContent(v.layout())
	h.Window.Resize(fyne.NewSize(900, 580))
	v.start()
}

func newView(h *kit.Host, k Keeper, e Entries) *view {
	v := &view{host: h, keeper: k, entries: e, pane: container.NewStack(), open: container.NewVBox()}
	v.list = kit.NewList(func() int { return len(v.profiles) },
		func() fyne.CanvasObject { return kit.NewItem() },
		func(i int, o fyne.CanvasObject) {
			if i < len(v.profiles) { // Fyne may ask for a row of before a reload
				showItem(o.(*kit.Item), v.profiles[i])
			}
		}, v.choose)
	v.list.OnEscape = v.showCard
	v.create = newCreate(v)
	v.showCard()
	h.Keys.Bind(fyne.KeyN, v.add)
	h.Keys.Bind(fyne.KeyR, v.reload)
	return v
}

func (v *view) layout() fyne.CanvasObject {
	below := container.NewVBox(widget.NewButtonWithIcon(lang.L("New profile"), theme.ContentAddIcon(), v.add))
	if v.beside.Open != nil {
		to := func(words, name string) fyne.CanvasObject {
			return kit.Quiet(words, func() { v.host.Try(func(context.Context) error { return v.beside.Open(name) }, func() {}) })
		}
		below.Add(to(lang.L("Servers and clients"), "servers"))
		below.Add(container.NewGridWithColumns(2, to(lang.L("Audit log"), "audit"), to(lang.L("Alerts"), "alerts")))
	}
	v.alone = kit.Warning(lang.L("Stagedoor is not in the tray, so nobody is told of alerts once this window is closed. Start it; on GNOME install the AppIndicator extension first."))
	v.alone.Hidden = v.beside.Tray == nil || v.beside.Tray()
	pane := container.NewVScroll(kit.Inset(8, 22, container.NewVBox(v.alone, v.open, v.pane)))
	return v.host.Panes(0.36, lang.L("Profiles"), nil, v.list, kit.Inset(8, 10, below), pane)
}

func (v *view) start() {
	v.host.Window.Canvas().Focus(v.list)
	v.load()
	v.host.Tasks.Follow(v.keeper.Watch, v.reload, v.host.Notice.Error)
	v.host.Tasks.Every(15*time.Second, func() {
		v.alone.Hidden = v.beside.Tray == nil || v.beside.Tray()
		v.alone.Refresh()
		v.refresh()
	})
}

// load shows first what needs no answer to the keychain, such as the names.
func (v *view) load() {
	kit.Load(v.host.Tasks, func(ctx context.Context) (auth.State, error) {
		return v.keeper.State(vault.WithWait(ctx, 0))
	}, func(s auth.State, err error) {
		if err == nil && !v.loaded {
			v.show(s)
		}
		if err != nil || s.VaultProblem != "" {
			v.reload()
		}
	})
}

// reload asks for the state anew.
func (v *view) reload() { kit.Try(v.host, v.keeper.State, v.show) }

func (v *view) show(s auth.State) {
	v.warn(s)
	v.profiles, v.loaded, v.canForget = s.Profiles, true, s.CanForget
	v.create.form.OfferForget(s)
	v.showOpen(s.Open)
	if _, ok := v.selected(); !ok {
		if v.chosen != "" && v.pane.Objects[0] != v.create.box {
			v.asking = false // the question is about a profile that is no more
		}
		v.chosen = ""
		if p, ok := s.Active(); ok {
			v.chosen = p.ID
		} else if len(s.Profiles) > 0 {
			v.chosen = s.Profiles[0].ID
		}
	}
	v.refresh()
}

// warn says what is wrong with more than one profile, and no longer once it is
// mended.
func (v *view) warn(s auth.State) {
	var problem error
	if s.VaultProblem != "" {
		problem = hint.Wrap(errors.New(s.VaultProblem), s.VaultHint)
	}
	if s.OpenProblem != "" {
		problem = hint.Wrap(errors.New(s.OpenProblem), s.OpenHint)
	}
	for _, r := range s.Refused {
		problem = r.Err
	}
	if s.LogProblem != "" {
		problem = hint.Wrap(errors.New(s.LogProblem), s.LogHint)
	}
	shown, _ := v.host.Notice.Text()
	if problem == nil && (v.warned == "" || shown != v.warned) {
		v.warned = ""
		return
	}
	v.host.Notice.Error(problem)
	v.warned, _ = v.host.Notice.Text()
}

// showOpen lists the revocations that are not confirmed, also of profiles that
// are deleted.
func (v *view) showOpen(open []auth.OpenRevocation) {
	v.open.RemoveAll()
	for _, o := range open {
		name := o.Name
		if o.Deleted {
			name = lang.L("{{.Name}} (deleted)", map[string]any{"Name": name})
		}
		v.open.Add(kit.Warning(lang.L("{{.Name}}: removed here; {{.Host}} has not confirmed the revocation yet and is asked again", map[string]any{"Name": name, "Host": o.Host})))
	}
}

// refresh repaints the list and, unless a question stands there, the pane.
func (v *view) refresh() {
	v.list.Refresh()
	if i := v.row(); i >= 0 && v.list.Selected() != i {
		v.list.Shift(i)
	}
	if !v.asking {
		v.showCard()
	}
}

// row is where the selected profile stands in the list, or -1.
func (v *view) row() int {
	return slices.IndexFunc(v.profiles, func(p auth.ProfileView) bool { return p.ID == v.chosen })
}

// selected returns the profile that the pane is about.
func (v *view) selected() (auth.ProfileView, bool) {
	if i := v.row(); i >= 0 {
		return v.profiles[i], true
	}
	return auth.ProfileView{}, false
}

func (v *view) choose(i int) {
	v.chosen = v.profiles[i].ID
	v.showCard()
}

func (v *view) put(o fyne.CanvasObject, asking bool) {
	v.asking = asking
	v.pane.Objects = []fyne.CanvasObject{o}
	v.pane.Refresh()
}

func (v *view) showCard() {
	if !v.loaded {
		v.put(kit.Muted(lang.L("Reading the profiles… If this takes long, the keychain is locked or waits for your answer.")), false)
		return
	}
	if p, ok := v.selected(); ok {
		v.put(v.card(p), false)
		return
	}
	v.put(container.NewVBox(
		kit.Heading(lang.L("No profile yet")),
		kit.Muted(lang.L("A profile is one account at one provider. Create one, sign in, and every MCP server can use it without ever seeing more than a short-lived token.")),
		container.NewHBox(kit.Primary(lang.L("New profile"), v.add)),
	), false)
}

// back brings the card back after a question.
func (v *view) back() {
	v.showCard()
	v.host.Window.Canvas().Focus(v.list)
}
