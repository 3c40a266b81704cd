//go:build !lean

package servers

import (
	"context"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// backupPage lists the backups above, and shows below what the chosen one would change.
type backupPage struct {
	view   *view
	list   *kit.List
	detail *fyne.Container
	box    fyne.CanvasObject
	empty  fyne.CanvasObject
	chosen string // id
	stop   func()
}

func newBackupPage(v *view) *backupPage {
	b := &backupPage{view: v, detail: container.NewStack(), stop: func() {}}
	b.list = kit.NewList(func() int { return len(v.facts.backups) },
		func() fyne.CanvasObject { return kit.NewItem() },
		func(i int, o fyne.CanvasObject) {
			if i < len(v.facts.backups) {
				b.showRow(o.(*kit.Item), v.facts.backups[i])
			}
		}, func(i int) { b.choose(v.facts.backups[i]) })
	b.list.OnEscape = v.back
	b.detail.Add(kit.Muted(lang.L("Choose one to see what putting it back would change.")))
	head := kit.Inset(8, 22, kit.Tight(kit.Title(lang.L("Backups")), kit.Muted(lang.L("Files of clients as they were before a change of Stagedoor’s: the last 20 of each, and one of each week before."))))
	split := container.NewVSplit(b.list, container.NewVScroll(kit.Inset(8, 22, b.detail)))
	split.SetOffset(0.45)
	b.box = container.NewBorder(head, nil, nil, nil, split)
	b.empty = container.NewBorder(head, nil, nil, nil, container.NewCenter(widget.NewLabel(lang.L("There is no backup yet."))))
	return b
}

// show is the page as it is now.
func (b *backupPage) show() fyne.CanvasObject {
	all := b.view.facts.backups
	for name, err := range b.view.facts.exposed {
		b.view.host.Notice.Warn(lang.L("Backups of {{.Client}} may have secrets in plain text", map[string]any{"Client": name}), err.Error())
	}
	b.list.Refresh()
	row := slices.IndexFunc(all, func(x clients.Backup) bool { return x.ID == b.chosen })
	if b.list.Selected() != row {
		b.list.Shift(row)
	}
	if len(all) == 0 {
		return b.empty
	}
	return b.box
}

func (b *backupPage) showRow(i *kit.Item, x clients.Backup) {
	i.Pill.Set("", theme.ColorNameDisabled, theme.ColorNameDisabled)
	i.Title.SetText(x.Client.Name + " · " + b.view.host.Clock(x.Made))
	i.Below.SetText(changeWords(x))
	switch {
	case x.Copy == "":
		i.Right.SetText(lang.L("no file yet"))
	case x.Sealed:
		i.Right.SetText(lang.L("encrypted"))
	default:
		i.Right.SetText("")
	}
}

// choose shows what putting a backup back would change. Of a file in which a client keeps
// what it remembers only the entry is put back.
func (b *backupPage) choose(x clients.Backup) {
	b.stop()
	b.chosen = x.ID
	entry := ""
	if x.Client.Remembers && x.Client.Project == "" {
		entry = x.Change.Entry
	}
	restore := func(ctx context.Context) (setup.Plan, error) { return b.view.parts.Setup.Restore(ctx, x.ID, entry) }
	b.put(kit.Muted(lang.L("Reading the backup…")))
	b.stop = kit.Load(b.view.host.Tasks, restore, func(p setup.Plan, err error) {
		switch {
		case err != nil:
			b.put(kit.Warning(text.Sentence(err.Error())))
		case !p.Change.Writes():
			b.put(kit.Muted(lang.L("{{.File}} is as it was then.", map[string]any{"File": b.view.short(p.Change.Path)})))
		default:
			b.put(container.NewVBox(container.NewHBox(kit.Button(lang.L("Put it back…"), func() { b.ask(x, entry, restore) })), b.view.changes(p)))
		}
	})
}

func (b *backupPage) put(o fyne.CanvasObject) {
	b.detail.Objects = []fyne.CanvasObject{o}
	b.detail.Refresh()
}

// ask asks before a backup is put back.
func (b *backupPage) ask(x clients.Backup, entry string, restore func(context.Context) (setup.Plan, error)) {
	more := lang.L("The whole file becomes what it was. What was changed in it since is lost; the file as it is now is backed up too.")
	if entry != "" {
		more = lang.L("Only the entry “{{.Entry}}” becomes what it was. The rest of the file stays.", map[string]any{"Entry": entry})
	}
	when := map[string]any{"Client": x.Client.Name, "When": b.view.host.Clock(x.Made)}
	b.view.ask(question{
		title: lang.L("Put back the file of {{.Client}} of {{.When}}?", when), more: more,
		no: lang.L("Leave it"), yes: lang.L("Put it back"), plan: restore,
		done: lang.L("The file of {{.Client}} is as it was on {{.When}}", when),
	})
}
