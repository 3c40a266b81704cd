//go:build !lean

package profiles

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/newprofile"
	"github.com/stagedoor-app/stagedoor/app/window/stage"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

// create is the form for a new profile.
type create struct {
	view     *view
	provider *widget.Select
	form     *newprofile.Form
	box      fyne.CanvasObject
}

func newCreate(h *stage.Host, v *view) *create {
	c := &create{view: v}
	c.form = newprofile.New(h, c.submit)
	rows := provider.All()
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.Name
	}
	c.provider = widget.NewSelect(names, nil)
	c.provider.SetSelectedIndex(0)
	c.provider.OnChanged = func(string) { c.form.SetProvider(rows[c.provider.SelectedIndex()]) }
	c.box = container.NewVBox(stage.Heading(lang.L("New profile")), c.provider, c.form.Object,
		stage.Inset(10, 0, container.NewHBox(
			stage.Button(lang.L("Cancel"), c.close), stage.Primary(lang.L("Create profile"), c.submit))))
	return c
}

func (c *create) close() {
	c.form.Clear()
	c.view.host.Notice.Clear()
	c.view.showCard()
}

func (c *create) submit() {
	v := c.view
	n := c.form.Value()
	var notes []string
	n.Warn = func(text string) { notes = append(notes, text) }
	stage.Load(v.host.Seam, func(ctx context.Context) (profile.Profile, error) {
		return v.keeper.CreateProfile(ctx, n)
	}, func(p profile.Profile, err error) {
		if err != nil {
			v.host.Notice.Error(err) // the fields stay as they are, to be put right
			return
		}
		c.form.Clear()
		v.asking, v.chosen = false, p.ID
		if created := lang.L("Profile {{.Name}} created", map[string]any{"Name": n.Name}); len(notes) > 0 {
			v.host.Notice.Warn(created, strings.Join(notes, ". "))
		} else {
			v.host.Notice.Done(created, lang.L("Log in to start using it."))
		}
		v.reload()
	})
}
