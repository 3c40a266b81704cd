//go:build !lean

package profiles

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/app/window/newprofile"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

// act runs something short and shows what came of it.
func (v *view) act(work func(context.Context) error, done func()) {
	v.host.Try(work, func() {
		done()
		v.reload()
	})
}

// use makes a profile the active one.
func (v *view) use(p auth.ProfileView) {
	v.act(func(ctx context.Context) error { return v.keeper.Use(ctx, p.Name) }, func() {
		v.host.Notice.Done(lang.L("{{.Name}} is now the active profile", map[string]any{"Name": p.Name}),
			lang.L("MCP servers that follow the active profile get its tokens from now on."))
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

// login opens the browser and waits for the user to come back.
func (v *view) login(p auth.ProfileView) {
	if v.waiting != "" {
		return // one browser tab is enough
	}
	v.waiting, v.appsPage = p.ID, ""
	v.host.Notice.Busy(lang.L("Waiting for you to sign in to {{.Name}} in the browser…", map[string]any{"Name": p.Name}), "")
	v.showCard()
	v.stopLogin = kit.Load(v.host.Tasks, func(ctx context.Context) (auth.LoginResult, error) {
		return v.keeper.Login(ctx, p.Name, auth.LoginOptions{
			OnURL:        func(url string) { v.host.Tasks.Do(func() { v.setURL(url) }) },
			OnOpenFailed: v.host.OpenFailed,
		})
	}, func(r auth.LoginResult, err error) {
		v.endLogin()
		switch who := signedIn(p.Name, r.Account); {
		case err != nil:
			v.host.Notice.Error(err)
		case r.Changed != "":
			v.host.Notice.Warn(who, r.Changed)
		case len(r.NotGranted) > 0:
			v.host.Notice.Warn(who, lang.L("Not granted: {{.Scopes}}", map[string]any{"Scopes": strings.Join(r.NotGranted, " ")}))
		default:
			v.host.Notice.Done(who, "")
		}
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
	v.setURL("")
	v.reload()
}

func (v *view) setURL(url string) {
	v.url = url
	if !v.asking {
		v.showCard()
	}
}

// rename asks for a profile's new name in the pane, and whether the entries that are
// pinned to the old one follow.
func (v *view) rename(p auth.ProfileView) { v.withEntries(p, v.askName) }

func (v *view) askName(p auth.ProfileView, pinned []clients.Server) {
	names := map[string]any{"Name": p.Name, "Entries": entryNames(pinned)}
	name := v.host.Keys.NewEntry("")
	name.SetText(p.Name)
	follow := widget.NewCheck(lang.L("Change these entries too"), nil)
	follow.Checked = true
	save := func() {
		change, to := follow.Checked, name.Text
		var missed error // by the entries; the profile has its new name then
		v.act(func(ctx context.Context) error {
			err := v.keeper.Rename(ctx, p.Name, to)
			if err == nil && change {
				missed = v.repin(ctx, p, pinned, to)
			}
			return err
		}, func() {
			v.back()
			title := lang.L("{{.Name}} is now called {{.New}}", map[string]any{"Name": p.Name, "New": to})
			switch {
			case len(pinned) == 0:
				v.host.Notice.Done(title, lang.L("Its login and its history stay."))
			case missed != nil:
				v.host.Notice.Warn(title, missed.Error())
			case !change:
				v.host.Notice.Warn(title, lang.L("These entries will not start any more: {{.Entries}}", names))
			default:
				v.host.Notice.Done(title, lang.L("Changed too: {{.Entries}}. Start these clients again.", names))
			}
		})
	}
	name.OnSubmitted = func(string) { save() }
	name.OnEscape = v.back
	page := container.NewVBox(
		kit.Tight(kit.Title(lang.L("Rename {{.Name}}", map[string]any{"Name": p.Name}))),
		kit.Tight(kit.Muted(lang.L("Small letters, digits, - and _."))),
		name)
	if len(pinned) > 0 {
		page.Add(kit.Tight(kit.Muted(lang.L("These entries start their server with {{.Name}}: {{.Entries}}", names))))
		page.Add(follow)
	}
	page.Add(kit.Inset(10, 0, container.NewHBox(kit.Button(lang.L("Cancel"), v.back), kit.Primary(lang.L("Rename"), save))))
	v.put(page, true)
	v.host.Window.Canvas().Focus(name)
	name.TypedShortcut(&fyne.ShortcutSelectAll{})
}

// withEntries asks for the entries that are pinned to a profile.
func (v *view) withEntries(p auth.ProfileView, then func(auth.ProfileView, []clients.Server)) {
	kit.Try(v.host, func(context.Context) ([]clients.Server, error) {
		if v.entries == nil {
			return nil, nil
		}
		return v.entries.Pinned(p.Name), nil
	}, func(pinned []clients.Server) { then(p, pinned) })
}

func entryNames(entries []clients.Server) string {
	var names []string
	for _, e := range entries {
		names = append(names, e.Client.Name+" “"+e.Name+"”")
	}
	return strings.Join(names, ", ")
}

// repin has entries use a profile's new name, or removes them if there is none.
func (v *view) repin(ctx context.Context, p auth.ProfileView, entries []clients.Server, to string) (err error) {
	for _, e := range entries {
		if failed := v.entries.Repin(ctx, profile.Profile{ID: p.ID, Name: p.Name}, e, to); failed != nil {
			err = errors.Join(err, fmt.Errorf("%s “%s”: %w", e.Client.Name, e.Name, failed))
		}
	}
	return err
}

// keepUntilLogout changes where the tokens are kept; the card then shows what is so.
func (v *view) keepUntilLogout(p auth.ProfileView, on bool) {
	kit.Load(v.host.Tasks, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, v.keeper.KeepUntilLogout(ctx, p.Name, on)
	}, func(_ struct{}, err error) {
		name := map[string]any{"Name": p.Name}
		switch {
		case err != nil:
			v.host.Notice.Error(err)
		case on:
			v.host.Notice.Done(lang.L("From now on the login of {{.Name}} is kept in memory only", name), lang.L("It is gone when you log out of this computer, or when that stops. The profile stays."))
		default:
			v.host.Notice.Done(lang.L("The login of {{.Name}} outlasts a logout again", name), "")
		}
		v.reload()
	})
}

// revoke asks once, and says what came of it.
func (v *view) revoke(p auth.ProfileView) {
	facts := kit.NewFacts()
	facts.Text(lang.L("At the provider"), revocationWords(p))
	facts.Text(lang.L("Here"), lang.L("The tokens are deleted from the {{.Vault}} at once. Running MCP servers lose access; the profile itself stays, and you can sign in again.", map[string]any{"Vault": vaultWords(p.Vault)}))
	name := map[string]any{"Name": p.Name}
	v.ask(lang.L("Revoke the access of {{.Name}}?", name), facts, lang.L("Revoke access"), func() {
		v.end(p, v.keeper.Revoke, lang.L("Revoking the access of {{.Name}}…", name), func(r auth.RevokeResult) (title, more string) {
			if !r.Settled() {
				v.appsPage = r.AppsPage
			}
			return p.Name + ": " + r.Title, r.Message
		})
	})
}

// remove asks once before a profile is deleted, and says what that does at the
// provider and here, and to the entries that are pinned to it.
func (v *view) remove(p auth.ProfileView) { v.withEntries(p, v.askDelete) }

func (v *view) askDelete(p auth.ProfileView, pinned []clients.Server) {
	facts := kit.NewFacts()
	if p.Status != auth.StatusNotConfigured {
		facts.Text(lang.L("At the provider"), revocationWords(p))
	}
	facts.Text(lang.L("Here"), lang.L("The profile is removed, and its tokens and its client secret are deleted. MCP servers that use it lose access. The audit log keeps its history."))
	too := widget.NewCheck(lang.L("Remove these entries too"), nil)
	name := map[string]any{"Name": p.Name, "Entries": entryNames(pinned)}
	if len(pinned) > 0 {
		facts.Text(lang.L("Entries"), lang.L("These entries will not start any more: {{.Entries}}", name))
		facts.Add("", too)
	}
	v.ask(lang.L("Delete {{.Name}}?", name), facts, lang.L("Delete profile"), func() {
		drop := too.Checked
		var missed error
		v.end(p, func(ctx context.Context, profile string) (auth.RevokeResult, error) {
			r, err := v.keeper.DeleteProfile(ctx, profile)
			if err == nil && drop {
				missed = v.repin(ctx, p, pinned, "")
			}
			return r, err
		}, lang.L("Deleting {{.Name}}…", name), func(r auth.RevokeResult) (title, more string) {
			if !r.Settled() && r.AppsPage != "" {
				v.host.Open(r.AppsPage) // there is no card left to offer it on
			}
			more = r.Message
			switch {
			case missed != nil:
				more += "\n" + missed.Error()
			case drop:
				more += "\n" + lang.L("Removed too: {{.Entries}}. Start these clients again.", name)
			}
			return lang.L("{{.Name}} is deleted", name), more
		})
	})
}

// end revokes what a profile holds and shows what came of it, in the words that done
// finds for it.
func (v *view) end(p auth.ProfileView, work func(context.Context, string) (auth.RevokeResult, error), busy string, done func(auth.RevokeResult) (title, more string)) {
	v.back()
	v.host.Notice.Busy(busy, "")
	kit.Load(v.host.Tasks, func(ctx context.Context) (auth.RevokeResult, error) { return work(ctx, p.Name) }, func(r auth.RevokeResult, err error) {
		if err != nil {
			v.host.Notice.Error(err)
		} else if title, more := done(r); r.Settled() {
			v.host.Notice.Done(title, more)
		} else {
			v.host.Notice.Warn(title, more)
		}
		v.reload()
	})
}

// add opens the form for a new profile.
func (v *view) add() {
	v.host.Notice.Clear()
	v.put(v.create.box, true)
}

// create is the form for a new profile.
type create struct {
	view     *view
	provider *widget.Select
	form     *newprofile.Form
	box      fyne.CanvasObject
}

func newCreate(v *view) *create {
	c := &create{view: v}
	c.form = newprofile.New(v.host, c.submit)
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
	nothing := func(context.Context, profile.Profile) error { return nil }
	c.form.Create(v.keeper, nothing, func(p profile.Profile, warnings string, err error) {
		if err != nil {
			v.host.Notice.Error(err)
			return
		}
		v.asking, v.chosen = false, p.ID
		if created := lang.L("Profile {{.Name}} created", map[string]any{"Name": p.Name}); warnings != "" {
			v.host.Notice.Warn(created, warnings)
		} else {
			v.host.Notice.Done(created, lang.L("Sign in to start using it."))
		}
		v.reload()
	})
}
