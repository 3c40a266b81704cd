//go:build !lean

package profiles

import (
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth"
)

// grantWarning is how long before the end of a finite grant it is shown in the
// warning colour; the alerts start at the same time.
const grantWarning = 14 * 24 * time.Hour

// card is the pane about a profile: all that is known of it, and the buttons for it.
func (v *view) card(p auth.ProfileView) fyne.CanvasObject {
	h := v.host
	facts := kit.NewFacts()
	facts.Text(lang.L("Status"), kit.StatusWords(p)).Importance, _ = kit.StatusColour(p.Status)
	facts.Text(lang.L("Provider"), p.ProviderName)
	if p.APIKey {
		facts.Text(lang.L("Owner"), p.Account)
		if !p.SecretDue.IsZero() {
			facts.Text(lang.L("Replace the key"), h.Relative(p.SecretDue)+" ("+p.SecretDue.In(h.Location).Format(time.DateOnly)+")")
		}
	} else {
		facts.Text(lang.L("Signed in as"), p.Account)
	}
	when := map[string]any{"When": h.Relative(p.Expires)}
	switch {
	case p.Status == auth.StatusActive && p.NoEnd:
		facts.Text(lang.L("Access token"), lang.L("no known end: good until the provider refuses it"))
	case p.Status != auth.StatusActive || p.Expires.IsZero():
	case !p.Renews:
		facts.Text(lang.L("Access token"), lang.L("ends {{.When}}; then you have to sign in again", when))
	case p.Expires.After(h.Now()):
		facts.Text(lang.L("Access token"), lang.L("ends {{.When}} and is renewed when needed", when))
	default:
		facts.Text(lang.L("Access token"), lang.L("ended {{.When}}; the next use renews it", when))
	}
	if !p.GrantEnds.IsZero() {
		l := facts.Text(lang.L("Login ends"), h.Relative(p.GrantEnds)+" ("+p.GrantEnds.In(h.Location).Format(time.DateOnly)+")")
		if p.GrantEnds.Sub(h.Now()) < grantWarning {
			l.Importance = widget.WarningImportance
		}
	}
	facts.Text(lang.L("Client id"), p.ClientID)
	facts.Text(lang.L("Stored in"), storedIn(p.Vault))
	if v.canForget && !p.APIKey || p.Vault == "session" {
		forget := widget.NewCheck(lang.L("Forget the login when I log out"), nil)
		forget.Checked = p.Vault == "session"
		forget.OnChanged = func(on bool) { v.keepUntilLogout(p, on) }
		facts.Add("", forget)
	}
	facts.Text(lang.L("Certificates of"), strings.Join(p.Roots, "; ")) // in place of the system's
	facts.Text(lang.L("Pinned keys"), strings.Join(p.Pins, ", "))
	facts.Text(lang.L("Scopes"), strings.Join(p.Scopes, " "))

	page := container.NewVBox(kit.Tight(kit.Title(p.Name)))
	what := map[string]any{"What": p.Changed}
	switch {
	case p.Changed == "":
	case p.CanAccept:
		page.Add(kit.Tight(kit.Warning(lang.L("This login differs from the one before: {{.What}}. No server gets a token of it until you accept the change.", what))))
		page.Add(container.NewHBox(kit.Button(lang.L("Accept the change"), func() { v.accept(p) })))
	default:
		page.Add(kit.Tight(kit.Warning(lang.L("No server gets a token: {{.What}}. If the change is not yours, put profiles.json back.", what))))
	}
	page.Add(facts.Object)
	page.Add(kit.Inset(10, 0, v.buttons(p)))
	if v.waiting == p.ID {
		return page
	}
	seldom := container.NewHBox()
	if p.Status == auth.StatusActive && !p.APIKey {
		seldom.Add(kit.Quiet(lang.L("Renew the login"), func() { v.login(p) }))
	}
	seldom.Add(kit.Quiet(lang.L("Rename…"), func() { v.rename(p) }))
	seldom.Add(kit.Quiet(lang.L("Delete…"), func() { v.remove(p) }))
	page.Add(seldom)
	return page
}

func (v *view) buttons(p auth.ProfileView) fyne.CanvasObject {
	row := container.NewHBox()
	if v.waiting == p.ID {
		row.Add(kit.Button(lang.L("Cancel login"), v.cancelLogin))
		if url := v.url; url != "" {
			row.Add(widget.NewButtonWithIcon(lang.L("Copy login link"), theme.ContentCopyIcon(), func() { v.host.Copy(url) }))
			row.Add(kit.Button(lang.L("Open again"), func() { v.host.Open(url) }))
		}
		return row
	}
	use := kit.Button(lang.L("Use this profile"), func() { v.use(p) })
	switch p.Status {
	case auth.StatusActive:
		use.Importance = widget.HighImportance
	case auth.StatusUnknown:
		row.Add(kit.Primary(lang.L("Try again"), v.reload)) // there may be a login that works
	default:
		if !p.APIKey {
			row.Add(kit.Primary(signIn(p.Status), func() { v.login(p) }))
		}
	}
	if !p.Active {
		row.Add(use)
	}
	if p.Status != auth.StatusNotConfigured {
		row.Add(kit.Button(lang.L("Revoke…"), func() { v.revoke(p) }))
	}
	if page := v.appsPage; page != "" && page == p.AppsPage {
		row.Add(kit.Button(lang.L("Open {{.Provider}}’s apps page", map[string]any{"Provider": p.ProviderName}), func() { v.host.Open(page) }))
	}
	return row
}

// ask puts a question into the pane before something is lost. The safe answer has
// the focus.
func (v *view) ask(title string, facts *kit.Facts, answer string, do func()) {
	yes := kit.Button(answer, do)
	yes.Importance = widget.DangerImportance
	no := kit.Button(lang.L("Keep it"), v.back)
	v.put(container.NewVBox(kit.Tight(kit.Title(title)), facts.Object, kit.Inset(10, 0, container.NewHBox(no, yes))), true)
	v.host.Window.Canvas().Focus(no)
}
