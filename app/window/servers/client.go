//go:build !lean

package servers

import (
	"context"
	"fmt"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// client is the page of one.
func (v *view) client(c setup.Standing) fyne.CanvasObject {
	box := container.NewVBox(kit.Tight(kit.Title(nameOf(c.Client))))
	facts := kit.NewFacts()
	facts.Text(lang.L("File"), c.Path)
	facts.Text(lang.L("Project"), c.Client.Project)
	switch {
	case c.Stale():
		facts.Text(lang.L("Running"), lang.L("since {{.When}}, and does not know of the last change: {{.What}}", map[string]any{"When": v.host.Clock(c.Began), "What": c.Client.Reload})).Importance = widget.WarningImportance
	case c.Known && !c.Began.IsZero():
		facts.Text(lang.L("Running"), lang.L("since {{.When}}", map[string]any{"When": v.host.Clock(c.Began)}))
	case c.Known:
		facts.Text(lang.L("Running"), lang.L("no; it reads its file when it starts"))
	}
	box.Add(facts.Object)
	if c.Problem != nil {
		box.Add(kit.Tight(kit.Warning(lang.L("This file is left alone: {{.Why}}", map[string]any{"Why": c.Problem.Error()}))))
		box.Add(kit.Tight(kit.Muted(text.Sentence(hint.Plain(hint.Of(c.Problem))))))
		if !c.Changed.IsZero() {
			box.Add(container.NewHBox(kit.Button(lang.L("Backups…"), func() { v.goTo(backups) })))
		}
		return box
	}
	for _, e := range c.Entries {
		box.Add(widget.NewSeparator())
		box.Add(v.entry(e))
	}
	box.Add(widget.NewSeparator())
	if len(c.Entries) == 0 {
		box.Add(kit.Muted(lang.L("No server is set up here yet.")))
	}
	if len(c.Others) > 0 {
		box.Add(v.others(c))
	}
	row := container.NewHBox(kit.Primary(lang.L("Set up a server…"), func() { v.form(request{}) }))
	if !c.Changed.IsZero() {
		row.Add(kit.Button(lang.L("Undo the last change…"), func() { v.undo(setup.Request{Client: c.Client.ID, Project: c.Client.Project}) }))
	}
	if line := c.Client.Restart(v.parts.Setup.Configs.Env.GOOS); c.Stale() && line != "" && v.parts.Run != nil {
		row.Add(kit.Button(lang.L("Restart {{.Client}}", map[string]any{"Client": c.Client.Name}), func() { v.restart(c, line) }))
	}
	box.Add(kit.Inset(10, 0, row))
	return box
}

// restart has a client quit as its user would, and start again.
func (v *view) restart(c setup.Standing, line string) {
	what := map[string]any{"Client": c.Client.Name}
	v.host.Notice.Busy(lang.L("Restarting {{.Client}}…", what), "")
	v.host.Try(func(ctx context.Context) error {
		return hint.Wrap(v.parts.Run(ctx, line), lang.L("Quit it completely and start it by hand."))
	}, func() {
		v.host.Notice.Done(lang.L("{{.Client}} was started again", what), "")
		v.reload()
	})
}

// entry shows one of Stagedoor's, and what can be done with it.
func (v *view) entry(e setup.Held) fyne.CanvasObject {
	words, colour := v.entryWords(e)
	name := widget.NewLabel(kit.Shown(e.Name))
	name.TextStyle.Bold = true
	state := widget.NewLabel(words)
	state.Importance = map[fyne.ThemeColorName]widget.Importance{theme.ColorNameSuccess: widget.SuccessImportance, theme.ColorNameError: widget.DangerImportance}[colour]
	box := container.NewVBox(kit.Tight(container.NewHBox(name, state), kit.Muted(e.Starts)))
	if e.Fault != "" {
		box.Add(kit.Tight(kit.Muted(text.Sentence(e.Why.Error()))))
	} else if c, tried := v.tried[key(e.Server)]; tried {
		box.Add(kit.Tight(kit.Muted(checkWords(c))))
	}
	row := container.NewHBox(kit.Button(lang.L("Test"), func() { v.try(e.Server) }))
	if p, ok := v.login(e.Profile.ID); ok && p.Status != auth.StatusActive && v.parts.Open != nil {
		row.Add(kit.Button(lang.L("Profiles…"), v.accounts))
	}
	if e.Fault == setup.Moved {
		row.Add(kit.Button(lang.L("Mend"), func() { v.mend(e) }))
	}
	row.Add(kit.Quiet(lang.L("Remove…"), func() { v.remove(e.Server) }))
	box.Add(row)
	return box
}

// others are the servers that start without Stagedoor.
func (v *view) others(c setup.Standing) fyne.CanvasObject {
	box := container.NewVBox(kit.Muted(lang.L("These start their servers without Stagedoor:")))
	for _, e := range c.Others {
		program := e.Entry.Command[strings.LastIndexAny(e.Entry.Command, `/\`)+1:]
		label := widget.NewLabel(kit.Shown(fmt.Sprintf("%s (%s)", text.Name(e.Name), text.Name(program))))
		label.Truncation = fyne.TextTruncateEllipsis
		put := kit.Quiet(lang.L("Start it through Stagedoor…"), func() { v.form(request{wrap: e.Name}) })
		box.Add(container.NewBorder(nil, nil, nil, put, label))
	}
	return box
}

// mend has an entry start this program, which is at another place now.
func (v *view) mend(e setup.Held) {
	v.host.Try(func(ctx context.Context) error { return v.parts.Setup.Repoint(ctx, e.Server) }, func() {
		v.host.Notice.Done(lang.L("“{{.Entry}}” starts Stagedoor again", map[string]any{"Entry": e.Name}), e.Client.Reload)
		v.reload()
	})
}

// remove asks before an entry is taken out.
func (v *view) remove(e clients.Server) {
	r := setup.Request{Client: e.Client.ID, Project: e.Client.Project, Entry: e.Name, Remove: true}
	v.ask(question{
		title: lang.L("Remove “{{.Entry}}” from {{.Client}}?", map[string]any{"Entry": e.Name, "Client": e.Client.Name}),
		more:  lang.L("The server is no longer started there. Its profile and the rest of the file stay, and a copy is kept."),
		no:    lang.L("Keep it"), yes: lang.L("Remove"),
		plan:   func(ctx context.Context) (setup.Plan, error) { return v.parts.Setup.Plan(ctx, r) },
		unwrap: setup.Request{Client: e.Client.ID, Project: e.Client.Project, Unwrap: e.Name},
		done:   lang.L("“{{.Entry}}” is removed", map[string]any{"Entry": e.Name}),
	})
}

// undo asks before the last change is taken back.
func (v *view) undo(r setup.Request) {
	v.ask(question{
		title: lang.L("Take the last change back?"),
		more:  lang.L("What others changed in the file since stays."),
		no:    lang.L("Leave it"), yes: lang.L("Take it back"),
		plan: func(ctx context.Context) (setup.Plan, error) { return v.parts.Setup.Undo(ctx, r) },
		force: func(ctx context.Context) (setup.Plan, error) {
			r.Force = true
			return v.parts.Setup.Undo(ctx, r)
		},
		done: lang.L("The last change is taken back"),
	})
}
