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

	"github.com/stagedoor-app/stagedoor/app/window/stage"
	"github.com/stagedoor-app/stagedoor/auth"
)

// grantWarning is how long before the end of a finite grant it is told in the
// warning colour; the alerts start at the same time.
const grantWarning = 14 * 24 * time.Hour

// card tells all about one profile and has the buttons for it.
type card struct {
	host *stage.Host
	view *view
	url  string // of the login that is waiting
	page string // the provider's apps page, offered after a revocation that needs it
}

func newCard(h *stage.Host, v *view) *card { return &card{host: h, view: v} }

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
	facts := stage.NewFacts()
	status := widget.NewLabel(StatusWords(p.Status))
	switch p.Status {
	case auth.StatusActive:
		status.Importance = widget.SuccessImportance
	case auth.StatusNeedsLogin, auth.StatusExpired:
		status.Importance = widget.DangerImportance
	}
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

	return container.NewVBox(stage.Compact(stage.Heading(p.Name)), facts.Object, stage.Inset(10, 0, c.buttons(p, waiting)))
}

func (c *card) buttons(p auth.ProfileView, waiting bool) fyne.CanvasObject {
	row := container.NewHBox()
	if waiting {
		row.Add(stage.Button(lang.L("Cancel login"), c.view.cancelLogin))
		if url := c.url; url != "" {
			row.Add(widget.NewButtonWithIcon(lang.L("Copy login link"), theme.ContentCopyIcon(), func() { c.host.Copy(url) }))
		}
		return row
	}
	login := func() { c.page = ""; c.view.login(p) }
	if p.Status == auth.StatusActive {
		if !p.Active {
			row.Add(stage.Primary(lang.L("Use this profile"), func() { c.view.use(p) }))
		}
		row.Add(stage.Button(lang.L("Log in again"), login))
	} else {
		row.Add(stage.Primary(lang.L("Log in"), login))
		if !p.Active {
			row.Add(stage.Button(lang.L("Use this profile"), func() { c.view.use(p) }))
		}
	}
	if p.Status != auth.StatusNotConfigured {
		row.Add(stage.Button(lang.L("Revoke…"), func() { c.view.revoke(p) }))
	}
	if page := c.page; page != "" && page == p.AppsPage {
		row.Add(stage.Button(lang.L("Open {{.Provider}}’s apps page", map[string]any{"Provider": p.ProviderName}),
			func() { c.host.Open(page) }))
	}
	return row
}

// question asks once before a revocation and says what it does at the provider
// and here.
// The safe answer is returned too, to get the focus.
func question(p auth.ProfileView, cancel, revoke func()) (o fyne.CanvasObject, keep fyne.Focusable) {
	provider := map[string]any{"Provider": p.ProviderName}
	there := lang.L("{{.Provider}} has no way to revoke from outside. You will be shown its apps page, where you remove the app.", provider)
	switch {
	case p.CanRevoke:
		there = lang.L("The refresh token and the access token are revoked at {{.Provider}}, and Stagedoor checks that they no longer work.", provider)
	case p.AppsPage == "":
		there = lang.L("{{.Provider}} has no way to revoke from outside. Remove the app in your account there.", provider)
	}
	facts := stage.NewFacts()
	facts.Text(lang.L("At the provider"), there)
	facts.Text(lang.L("Here"), lang.L("The tokens are deleted from the {{.Vault}} at once. Running MCP servers lose access; the profile itself stays, and you can log in again.", map[string]any{"Vault": vaultWords(p.Vault)}))
	yes := widget.NewButton(lang.L("Revoke access"), revoke)
	yes.Importance = widget.DangerImportance
	no := stage.Button(lang.L("Keep it"), cancel)
	title := stage.Heading(lang.L("Revoke the access of {{.Name}}?", map[string]any{"Name": p.Name}))
	title.Wrapping = fyne.TextWrapWord
	return container.NewVBox(stage.Compact(title), facts.Object,
		stage.Inset(10, 0, container.NewHBox(no, yes))), no
}

func vaultWords(vault string) string {
	switch vault {
	case "keychain":
		return lang.L("system keychain")
	case "file":
		return lang.L("encrypted file")
	}
	return vault
}
