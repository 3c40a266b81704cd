//go:build !lean

package servers

import (
	"context"
	"errors"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// question asks before a plan is applied.
type question struct {
	title, more string
	no, yes     string
	plan        func(context.Context) (setup.Plan, error)
	// force plans it though somebody changed what is taken back, which is said; it may be nil.
	force func(context.Context) (setup.Plan, error)
	done  string // what the notice says then
	// unwrap is another way: the entry as it was before it started through Stagedoor. It is
	// offered where there is a copy of that.
	unwrap setup.Request
}

// ask puts a question into the pane, with what would change. The safe answer has the focus.
func (v *view) ask(q question) {
	v.host.Notice.Clear()
	type planned struct {
		plan, unwrap setup.Plan
		changed      error
	}
	kit.Load(v.host.Tasks, func(ctx context.Context) (p planned, err error) {
		if p.plan, err = q.plan(ctx); errors.Is(err, clients.ErrChanged) && q.force != nil {
			p.changed = err
			p.plan, err = q.force(ctx)
		}
		if q.unwrap.Unwrap != "" && err == nil {
			if u, err := v.parts.Setup.Plan(ctx, q.unwrap); err == nil && u.Kept() {
				p.unwrap = u
			}
		}
		return p, err
	}, func(p planned, err error) {
		if err != nil {
			v.host.Notice.Error(err)
			return
		}
		if !p.plan.Change.Writes() {
			v.host.Notice.Done(lang.L("Nothing would change"), p.plan.Change.Path)
			return
		}
		box := container.NewVBox(kit.Tight(kit.Title(q.title)), kit.Tight(kit.Muted(q.more)))
		for _, words := range []string{errText(p.changed), p.plan.Change.Doubt} {
			if words != "" {
				box.Add(kit.Tight(kit.Warning(text.Sentence(words))))
			}
		}
		no := kit.Button(q.no, v.back)
		yes := kit.Button(q.yes, func() { v.apply(p.plan, q.done) })
		yes.Importance = widget.DangerImportance
		row := container.NewHBox(no, yes)
		if p.unwrap.Kept() {
			row.Add(kit.Button(lang.L("Start it without Stagedoor again"), func() { v.apply(p.unwrap, lang.L("It starts without Stagedoor again")) }))
		}
		box.Add(kit.Inset(10, 0, row))
		box.Add(v.changes(p.plan))
		v.put(container.NewVScroll(kit.Inset(8, 22, box)), true)
		v.host.Window.Canvas().Focus(no)
	})
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// write makes a change, after what has to come before, and hands on what makes it count.
func (v *view) write(p setup.Plan, before func(context.Context) error, done func(next string, err error)) {
	v.host.Notice.Busy(lang.L("Writing {{.File}}…", map[string]any{"File": v.short(p.Change.Path)}), "")
	kit.Load(v.host.Tasks, func(ctx context.Context) (next string, err error) {
		if before != nil {
			err = before(ctx)
		}
		if err == nil {
			_, err = v.parts.Setup.Apply(ctx, p)
		}
		if err == nil {
			next = v.parts.Setup.Next(ctx, p.Client)
		}
		return next, err
	}, done)
}

// apply makes a change that was agreed to.
func (v *view) apply(p setup.Plan, done string) {
	v.write(p, nil, func(next string, err error) {
		if err != nil {
			v.host.Notice.Error(err)
			return
		}
		v.host.Notice.Done(done, next)
		delete(v.tried, p.Client.Folder()+"/"+p.Change.Name)
		v.at = of(p.Client)
		v.back()
		v.reload()
	})
}

// shownLines are as many of a change as a person reads.
const shownLines = 300

// changes are what a plan would write, as a diff, and what there is to know of it.
func (v *view) changes(p setup.Plan) fyne.CanvasObject {
	box := container.NewVBox()
	for _, w := range p.Change.Warnings {
		if words := hint.Plain(w); words != "" {
			box.Add(kit.Tight(kit.Warning(text.Sentence(words))))
		}
	}
	diff := p.Change.Diff()
	if diff == "" {
		box.Add(kit.Tight(kit.Muted(lang.L("Nothing would change in {{.File}}.", map[string]any{"File": v.short(p.Change.Path)}))))
		return box
	}
	head := widget.NewLabel(lang.L("What changes in {{.File}}", map[string]any{"File": v.short(p.Change.Path)}))
	head.Truncation = fyne.TextTruncateEllipsis
	box.Add(container.NewBorder(nil, nil, nil, kit.Quiet(lang.L("Copy"), func() {
		v.host.Copy(diff)
		v.host.Notice.Done(lang.L("Copied"), "")
	}), head))
	box.Add(diffBox(diff))
	return box
}

// diffBox shows a diff line by line: removed ones red, new ones green, and each with its
// sign.
func diffBox(diff string) fyne.CanvasObject {
	lines := strings.Split(strings.TrimSuffix(diff, "\n"), "\n")
	more := max(0, len(lines)-shownLines)
	var all []fyne.CanvasObject
	for _, line := range lines[:len(lines)-more] {
		if strings.HasPrefix(line, "--- ") || strings.HasPrefix(line, "+++ ") {
			continue // the file, which the line above names
		}
		l := widget.NewLabel(line)
		l.TextStyle.Monospace, l.SizeName = true, theme.SizeNameCaptionText
		switch line[:min(1, len(line))] {
		case "+":
			l.Importance = widget.SuccessImportance
		case "-":
			l.Importance = widget.DangerImportance
		case "@", "\\":
			l.Importance = widget.LowImportance
		}
		all = append(all, l)
	}
	if more > 0 {
		all = append(all, widget.NewLabel(lang.N("… and {{.Count}} more lines", more, map[string]any{"Count": more})))
	}
	return kit.NewPane(kit.ColorSurface, container.NewHScroll(kit.Inset(4, 6, kit.Tight(all...))))
}
