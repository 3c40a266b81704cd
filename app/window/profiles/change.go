//go:build !lean

package profiles

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/app/window/newprofile"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

// rename asks for a profile's new name in the pane.
func (v *view) rename(p auth.ProfileView) {
	name := v.host.Keys.NewEntry("")
	name.SetText(p.Name)
	save := func() {
		v.act(func(ctx context.Context) error { return v.keeper.Rename(ctx, p.Name, name.Text) }, func() {
			v.back()
			v.host.Notice.Done(lang.L("{{.Name}} is now called {{.New}}", map[string]any{"Name": p.Name, "New": name.Text}),
				lang.L("Its login and its history stay. MCP servers that were set up for the old name need to be set up again."))
		})
	}
	name.OnSubmitted = func(string) { save() }
	name.OnEscape = v.back
	v.put(container.NewVBox(
		kit.Tight(heading(lang.L("Rename {{.Name}}", map[string]any{"Name": p.Name}))),
		kit.Tight(kit.Muted(lang.L("Small letters, digits, - and _."))),
		name,
		kit.Inset(10, 0, container.NewHBox(kit.Button(lang.L("Cancel"), v.back), kit.Primary(lang.L("Rename"), save))),
	), true)
	v.host.Window.Canvas().Focus(name)
	name.TypedShortcut(&fyne.ShortcutSelectAll{})
}

// remove asks once before a profile is deleted, and says what that does at the
// provider and here.
func (v *view) remove(p auth.ProfileView) {
	facts := kit.NewFacts()
	if p.Status != auth.StatusNotConfigured {
		facts.Text(lang.L("At the provider"), revocationWords(p))
	}
	facts.Text(lang.L("Here"), lang.L("The profile is removed, and its tokens and its client secret are deleted from the {{.Vault}}. MCP servers that use it lose access. The audit log keeps its history.", map[string]any{"Vault": vaultWords(p.Vault)}))
	v.ask(lang.L("Delete {{.Name}}?", map[string]any{"Name": p.Name}), facts, lang.L("Delete profile"), func() {
		v.back()
		v.host.Notice.Busy(lang.L("Deleting {{.Name}}…", map[string]any{"Name": p.Name}), "")
		kit.Load(v.host.Tasks, func(ctx context.Context) (auth.RevokeResult, error) {
			return v.keeper.DeleteProfile(ctx, p.Name)
		}, func(r auth.RevokeResult, err error) {
			v.reload()
			done := lang.L("{{.Name}} is deleted", map[string]any{"Name": p.Name})
			switch {
			case err != nil:
				v.host.Notice.Error(err)
			case r.Settled():
				v.host.Notice.Done(done, r.Message)
			default:
				v.host.Notice.Warn(done, r.Message)
				if r.AppsPage != "" {
					v.host.Open(r.AppsPage)
				}
			}
		})
	})
}

// accept lets servers have the tokens of a login that differs from before.
func (v *view) accept(p auth.ProfileView) {
	v.act(func(ctx context.Context) error {
		_, err := v.keeper.AcceptIdentity(ctx, p.Name)
		return err
	}, func() {
		v.host.Notice.Done(lang.L("The changed login of {{.Name}} is accepted", map[string]any{"Name": p.Name}), "")
	})
}

func heading(text string) *widget.Label {
	l := kit.Heading(text)
	l.Wrapping = fyne.TextWrapWord
	return l
}

// create is the form for a new profile.
type create struct {
	view     *view
	provider *widget.Select
	form     *newprofile.Form
	box      fyne.CanvasObject
}

func newCreate(h *kit.Host, v *view) *create {
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
	c.box = container.NewVBox(kit.Heading(lang.L("New profile")), c.provider, c.form.Object,
		kit.Inset(10, 0, container.NewHBox(
			kit.Button(lang.L("Cancel"), c.close), kit.Primary(lang.L("Create profile"), c.submit))))
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
	kit.Load(v.host.Tasks, func(ctx context.Context) (profile.Profile, error) {
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
			v.host.Notice.Done(created, lang.L("Sign in to start using it."))
		}
		v.reload()
	})
}
