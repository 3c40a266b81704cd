//go:build !lean

package servers

import (
	"context"
	"strings"

	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// try starts an entry's server as its client will.
func (v *view) try(e clients.Server) {
	v.host.Notice.Clear()
	v.check(e.Client, e.Name, "", func(ctx context.Context) setup.Check { return v.parts.Setup.Try(ctx, e) })
}

// check shows that a server is started, and what came of it. Written says what was done
// before, or is "".
func (v *view) check(c clients.Client, entry, written string, work func(context.Context) setup.Check) {
	what := map[string]any{"Entry": entry, "Client": c.Name}
	box := container.NewVBox(kit.Tight(kit.Title(lang.L("“{{.Entry}}” in {{.Client}}", what))))
	if written != "" {
		box.Add(kit.Tight(kit.Muted(written)))
	}
	busy := widget.NewProgressBarInfinite()
	said := kit.Muted(lang.L("Starting “{{.Entry}}” as {{.Client}} will…", what))
	var stop func()
	cancel := kit.Button(lang.L("Cancel"), func() {
		busy.Stop()
		stop()
		v.showCheck(c, entry, written, setup.Check{Entry: entry, Untried: true, Problem: lang.L("You stopped it.")}, work)
	})
	box.Add(kit.Inset(10, 0, container.NewHBox(cancel)))
	box.Add(said)
	box.Add(busy)
	screen := container.NewVScroll(kit.Inset(8, 22, box))
	v.put(screen, true)
	v.host.SetTitle(lang.L("Starting “{{.Entry}}”…", what))
	v.host.Window.Canvas().Focus(cancel)
	stop = kit.Load(v.host.Tasks, func(ctx context.Context) (setup.Check, error) { return work(ctx), nil }, func(done setup.Check, _ error) {
		busy.Stop()
		v.tried[c.Folder()+"/"+entry] = done
		if v.pane.Objects[0] == screen {
			v.showCheck(c, entry, written, done, work)
		} else if words := checkWords(done); done.OK { // the user is elsewhere by now
			v.host.Notice.Done(words, "")
		} else {
			v.host.Notice.Warn(words, done.Hint)
		}
		v.reload()
	})
}

// showCheck shows what a server did, or how to mend what it did not.
func (v *view) showCheck(c clients.Client, entry, written string, done setup.Check, again func(context.Context) setup.Check) {
	box := container.NewVBox(kit.Tight(kit.Title(lang.L("“{{.Entry}}” in {{.Client}}", map[string]any{"Entry": entry, "Client": c.Name}))))
	if written != "" {
		box.Add(kit.Tight(kit.Muted(written)))
	}
	back := kit.Primary(lang.L("Done"), v.back)
	row := container.NewHBox(back, kit.Button(lang.L("Test again"), func() { v.check(c, entry, written, again) }))
	if written != "" {
		row.Add(kit.Button(lang.L("Undo the last change…"), func() { v.undo(setup.Request{Client: c.ID, Project: c.Project}) }))
	}
	if done.Untried && v.parts.Open != nil {
		row.Add(kit.Button(lang.L("Profiles…"), v.accounts))
	}
	box.Add(kit.Inset(10, 0, row))
	result := kit.Value(checkWords(done))
	result.TextStyle.Bold = true
	switch {
	case done.OK:
		result.Importance = widget.SuccessImportance
	case done.Untried:
		result.Importance = widget.WarningImportance
	default:
		result.Importance = widget.DangerImportance
	}
	box.Add(kit.Tight(result))
	if done.Slow {
		box.Add(kit.Tight(kit.Warning(lang.L("{{.Client}} waits for {{.Count}} s only.", map[string]any{"Client": c.Name, "Count": int(c.Waits().Seconds())}))))
	}
	if advice := hint.Plain(done.Hint); advice != "" && !done.OK {
		box.Add(kit.Tight(kit.Value(text.Sentence(advice))))
	}
	if len(done.Output) > 0 {
		box.Add(kit.Tight(kit.Muted(lang.L("The last it wrote:"))))
		said := kit.Value(strings.Join(done.Output, "\n"))
		said.TextStyle.Monospace = true
		box.Add(kit.NewPane(kit.ColorSurface, kit.Inset(4, 6, said)))
	}
	v.put(container.NewVScroll(kit.Inset(8, 22, box)), true)
	v.host.SetTitle(checkWords(done)) // for whoever looked at something else meanwhile
	v.host.Window.Canvas().Focus(back)
}
