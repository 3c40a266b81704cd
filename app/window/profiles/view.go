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
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// view is the window's content and what it shows.
type view struct {
	host   *kit.Host
	keeper Keeper

	profiles []auth.ProfileView
	chosen   string // id of the selected profile

	list   *kit.List
	pane   *fyne.Container // details, a question, or the form
	open   *fyne.Container // revocations that no provider has confirmed yet
	card   *card
	create *create
	warned string // what warn shows
	asking bool   // a question or the form has the pane

	waiting   string // id of the profile whose login waits for the browser
	stopLogin func()
}

// Show builds the window's content in h and starts loading.
func Show(h *kit.Host, k Keeper) {
	v := newView(h, k)
	h.Window.SetTitle(lang.L("Profiles") + " — Stagedoor")
	h.Window.SetContent(v.layout())
	h.Window.Resize(fyne.NewSize(900, 580))
	v.start()
}

func newView(h *kit.Host, k Keeper) *view {
	v := &view{host: h, keeper: k, pane: container.NewStack(), open: container.NewVBox()}
	v.list = kit.NewList(func() int { return len(v.profiles) },
		func() fyne.CanvasObject { return kit.NewItem() },
		func(i int, o fyne.CanvasObject) {
			if i < len(v.profiles) { // Fyne may ask for a row of before a reload
				showItem(o.(*kit.Item), v.profiles[i])
			}
		}, v.choose)
	v.list.OnEscape = v.showCard
	v.card = newCard(h, v)
	v.create = newCreate(h, v)
	h.Keys.Bind(fyne.KeyN, v.add)
	h.Keys.Bind(fyne.KeyR, v.reload)
	return v
}

func (v *view) layout() fyne.CanvasObject {
	add := widget.NewButtonWithIcon(lang.L("New profile"), theme.ContentAddIcon(), v.add)
	pane := container.NewVScroll(kit.Inset(8, 22, container.NewVBox(v.open, v.pane)))
	return v.host.Panes(0.36, lang.L("Profiles"), nil, v.list, kit.Inset(8, 10, add), pane)
}

func (v *view) start() {
	v.host.Window.Canvas().Focus(v.list)
	v.reload()
	v.host.Tasks.Follow(v.keeper.Watch, v.reload, v.host.Notice.Error)
	v.host.Tasks.Every(15*time.Second, v.refresh)
}

// reload asks for the state anew.
func (v *view) reload() {
	kit.Load(v.host.Tasks, v.keeper.State, func(s auth.State, err error) {
		if err != nil {
			v.host.Notice.Error(err)
			return
		}
		v.warn(s)
		v.profiles = s.Profiles
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
	})
}

// warn says what is wrong with more than one profile, and no longer once it is
// mended.
func (v *view) warn(s auth.State) {
	var problem error
	if s.VaultProblem != "" {
		problem = hint.Wrap(errors.New(s.VaultProblem), s.VaultHint)
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
		l := widget.NewLabel(lang.L("{{.Name}}: removed here; {{.Host}} has not confirmed the revocation yet and is asked again", map[string]any{"Name": name, "Host": o.Host}))
		l.Wrapping, l.Importance = fyne.TextWrapWord, widget.WarningImportance
		v.open.Add(l)
	}
}

// refresh repaints the list and, unless a question stands there, the pane.
func (v *view) refresh() {
	v.list.Refresh()
	for i, p := range v.profiles {
		if p.ID == v.chosen && v.list.Selected() != i {
			v.list.Shift(i)
		}
	}
	if !v.asking {
		v.showCard()
	}
}

// selected returns the profile that the pane is about.
func (v *view) selected() (auth.ProfileView, bool) {
	for _, p := range v.profiles {
		if p.ID == v.chosen {
			return p, true
		}
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
	p, ok := v.selected()
	if !ok {
		v.put(v.nothing(), false)
		return
	}
	v.put(v.card.show(p, v.waiting == p.ID), false)
}

// nothing is shown while there is no profile.
func (v *view) nothing() fyne.CanvasObject {
	return container.NewVBox(
		kit.Heading(lang.L("No profile yet")),
		kit.Muted(lang.L("A profile is one account at one provider. Create one, sign in, and every MCP server can use it without ever seeing more than a short-lived token.")),
		container.NewHBox(kit.Primary(lang.L("New profile"), v.add)),
	)
}

// add opens the form for a new profile.
func (v *view) add() {
	v.host.Notice.Clear()
	v.put(v.create.box, true)
}

// use makes a profile the active one.
func (v *view) use(p auth.ProfileView) {
	v.act(func(ctx context.Context) error { return v.keeper.Use(ctx, p.Name) }, func() {
		v.host.Notice.Done(lang.L("{{.Name}} is now the active profile", map[string]any{"Name": p.Name}),
			lang.L("MCP servers that follow the active profile get its tokens from now on."))
	})
}

// login opens the browser and waits for the user to come back.
func (v *view) login(p auth.ProfileView) {
	if v.waiting != "" {
		return // one browser tab is enough
	}
	v.waiting = p.ID
	v.host.Notice.Busy(lang.L("Waiting for you to sign in to {{.Name}} in the browser…", map[string]any{"Name": p.Name}), "")
	v.showCard()
	v.stopLogin = kit.Load(v.host.Tasks, func(ctx context.Context) (auth.LoginResult, error) {
		return v.keeper.Login(ctx, p.Name, auth.LoginOptions{
			OnURL:        func(url string) { v.host.Tasks.Do(func() { v.card.setURL(url) }) },
			OnOpenFailed: v.host.OpenFailed,
		})
	}, func(r auth.LoginResult, err error) {
		v.endLogin()
		if err != nil {
			v.host.Notice.Error(err)
			return
		}
		if r.Changed != "" {
			v.host.Notice.Warn(SignedIn(p.Name, r.Account), r.Changed)
			return
		}
		v.host.Notice.Done(SignedIn(p.Name, r.Account), "")
	})
}

// cancelLogin gives up waiting; the keeper closes its listener.
func (v *view) cancelLogin() {
	v.stopLogin()
	v.host.Notice.Clear()
	v.endLogin()
}

func (v *view) endLogin() {
	v.waiting = ""
	v.card.setURL("")
	v.reload()
}

// SignedIn says whose account a profile has.
func SignedIn(name, account string) string {
	if account == "" {
		return lang.L("{{.Name}} is signed in", map[string]any{"Name": name})
	}
	return lang.L("{{.Name}} is signed in as {{.Account}}", map[string]any{"Name": name, "Account": account})
}

// revoke asks once, and tells what came of it.
func (v *view) revoke(p auth.ProfileView) {
	facts := kit.NewFacts()
	facts.Text(lang.L("At the provider"), revocationWords(p))
	facts.Text(lang.L("Here"), lang.L("The tokens are deleted from the {{.Vault}} at once. Running MCP servers lose access; the profile itself stays, and you can sign in again.", map[string]any{"Vault": vaultWords(p.Vault)}))
	v.ask(lang.L("Revoke the access of {{.Name}}?", map[string]any{"Name": p.Name}), facts, lang.L("Revoke access"), func() {
		v.back()
		v.host.Notice.Busy(lang.L("Revoking the access of {{.Name}}…", map[string]any{"Name": p.Name}), "")
		kit.Load(v.host.Tasks, func(ctx context.Context) (auth.RevokeResult, error) {
			return v.keeper.Revoke(ctx, p.Name)
		}, func(r auth.RevokeResult, err error) {
			v.reload()
			switch {
			case err != nil:
				v.host.Notice.Error(err)
			case r.Settled():
				v.host.Notice.Done(p.Name+": "+r.Title, r.Message)
			default:
				v.host.Notice.Warn(p.Name+": "+r.Title, r.Message)
				v.card.offer(r.AppsPage)
				v.showCard()
			}
		})
	})
}

// back brings the card back after a question.
func (v *view) back() {
	v.showCard()
	v.host.Window.Canvas().Focus(v.list)
}

// act runs something short and shows its error.
func (v *view) act(work func(context.Context) error, done func()) {
	kit.Load(v.host.Tasks, func(ctx context.Context) (struct{}, error) { return struct{}{}, work(ctx) },
		func(_ struct{}, err error) {
			if err != nil {
				v.host.Notice.Error(err)
			} else {
				done()
			}
			v.reload()
		})
}
