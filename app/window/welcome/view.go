//go:build !lean

// Package welcome is the first run: choose a provider, give it a client id, sign
// in, set up Claude Desktop, done. The demonstration needs none of that.
//
// Each step does its work when the user goes on, and shows what failed where it
// failed, so that going on again tries again. All of it belongs to the UI
// goroutine; the keeper is asked through kit.Load.
package welcome

import (
	"context"
	"errors"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/app/window/newprofile"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// Actions are what the window can have done besides the keeper's work.
type Actions struct {
	// Setup writes the active profile into Claude Desktop's configuration, as
	// setup.Service.Click does; nil leaves the step out.
	Setup func(ctx context.Context, agreed string) (string, error)
	// Demo starts the demonstration; nil hides the button.
	Demo func() error
}

// view is the window's content and how far the user is.
type view struct {
	host    *kit.Host
	keeper  Keeper
	actions Actions

	step    int
	busy    bool
	created string // name of the profile, once it exists
	account string
	message string // what Setup said
	asked   error  // the setup.Question that the page asks, or nil
	skipped []string
	url     string // of the login that is waiting
	stop    func()

	form      *newprofile.Form
	providers *widget.RadioGroup
	steps     []step
	rail      *rail
	page      *fyne.Container
	back      *widget.Button
	next      *widget.Button
	skip      *widget.Button
}

// Show builds the window's content in h.
func Show(h *kit.Host, k Keeper, a Actions) {
	v := newView(h, k, a)
	h.SetTitle(lang.L("Welcome"))
	h.Window.SetContent(v.layout())
	h.Window.Resize(fyne.NewSize(860, 600))
	h.Window.Canvas().SetOnTypedKey(func(e *fyne.KeyEvent) { // where no field has the keyboard
		if e.Name == fyne.KeyReturn || e.Name == fyne.KeyEnter {
			v.advance()
		}
	})
}

func newView(h *kit.Host, k Keeper, a Actions) *view {
	v := &view{host: h, keeper: k, actions: a, stop: func() {}, page: container.NewStack()}
	v.form = newprofile.New(h, v.advance)
	v.providers = v.providerChoice()
	v.steps = v.allSteps()
	v.rail = newRail(v.steps)
	v.back = kit.Button(lang.L("Back"), v.retreat)
	v.next = kit.Primary("", v.advance)
	v.skip = kit.Quiet(lang.L("Skip"), v.pass)
	v.show(stepProvider)
	return v
}

func (v *view) layout() fyne.CanvasObject {
	left := kit.NewPane(kit.ColorSurface, kit.Inset(18, 14, container.NewVBox(
		kit.Heading("Stagedoor"), v.rail.box)))
	bottom := container.NewVBox(kit.Inset(10, 22, v.host.Notice), widget.NewSeparator(),
		kit.Inset(10, 22, container.NewBorder(nil, nil, v.back, container.NewHBox(v.skip, v.next))))
	right := container.NewBorder(nil, bottom, nil, nil,
		container.NewVScroll(kit.Inset(26, 22, v.page)))
	return container.NewBorder(nil, nil, left, nil, right)
}

// show puts a step's page up.
func (v *view) show(step int) {
	if step == stepClaude && v.actions.Setup == nil {
		step++
	}
	v.step = step
	v.rail.mark(step, v.skipped)
	v.page.Objects = []fyne.CanvasObject{v.content()}
	v.page.Refresh()
	v.refresh()
}

// refresh sets the buttons to what can be done now.
func (v *view) refresh() {
	now := v.current()
	v.back.Hidden = v.step == stepDone || v.step == stepProvider || v.created != "" && !v.busy
	v.back.SetText(lang.L("Back"))
	if v.busy && v.step == stepLogin {
		v.back.SetText(lang.L("Cancel"))
	}
	v.skip.Hidden = v.busy || !now.optional
	v.next.SetText(now.button)
	if v.busy {
		v.next.Disable()
	} else {
		v.next.Enable()
	}
	v.back.Refresh()
	v.skip.Refresh()
}

// retreat goes a step back, or stops waiting for the browser.
func (v *view) retreat() {
	if v.busy {
		v.stop()
		v.finish(nil)
		v.show(v.step)
		return
	}
	v.host.Notice.Clear()
	v.show(v.step - 1)
}

// pass leaves a step out, and remembers that.
func (v *view) pass() {
	v.host.Notice.Clear()
	v.skipped = append(v.skipped, v.steps[v.step].name)
	v.show(v.step + 1)
}

// advance does the step's work, which goes on if it worked.
func (v *view) advance() {
	if !v.busy {
		v.steps[v.step].work()
	}
}

// begin shows that work is under way.
func (v *view) begin(message string) {
	v.busy = true
	v.host.Notice.Busy(message, "")
	v.refresh()
}

// finish shows how it ended.
func (v *view) finish(err error) {
	v.busy, v.url = false, ""
	v.host.Notice.Error(err)
	v.refresh()
}

// suggest goes on to the client and proposes a name for the profile.
func (v *view) suggest() {
	v.host.Notice.Clear()
	kit.Load(v.host.Tasks, v.keeper.State, func(s auth.State, err error) {
		if err == nil { // a suggestion is a courtesy; creating says what is wrong
			v.form.SuggestName(s.Profiles)
			v.form.OfferForget(s)
		}
	})
	v.show(stepClient)
	v.host.Window.Canvas().Focus(v.form.ClientID)
}

// create makes the profile and selects it, so that Claude's entry follows it.
func (v *view) create() {
	v.begin(lang.L("Creating the profile…"))
	use := func(ctx context.Context, p profile.Profile) error { return v.keeper.Use(ctx, p.Name) }
	v.stop = v.form.Create(v.keeper, use, func(p profile.Profile, warnings string, err error) {
		v.finish(err)
		if err != nil {
			return
		}
		v.created = p.Name
		v.show(stepLogin)
		if warnings != "" {
			v.host.Notice.Warn(lang.L("Profile {{.Name}} created", map[string]any{"Name": p.Name}), warnings)
		}
	})
}

func (v *view) login() {
	v.begin("")
	v.host.Waiting(v.created)
	name := v.created
	v.stop = kit.Load(v.host.Tasks, func(ctx context.Context) (auth.LoginResult, error) {
		return v.keeper.Login(ctx, name, auth.LoginOptions{
			OnURL:        func(url string) { v.host.Tasks.Do(func() { v.url = url; v.show(stepLogin) }) },
			OnOpenFailed: v.host.OpenFailed,
		})
	}, func(r auth.LoginResult, err error) {
		v.finish(err)
		if err == nil && r.Blocked == "" {
			v.account = r.Account
			v.show(stepClaude)
			if len(r.NotGranted) > 0 {
				v.host.Notice.Warn(lang.L("Signed in"), lang.L("Not granted: {{.Scopes}}", map[string]any{"Scopes": strings.Join(r.NotGranted, " ")}))
			}
			return
		}
		if err == nil {
			v.host.Notice.Warn(lang.L("This is not the login of before"), r.Changed)
		}
		v.show(stepLogin)
	})
}

// setup asks, if it has to, on the same page, and then has the answer.
func (v *view) setup() {
	agreed := ""
	if v.asked != nil {
		agreed = v.asked.Error()
	}
	v.begin(lang.L("Setting up Claude Desktop…"))
	v.stop = kit.Load(v.host.Tasks, func(ctx context.Context) (string, error) { return v.actions.Setup(ctx, agreed) }, func(message string, err error) {
		v.asked = nil
		if q := (setup.Question{}); errors.As(err, &q) {
			v.asked, err = q, nil
		}
		v.finish(err)
		if err != nil || v.asked != nil {
			v.show(stepClaude)
			return
		}
		v.message = message
		v.show(stepDone)
	})
}

func (v *view) demo() {
	v.begin(lang.L("Starting the demo…"))
	v.stop = kit.Load(v.host.Tasks, func(context.Context) (struct{}, error) {
		return struct{}{}, v.actions.Demo()
	}, func(_ struct{}, err error) {
		v.finish(err)
		if err == nil {
			v.host.Notice.Done(lang.L("The demo is running"),
				lang.L("It has a second icon in the tray, and an account, a provider and a keychain of its own; nothing of yours is touched."))
			v.actions.Demo = nil // one is enough
			v.show(v.step)
		}
	})
}
