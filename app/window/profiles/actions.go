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
)

// act runs something short and shows what came of it, a box that was ticked in vain
// included.
func (v *view) act(work func(context.Context) error, done func()) {
	kit.Load(v.host.Tasks, func(ctx context.Context) (struct{}, error) { return struct{}{}, work(ctx) }, func(_ struct{}, err error) {
		if err == nil {
			done()
		} else {
			v.host.Notice.Error(err)
		}
		v.reload()
	})
}

// use makes a profile the active one.
func (v *view) use(p auth.ProfileView) {
	v.act(func(ctx context.Context) error { return v.keeper.Use(ctx, p.Name) }, func() {
		title := lang.L("{{.Name}} is now the active profile", map[string]any{"Name": p.Name})
		if p.Status != auth.StatusActive {
			v.host.Notice.Warn(title, lang.L("MCP servers that follow it get no token until you have signed in."))
			return
		}
		v.host.Notice.Done(title, lang.L("MCP servers that follow the active profile get its tokens from now on."))
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
	v.host.Waiting(p.Name)
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

// keepUntilLogout changes where the tokens are kept; the card then shows what is so.
func (v *view) keepUntilLogout(p auth.ProfileView, on bool) {
	v.act(func(ctx context.Context) error { return v.keeper.KeepUntilLogout(ctx, p.Name, on) }, func() {
		name := map[string]any{"Name": p.Name}
		if !on {
			v.host.Notice.Done(lang.L("The login of {{.Name}} outlasts a logout again", name), "")
			return
		}
		v.host.Notice.Done(lang.L("From now on the login of {{.Name}} is kept in memory only", name), lang.L("It is gone when you log out of this computer, or when that stops. The profile stays."))
	})
}

// revoke asks once, and says what came of it.
func (v *view) revoke(p auth.ProfileView) {
	facts := kit.NewFacts()
	facts.Text(lang.L("At the provider"), revocationWords(p))
	if vault := map[string]any{"Vault": vaultWords(p.Vault)}; p.APIKey {
		facts.Text(lang.L("Here"), lang.L("The API key is deleted from the {{.Vault}} at once. Running MCP servers lose access; the profile itself stays.", vault))
	} else {
		facts.Text(lang.L("Here"), lang.L("The tokens are deleted from the {{.Vault}} at once. Running MCP servers lose access; the profile itself stays, and you can sign in again.", vault))
	}
	name := map[string]any{"Name": p.Name}
	v.ask(lang.L("Revoke the access of {{.Name}}?", name), facts, lang.L("Revoke access"), func() {
		v.end(p, v.keeper.Revoke, lang.L("Revoking the access of {{.Name}}…", name), func(r auth.RevokeResult) string {
			if !r.Settled() {
				v.appsPage = r.AppsPage
			}
			return p.Name + ": " + r.Title
		})
	})
}

// end revokes what a profile holds and shows what came of it, under the title that
// done makes of it.
func (v *view) end(p auth.ProfileView, work func(context.Context, string) (auth.RevokeResult, error), busy string, done func(auth.RevokeResult) string) {
	v.back()
	v.host.Notice.Busy(busy, "")
	kit.Load(v.host.Tasks, func(ctx context.Context) (auth.RevokeResult, error) { return work(ctx, p.Name) }, func(r auth.RevokeResult, err error) {
		if err != nil {
			v.host.Notice.Error(err)
		} else if title := done(r); r.Settled() {
			v.host.Notice.Done(title, r.Message)
		} else {
			v.host.Notice.Warn(title, r.Message)
		}
		v.reload()
	})
}

// add opens the form for a new profile.
func (v *view) add() {
	v.host.Notice.Clear()
	v.put(v.create.box, true)
	v.host.Window.Canvas().Focus(v.create.form.Name)
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
	rows, names := newprofile.Choices(v.keeper)
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
