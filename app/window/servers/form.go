//go:build !lean

package servers

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// previewAfter is how long the form waits for more to be typed.
const previewAfter = 300 * time.Millisecond

// Servers that no recipe is of.
const (
	asBefore = "/before" // what was set up for the profile last
	byHand   = "/hand"
)

// request is what a form begins with. All of it may be left out.
type request struct {
	server string // id of a recipe
	wrap   string // name of an entry that is to start through Stagedoor
}

// form asks what is to be set up, and shows what that would write. Its fields stay where
// they are: what comes and goes is below them.
type form struct {
	view   *view
	wrap   string
	client *kit.Choice[string]
	whose  *kit.Choice[string] // name of a profile, or "" to follow the selected one
	server *kit.Choice[string]

	command, variables, name *kit.Entry
	agree                    *widget.Check
	move                     *widget.Check // secrets of the entry go into the vault
	bare                     *widget.Check // proxy and certificates of this process stay out of the entry
	apply                    *widget.Button
	bundle                   *widget.Button // nil where there are none
	preview                  *fyne.Container

	plan   setup.Plan
	asked  setup.Request // that the plan is of
	ready  bool          // the plan is of what the fields say
	agreed string        // the question that was answered with yes
	later  func()        // stops the preview that is to come
	stop   func()        // stops the one that is made
}

// form puts the form into the pane.
func (v *view) form(r request) {
	if v.parts.Problem != nil {
		return
	}
	v.host.Notice.Clear()
	if !v.loaded {
		return
	}
	c, known := v.choiceOf(r.server)
	switch {
	case len(v.facts.state.Profiles) == 0:
		v.needProfile(lang.L("No profile yet"), lang.L("A server needs an account: create a profile first, and sign in."))
		return
	case known && len(c.Profiles) == 0:
		v.needProfile(lang.L("No profile for this server"), lang.L("{{.Server}} takes a login of {{.Providers}}: create a profile for it, and sign in.", map[string]any{"Server": c.Name, "Providers": providerNames(c)}))
		return
	}
	f := newForm(v, r)
	v.put(container.NewVScroll(kit.Inset(8, 22, f.layout())), true)
	if f.wrap == "" {
		v.host.Window.Canvas().Focus(f.server)
	} else {
		v.host.Window.Canvas().Focus(f.whose)
	}
	f.changed()
}

// needProfile says why there is no form yet, and leads to what is missing.
func (v *view) needProfile(title, more string) {
	row := container.NewHBox(kit.Button(lang.L("Back"), v.back))
	if v.parts.Open != nil {
		row.Add(kit.Primary(lang.L("Profiles…"), v.accounts))
	}
	v.put(container.NewVScroll(kit.Inset(8, 22, container.NewVBox(kit.Tight(kit.Title(title)), kit.Tight(kit.Muted(more)), kit.Inset(10, 0, row)))), true)
	v.host.Window.Canvas().Focus(row.Objects[len(row.Objects)-1].(*widget.Button))
}

func newForm(v *view, r request) *form {
	f := &form{view: v, wrap: r.wrap, later: func() {}, stop: func() {}, preview: container.NewVBox()}
	client := clients.Default
	if _, ok := v.standing(v.at); ok {
		client = string(v.at)
	}
	f.client = kit.NewChoice(f.changed, clientOptions(v.facts.clients)...)
	f.client.Choose(client)
	f.whose = kit.NewChoice(func() { f.offer(""); f.changed() }, profileOptions(v.facts.state)...)
	f.command, f.variables, f.name = v.host.Keys.NewEntry(lang.L("npx -y some-mcp-server")), v.host.Keys.NewEntry(""), v.host.Keys.NewEntry("")
	for _, e := range []*kit.Entry{f.command, f.variables, f.name} {
		e.OnEscape = f.cancel
		e.OnChanged = func(string) { f.changed() }
		e.OnSubmitted = func(string) { f.submit() }
	}
	f.server = kit.NewChoice(f.choose, kit.Option[string]{Words: lang.L("Another server"), Value: byHand})
	if choice, ok := v.choiceOf(r.server); ok {
		f.pick(choice)
	}
	f.offer(r.server)
	f.agree = widget.NewCheck(lang.L("Yes, change that entry"), func(bool) { f.refresh() })
	f.agree.Hide()
	f.bare = widget.NewCheck(lang.L("without proxy and certificates of this computer"), func(bool) { f.changed() })
	f.bare.Hide()
	f.move = widget.NewCheck(lang.L("move its login into the vault"), func(bool) { f.changed() })
	f.move.Checked = true
	f.move.Hide()
	f.apply = kit.Primary(lang.L("Set up"), f.submit)
	if v.parts.Bundle != nil && f.wrap == "" { // which Claude Desktop does not lose
		f.bundle, f.apply = kit.Primary(lang.L("Install as a bundle"), f.install), kit.Button(lang.L("Write into its file"), f.submit)
	}
	return f
}

func (f *form) layout() fyne.CanvasObject {
	title := lang.L("Set up a server")
	fields := container.New(layout.NewFormLayout())
	add := func(name string, field fyne.CanvasObject) { fields.Add(widget.NewLabel(name)); fields.Add(field) }
	if f.wrap != "" {
		title = lang.L("Start “{{.Entry}}” through Stagedoor", map[string]any{"Entry": f.wrap})
	}
	add(lang.L("Client"), f.client)
	add(lang.L("Profile"), f.whose)
	if f.wrap == "" {
		add(lang.L("Server"), f.server)
		add(lang.L("Command"), f.command)
	}
	add(lang.L("Variables"), f.variables)
	if f.wrap == "" {
		add(lang.L("Name"), f.name)
	}
	row := container.NewHBox(kit.Button(lang.L("Cancel"), f.cancel))
	if f.bundle != nil {
		row.Add(f.bundle)
	}
	for _, o := range []fyne.CanvasObject{f.apply, f.agree, f.move, f.bare} {
		row.Add(o)
	}
	return container.NewVBox(kit.Tight(kit.Title(title)), fields, kit.Inset(8, 0, row), f.preview)
}

func (f *form) cancel() {
	f.later()
	f.stop()
	f.view.host.Notice.Clear()
	f.view.back()
}

// request is what the fields say; missing names the field that still has to be filled in.
func (f *form) request() (r setup.Request, missing string, err error) {
	r = setup.Request{Client: f.client.Value(), Profile: f.whose.Value(), Entry: strings.TrimSpace(f.name.Text), Wrap: f.wrap, Bare: f.bare.Checked}
	if c, ok := f.view.standing(page(r.Client)); ok {
		r.Client, r.Project = c.Client.ID, c.Client.Project
	}
	p, view := f.profile()
	template := "={access_token}"
	if view.APIKey {
		template = "={secret}"
	}
	for _, word := range strings.FieldsFunc(f.variables.Text, func(r rune) bool { return r == ' ' || r == ',' }) {
		if !strings.Contains(word, "=") {
			word += template
		}
		r.Env = append(r.Env, word)
	}
	if f.wrap != "" {
		r.Entry = ""
		return r, "", nil
	}
	command, err := launch.Split(f.command.Text)
	id, known := f.server.Value(), []string(nil)
	switch id {
	case byHand:
	case asBefore:
		if slices.Equal(command, p.Server.Command) {
			return r, "", nil // it is taken when nothing is said
		}
		r.As, r.Env, r.Files, r.Endpoint = p.Server.As, p.Server.Env, p.Server.Files, p.Server.Endpoint
	default:
		r.As = id
		if c, ok := f.view.choiceOf(id); ok {
			known = c.Recipe.Command
		}
	}
	if len(known) == 0 || !slices.Equal(command, known) {
		r.Command = command
	}
	switch {
	case len(command) == 0:
		missing = lang.L("Fill in the command that starts the server.")
	case id == byHand && len(r.Env) == 0 && !recognised(command):
		missing = lang.L("Fill in the variable that the server reads its token or key from.")
	}
	return r, missing, err
}

func recognised(command []string) bool {
	_, ok := launch.Recognise(command)
	return ok
}

// changed makes the preview anew once nobody types any more.
func (f *form) changed() {
	f.later()
	f.stop()
	f.ready = false
	if f.apply == nil {
		return // it is being built
	}
	f.refresh()
	f.later = f.view.host.Tasks.After(previewAfter, f.look)
}

// look plans what the fields say and shows it.
func (f *form) look() {
	r, missing, err := f.request()
	if missing != "" || err != nil {
		f.plan = setup.Plan{}
		f.say(kit.Muted(cmp.Or(missing, errText(err))))
		return
	}
	service, move := f.view.parts.Setup, f.move.Checked
	f.stop = kit.Load(f.view.host.Tasks, func(ctx context.Context) (setup.Plan, error) {
		p, err := service.Plan(ctx, r)
		if err == nil && move && len(p.Secrets) > 0 {
			r.Taken = p.Secrets
			return service.Plan(ctx, r)
		}
		return p, err
	}, func(p setup.Plan, err error) {
		f.plan, f.ready, f.asked = p, err == nil, r
		if err != nil {
			f.say(kit.Warning(text.Sentence(err.Error())), kit.Muted(text.Sentence(hint.Plain(hint.Of(err)))))
			return
		}
		f.move.Hidden = len(p.Secrets) == 0
		f.bare.Hidden = !f.bare.Checked && !carries(p)
		if f.name.SetPlaceHolder(p.Change.Name); f.agreed != f.asks() {
			f.agree.SetChecked(false)
			f.agreed = ""
		}
		f.say(f.about(p)...)
	})
}

// carries reports whether an entry gets variables of this process.
func carries(p setup.Plan) bool {
	return p.Change.Entry != nil && slices.ContainsFunc(setup.CarriedOver(), func(name string) bool { return p.Change.Entry.Env[name] != "" })
}

// about is all there is to know of a plan before it is carried out.
func (f *form) about(p setup.Plan) (list []fyne.CanvasObject) {
	if q := (setup.Question{}); errors.As(p.Question(), &q) {
		list = append(list, kit.Tight(kit.Warning(lang.L("{{.Client}} has an entry “{{.Entry}}” already.", map[string]any{"Client": q.Client, "Entry": q.Entry})+" "+kit.QuestionWords(q))))
		if f.wrap == "" {
			list = append(list, kit.Tight(kit.Muted(lang.L("Tick the box to go on, or type another name."))))
		}
	}
	if _, view := f.profile(); view.Status != auth.StatusActive && !p.Change.TakesSecrets {
		list = append(list, kit.Tight(kit.Muted(lang.L("{{.Name}}: {{.State}}. The server gets no token before you have signed in.", map[string]any{"Name": view.Name, "State": kit.StatusWords(view)}))))
	}
	return append(list, f.view.changes(p))
}

// asks is the question that the plan has to be agreed to with, or "".
func (f *form) asks() string { return errText(f.plan.Question()) }

func (f *form) say(list ...fyne.CanvasObject) {
	f.preview.Objects = list
	f.preview.Refresh()
	f.refresh()
}

// refresh has the button work when there is something to do, and nothing to be asked.
func (f *form) refresh() {
	asks := f.ready && f.asks() != ""
	if f.agree.Hidden = !asks; asks && f.agree.Checked {
		f.agreed = f.asks()
	}
	f.agree.Refresh()
	f.bare.Refresh()
	f.move.Refresh()
	if f.bundle != nil { // which changes no file, and so asks nothing
		if f.ready && f.plan.Client.ID == clients.Default && f.plan.Client.Project == "" {
			f.bundle.Enable()
		} else {
			f.bundle.Disable()
		}
	}
	if f.ready && (!asks || f.agree.Checked) {
		f.apply.Enable()
	} else {
		f.apply.Disable()
	}
}

// take moves the login that an entry has into the vault, if that is planned.
func (v *view) take(ctx context.Context, r setup.Request) error {
	if len(r.Taken) == 0 {
		return nil
	}
	found, err := v.parts.Setup.Find(ctx, &r)
	if err == nil {
		_, err = found.Take(ctx, v.parts.Keeper, &r, nil)
	}
	return err
}

// submit writes the entry and tries it.
func (f *form) submit() {
	if f.apply.Disabled() || !f.ready {
		return
	}
	v, p := f.view, f.plan
	f.apply.Disable()
	asked := f.asked
	v.write(p, func(ctx context.Context) error { return v.take(ctx, asked) }, func(next string, err error) {
		if err != nil {
			v.host.Notice.Error(err)
			f.changed() // the file may be another one by now
			return
		}
		v.host.Notice.Clear()
		v.at = of(p.Client)
		written := lang.L("The entry is written to {{.File}}.", map[string]any{"File": v.short(p.Change.Path)})
		if !p.Change.Writes() {
			written = lang.L("The entry was there already.")
		}
		v.check(p.Client, p.Change.Name, written+" "+text.Sentence(next), func(ctx context.Context) setup.Check { return v.parts.Setup.Check(ctx, p) })
		v.reload()
	})
}

// install tries the server and hands Claude Desktop a bundle of it.
func (f *form) install() {
	v, p := f.view, f.plan
	if f.bundle.Disabled() || !f.ready {
		return
	}
	v.host.Notice.Clear()
	v.check(p.Client, p.Change.Name, lang.L("Once the server has answered, {{.Client}} asks whether to install it.", map[string]any{"Client": p.Client.Name}), func(ctx context.Context) setup.Check {
		c := v.parts.Setup.Check(ctx, p)
		if c.OK || c.Untried && ctx.Err() == nil {
			if err := v.parts.Bundle(ctx, p, c.Listed); err != nil {
				c.OK, c.Untried, c.Problem, c.Hint = false, false, err.Error(), hint.Of(err)
			}
		}
		return c
	})
}
