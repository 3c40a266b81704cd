//go:build !lean

package servers

import (
	"context"
	"fmt"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/scan"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// secrets is the page of what stands in plain text.
func (v *view) secrets() fyne.CanvasObject {
	box := container.NewVBox(kit.Tight(kit.Title(lang.L("Secrets in plain text"))),
		kit.Tight(kit.Muted(lang.L("Tokens, keys and passwords in the files of clients and in .env files beside their servers. No value is shown in full."))))
	for _, err := range v.facts.unread {
		box.Add(kit.Tight(kit.Warning(text.Sentence(err.Error()))))
	}
	movable := v.movable()
	row := container.NewHBox()
	if len(movable) > 0 {
		row.Add(kit.Primary(lang.N("Move {{.Count}} into the vault…", len(movable), map[string]any{"Count": len(movable)}), v.askMove))
	}
	row.Add(kit.Quiet(lang.L("Undo a move…"), v.askUnmove))
	box.Add(kit.Inset(8, 0, row))
	if len(v.facts.found) == 0 {
		box.Add(kit.Muted(lang.L("There are no secrets in plain text that are known as such.")))
	}
	file := ""
	for _, x := range v.facts.found {
		if x.File != file {
			file = x.File
			box.Add(widget.NewSeparator())
			box.Add(kit.Tight(kit.Value(file)))
		}
		facts := kit.NewFacts()
		facts.Text(text.Name(x.Entry), fmt.Sprintf("%s: %s (%s)", x.Place, x.Masked, x.What))
		if x.Variable != "" {
			facts.Text("", lang.L("can move into the vault"))
		} else {
			facts.Text("", text.Sentence(hint.Plain(x.Next)))
		}
		box.Add(facts.Object)
	}
	return box
}

func (v *view) movable() (list []scan.Finding) {
	for _, x := range v.facts.found {
		if x.Variable != "" {
			list = append(list, x)
		}
	}
	return list
}

// askMove asks before secrets are moved into the vault.
func (v *view) askMove() {
	found := v.movable()
	facts := kit.NewFacts()
	for _, x := range found {
		facts.Text(text.Name(x.Entry), fmt.Sprintf("%s: %s", x.Variable, x.Masked))
	}
	v.askAll(facts, lang.N("Move {{.Count}} into the vault?", len(found), map[string]any{"Count": len(found)}),
		lang.L("Each value is kept in the vault as a profile, and its entry starts the server through Stagedoor, which gives the value to it. An encrypted copy of each file is kept."),
		lang.L("Move"), func(ctx context.Context) []scan.Moved {
			return scan.Move(ctx, v.parts.Keeper, v.parts.Setup, found)
		}, lang.L("starts through Stagedoor now"))
}

func (v *view) askUnmove() {
	v.askAll(kit.NewFacts(), lang.L("Put the secrets back into the files?"),
		lang.L("Entries whose secrets were moved become what they were, with the secrets in plain text. The keys stay in the vault."),
		lang.L("Put them back"), func(ctx context.Context) []scan.Moved { return scan.Undo(ctx, v.parts.Setup) }, lang.L("is as it was before"))
}

// askAll asks before several entries are changed, and says then what became of each.
func (v *view) askAll(facts *kit.Facts, title, more, answer string, work func(context.Context) []scan.Moved, well string) {
	v.host.Notice.Clear()
	box := container.NewVBox(kit.Tight(kit.Title(title)), kit.Tight(kit.Muted(more)), facts.Object)
	no := kit.Button(lang.L("Leave it"), v.back)
	yes := kit.Button(answer, func() {
		v.host.Notice.Busy(lang.L("Changing the files…"), "")
		kit.Load(v.host.Tasks, func(ctx context.Context) ([]scan.Moved, error) { return work(ctx), nil }, func(done []scan.Moved, _ error) {
			v.moved(done, well)
			v.reload()
		})
	})
	yes.Importance = widget.DangerImportance
	box.Add(kit.Inset(10, 0, container.NewHBox(no, yes)))
	v.put(container.NewVScroll(kit.Inset(8, 22, box)), true)
	v.host.Window.Canvas().Focus(no)
}

// moved shows what became of entries.
func (v *view) moved(done []scan.Moved, well string) {
	v.host.Notice.Clear()
	box := container.NewVBox(kit.Tight(kit.Title(lang.L("What was done"))))
	if len(done) == 0 {
		box.Add(kit.Muted(lang.L("There was nothing to do.")))
	}
	var again []string
	for _, m := range done {
		facts := kit.NewFacts()
		if m.Error != "" {
			facts.Text(text.Name(m.Entry), lang.L("left as it is: {{.Why}}", map[string]any{"Why": m.Error})).Importance = widget.DangerImportance
			facts.Text("", text.Sentence(hint.Plain(m.Hint)))
		} else {
			facts.Text(text.Name(m.Entry), well).Importance = widget.SuccessImportance
			facts.Text("", strings.ReplaceAll(strings.Join(m.Keys, ", "), " → ", ": "))
			again = append(again, m.Client)
		}
		for _, w := range m.Warnings {
			facts.Text("", text.Sentence(hint.Plain(w)))
		}
		box.Add(facts.Object)
	}
	for _, c := range v.facts.clients {
		if strings.Contains(" "+strings.Join(again, " ")+" ", " "+c.Client.ID+" ") && c.Client.Project == "" {
			box.Add(kit.Tight(kit.Muted(text.Sentence(c.Client.Reload))))
		}
	}
	back := kit.Primary(lang.L("Done"), v.back)
	box.Add(kit.Inset(10, 0, container.NewHBox(back)))
	v.put(container.NewVScroll(kit.Inset(8, 22, box)), true)
	v.host.Window.Canvas().Focus(back)
}
