//go:build !lean

// Package servers is the window on servers and clients: which MCP clients are here and how
// their entries stand, what a change would write, whether the server answers, and the way
// back.
//
// Each page that changes something shows first what it will change. What takes away or puts
// back asks once, in the pane where it was clicked. All of it belongs to the UI goroutine;
// files, the keeper and servers are asked through kit.Load.
package servers

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/guard"
	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/app/scan"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// page is what the list on the left leads to: a client, or one of the others.
type page string

const (
	catalogue page = "/catalogue"
	secrets   page = "/secrets"
	backups   page = "/backups"
	guarding  page = "/guard"
)

// lookEvery bounds how long what others do is not seen.
const lookEvery = 10 * time.Second

// of is the page of a client.
func of(c clients.Client) page { return page(c.Folder()) }

// facts are all that the window shows, read in one go.
type facts struct {
	state    auth.State
	profiles map[string]profile.Profile // by name
	clients  []setup.Standing
	servers  []setup.Choice
	wrong    []error // recipes of the user's that are none
	backups  []clients.Backup
	exposed  map[string]error
	guard    string
	alone    bool // no tray has the guard
	losses   []guard.Loss
	found    []scan.Finding
	unread   []error // files that were not scanned
	stamp    string  // of the clients' files, before they were read
}

// view is the window's content and what it shows.
type view struct {
	host  *kit.Host
	parts Parts

	facts  facts
	loaded bool
	rows   []page
	at     page
	shown  string // what the page was made of
	reads  int    // that were begun
	newest int    // of them, that is shown
	asking bool   // a form, a question or a result has the pane

	list   *kit.List
	pane   *fyne.Container
	backup *backupPage
	tried  map[string]setup.Check // what entries did when they were tried, by client and name
}

// Show builds the window's content in h and starts loading.
func Show(h *kit.Host, parts Parts) {
	v := newView(h, parts)
	h.Window.SetContent(v.layout())
	h.Window.Resize(fyne.NewSize(1020, 660))
	v.start()
}

func newView(h *kit.Host, parts Parts) *view {
	v := &view{host: h, parts: parts, pane: container.NewStack(), tried: map[string]setup.Check{}}
	v.list = kit.NewList(func() int { return len(v.rows) },
		func() fyne.CanvasObject { return kit.NewItem() },
		func(i int, o fyne.CanvasObject) {
			if i < len(v.rows) { // Fyne may ask for a row of before a reload
				v.showRow(o.(*kit.Item), v.rows[i])
			}
		}, func(i int) { v.goTo(v.rows[i]) })
	v.list.OnEscape = v.back
	v.backup = newBackupPage(v)
	h.Keys.Bind(fyne.KeyN, func() { v.form(request{}) })
	h.Keys.Bind(fyne.KeyR, v.reload)
	v.put(kit.Muted(lang.L("Looking for clients…")), false)
	return v
}

func (v *view) layout() fyne.CanvasObject {
	add := widget.NewButtonWithIcon(lang.L("Set up a server…"), theme.ContentAddIcon(), func() { v.form(request{}) })
	return v.host.Panes(0.3, lang.L("Servers and clients"), nil, v.list, kit.Inset(8, 10, add), v.pane)
}

func (v *view) start() {
	if v.parts.Problem != nil {
		v.host.Notice.Error(v.parts.Problem)
		v.put(container.NewWithoutLayout(), false)
		return
	}
	v.host.Window.Canvas().Focus(v.list)
	v.reload()
	v.host.Tasks.Follow(v.parts.Keeper.Watch, v.reload, v.host.Notice.Error)
	v.host.Tasks.Every(lookEvery, v.look)
}

// look reads everything anew if a client wrote its file or was started, of which nobody
// tells.
func (v *view) look() {
	kit.Load(v.host.Tasks, func(ctx context.Context) (string, error) { return v.parts.Setup.Stamp(ctx), nil }, func(stamp string, _ error) {
		if stamp != v.facts.stamp {
			v.reload()
		}
	})
}

// reload reads everything anew.
func (v *view) reload() {
	if v.parts.Problem != nil {
		return
	}
	v.reads++
	read := v.reads
	kit.Try(v.host, v.read, func(f facts) {
		if read < v.newest {
			return // a later one was quicker
		}
		v.newest, v.facts, v.loaded = read, f, true
		v.rows = nil
		for _, c := range f.clients {
			v.rows = append(v.rows, of(c.Client))
		}
		v.rows = append(v.rows, catalogue, secrets, backups, guarding)
		if !slices.Contains(v.rows, v.at) {
			v.at = v.rows[0]
			if len(f.clients) == 0 {
				v.at = catalogue
			}
		}
		v.list.Refresh()
		if !v.asking {
			v.mark()
			v.showPage()
		}
	})
}

// read waits for no answer to the keychain: the tray asks it.
func (v *view) read(ctx context.Context) (f facts, err error) {
	p := v.parts
	f.stamp = p.Setup.Stamp(ctx)
	quiet := vault.WithWait(ctx, 0)
	if f.state, err = p.Keeper.State(quiet); err != nil {
		return f, err
	}
	f.profiles = map[string]profile.Profile{}
	for _, view := range f.state.Profiles {
		f.profiles[view.Name], _ = p.Keeper.Profile(view.Name)
	}
	if f.clients, err = p.Setup.Survey(ctx); err != nil {
		return f, err
	}
	own, wrong := launch.OwnRecipes(p.Setup.RecipeDir)
	f.servers, f.wrong = p.Setup.Catalogue(append(launch.Recipes(), own...), f.state), wrong
	if f.backups, f.exposed, err = p.Setup.Backups(quiet); err != nil {
		return f, err
	}
	now, err := p.Settings.Settings()
	if f.guard = now.Guarding(); err != nil {
		f.guard = ""
	}
	f.alone = p.Tray != nil && !p.Tray()
	if p.Guard != nil {
		f.losses = p.Guard.Open()
	}
	f.found, f.unread = scan.Files(p.Setup.Configs)
	return f, nil
}

// goTo leads to a page, away from a question that nobody answered.
func (v *view) goTo(p page) {
	v.at, v.asking, v.shown = p, false, ""
	v.showPage()
	v.reload()
}

// showPage puts the page up unless it shows that already: what has the keyboard keeps it.
func (v *view) showPage() {
	key, build := fmt.Sprint(v.at), v.catalogue
	switch v.at {
	case catalogue:
		key += fmt.Sprint(v.facts.servers, v.facts.wrong, len(v.facts.clients))
	case secrets:
		key, build = key+fmt.Sprint(v.facts.found, v.facts.unread), v.secrets
	case backups:
		v.put(v.backup.show(), false)
		return
	case guarding:
		key, build = key+fmt.Sprint(v.facts.guard, v.facts.alone, v.facts.losses), v.guard
	default:
		c, ok := v.standing(v.at)
		if !ok {
			return
		}
		key += fmt.Sprint(c.Path, c.Exists, c.Problem, c.Entries, len(c.Others), c.Changed, c.Began, v.facts.state.Profiles, v.tried)
		build = func() fyne.CanvasObject { return v.client(c) }
	}
	if key == v.shown && !v.asking {
		return
	}
	v.put(container.NewVScroll(kit.Inset(8, 22, build())), false)
	v.shown = key
}

// mark selects the row of the page. While a form or a question has its place none is: a
// click on the page's own row leads back then, which Fyne does not tell of a row that is
// selected.
func (v *view) mark() {
	row := -1
	if !v.asking {
		row = slices.Index(v.rows, v.at)
	}
	if v.list.Selected() != row {
		v.list.Shift(row)
	}
}

func (v *view) put(o fyne.CanvasObject, asking bool) {
	v.host.SetTitle(lang.L("Servers and clients"))
	v.asking, v.shown = asking, ""
	v.pane.Objects = []fyne.CanvasObject{o}
	v.pane.Refresh()
	v.mark()
}

// back brings the page back after a form, a question or a result.
func (v *view) back() {
	v.shown, v.asking = "", false
	if v.loaded {
		v.showPage()
	}
	v.host.Window.Canvas().Focus(v.list)
}

func (v *view) standing(p page) (setup.Standing, bool) {
	i := slices.IndexFunc(v.facts.clients, func(c setup.Standing) bool { return of(c.Client) == p })
	if i < 0 {
		return setup.Standing{}, false
	}
	return v.facts.clients[i], true
}

// login is what is known of the login of a profile.
func (v *view) login(id string) (auth.ProfileView, bool) {
	i := slices.IndexFunc(v.facts.state.Profiles, func(p auth.ProfileView) bool { return p.ID == id })
	if i < 0 || id == "" {
		return auth.ProfileView{}, false
	}
	return v.facts.state.Profiles[i], true
}

// accounts leads to the window that makes profiles and signs in.
func (v *view) accounts() {
	if v.parts.Open == nil {
		return
	}
	name := "profiles"
	if len(v.facts.state.Profiles) == 0 {
		name = "welcome" // which leads to the first
	}
	v.host.Try(func(context.Context) error { return v.parts.Open(name) }, func() {})
}
