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

// grantWarning is how long before the end of a finite grant it is told in the
// warning colour; the alerts start at the same time.
const grantWarning = 14 * 24 * time.Hour

// card tells all about one profile and has the buttons for it.
type card struct {
	host *kit.Host
	view *view
	url  string // of the login that is waiting
	page string // the provider's apps page, offered after a revocation that needs it
}

func newCard(h *kit.Host, v *view) *card { return &card{host: h, view: v} }

func (c *card) setURL(url string) {
	c.url = url
	if !c.view.asking {
		c.view.showCard()
	}
}

// offer shows a button for the provider's apps page until another profile is
// chosen.
func (c *card) offer(page string) { c.page = page }

// show returns the pane for a profile.
func (c *card) show(p auth.ProfileView, waiting bool) fyne.CanvasObject {
	h := c.host
	facts := kit.NewFacts()
	status := widget.NewLabel(statusWords(p))
	status.Importance, _ = statusColour(p.Status)
	facts.Add(lang.L("Status"), status)
	facts.Text(lang.L("Provider"), p.ProviderName)
	facts.Text(lang.L("Signed in as"), p.Account)
	if p.Status == auth.StatusActive && !p.Expires.IsZero() {
		if p.Expires.After(h.Now()) {
			facts.Text(lang.L("Access token"), lang.L("ends {{.When}} and is renewed when needed", map[string]any{"When": h.Relative(p.Expires)}))
		} else {
			facts.Text(lang.L("Access token"), lang.L("ended {{.When}}; the next use renews it", map[string]any{"When": h.Relative(p.Expires)}))
		}
	}
	if !p.GrantEnds.IsZero() {
		l := facts.Text(lang.L("Login ends"), h.Relative(p.GrantEnds)+" ("+p.GrantEnds.In(h.Location).Format(time.DateOnly)+")")
		if p.GrantEnds.Sub(h.Now()) < grantWarning {
			l.Importance = widget.WarningImportance
		}
	}
	facts.Text(lang.L("Client id"), p.ClientID)
	facts.Text(lang.L("Stored in"), vaultWords(p.Vault))
	facts.Text(lang.L("Scopes"), strings.Join(p.Scopes, " "))

	page := container.NewVBox(kit.Tight(kit.Heading(p.Name)))
	if p.Changed != "" {
		page.Add(c.changed(p))
	}
	page.Add(facts.Object)
	page.Add(kit.Inset(10, 0, c.buttons(p, waiting)))
	if !waiting {
		page.Add(c.care(p))
	}
	return page
}

// changed says what differs from the login that the user accepted. No server gets
// a token until they accept it.
func (c *card) changed(p auth.ProfileView) fyne.CanvasObject {
	if !p.CanAccept {
		what := widget.NewLabel(lang.L("No server gets a token: {{.What}}. If the change is not yours, put profiles.json back.", map[string]any{"What": p.Changed}))
		what.Wrapping, what.Importance = fyne.TextWrapWord, widget.WarningImportance
		return kit.Tight(what)
	}
	what := widget.NewLabel(lang.L("This login differs from the one before: {{.What}}. No server gets a token of it until you accept the change.", map[string]any{"What": p.Changed}))
	what.Wrapping, what.Importance = fyne.TextWrapWord, widget.WarningImportance
	return container.NewVBox(kit.Tight(what), container.NewHBox(kit.Button(lang.L("Accept the change"), func() { c.view.accept(p) })))
}

// care is what is seldom done to a profile.
func (c *card) care(p auth.ProfileView) fyne.CanvasObject {
	row := container.NewHBox()
	for _, b := range []*widget.Button{
		kit.Button(lang.L("Rename…"), func() { c.view.rename(p) }),
		kit.Button(lang.L("Delete…"), func() { c.view.remove(p) }),
	} {
		b.Importance = widget.LowImportance
		row.Add(b)
	}
	return row
}

func (c *card) buttons(p auth.ProfileView, waiting bool) fyne.CanvasObject {
	row := container.NewHBox()
	if waiting {
		row.Add(kit.Button(lang.L("Cancel login"), c.view.cancelLogin))
		if url := c.url; url != "" {
			row.Add(widget.NewButtonWithIcon(lang.L("Copy login link"), theme.ContentCopyIcon(), func() { c.host.Copy(url) }))
		}
		return row
	}
	login := func() { c.page = ""; c.view.login(p) }
	if p.Status == auth.StatusActive {
		if !p.Active {
			row.Add(kit.Primary(lang.L("Use this profile"), func() { c.view.use(p) }))
		}
		row.Add(kit.Button(lang.L("Sign in again"), login))
	} else {
		row.Add(kit.Primary(lang.L("Sign in"), login))
		if !p.Active {
			row.Add(kit.Button(lang.L("Use this profile"), func() { c.view.use(p) }))
		}
	}
	if p.Status != auth.StatusNotConfigured {
		row.Add(kit.Button(lang.L("Revoke…"), func() { c.view.revoke(p) }))
	}
	if page := c.page; page != "" && page == p.AppsPage {
		row.Add(kit.Button(lang.L("Open {{.Provider}}’s apps page", map[string]any{"Provider": p.ProviderName}),
			func() { c.host.Open(page) }))
	}
	return row
}

// ask puts a question into the pane before something is lost. The safe answer has
// the focus.
func (v *view) ask(title string, facts *kit.Facts, answer string, do func()) {
	yes := widget.NewButton(answer, do)
	yes.Importance = widget.DangerImportance
	no := kit.Button(lang.L("Keep it"), v.back)
	v.put(container.NewVBox(kit.Tight(heading(title)), facts.Object, kit.Inset(10, 0, container.NewHBox(no, yes))), true)
	v.host.Window.Canvas().Focus(no)
}
