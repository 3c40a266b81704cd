//go:build !lean

package welcome

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

// content returns the page of the current step.
func (v *view) content() fyne.CanvasObject {
	switch v.step {
	case stepProvider:
		return v.providerPage()
	case stepClient:
		return page(lang.L("Connect {{.Provider}}", map[string]any{"Provider": v.form.Provider().Name}),
			"", v.form.Object)
	case stepLogin:
		return v.loginPage()
	case stepClaude:
		return page(lang.L("Set up Claude Desktop"),
			lang.L("Stagedoor adds one entry to Claude Desktop’s configuration. It holds no secret: Claude starts the MCP server through Stagedoor, which hands it a fresh token. Everything else in the file stays as it is, and a backup is kept."))
	default:
		return v.donePage()
	}
}

// page returns a page with a title, a text and what follows it.
func page(title, text string, more ...fyne.CanvasObject) fyne.CanvasObject {
	heading := kit.Title(title)
	heading.SizeName = theme.SizeNameHeadingText
	box := container.NewVBox(kit.Tight(heading))
	if text != "" {
		box.Add(kit.Tight(kit.Muted(text)))
	}
	for _, o := range more {
		box.Add(o)
	}
	return box
}

// providerChoice returns the radio buttons of the first page.
func (v *view) providerChoice() *widget.RadioGroup {
	rows := provider.All()
	words := make([]string, len(rows))
	for i, r := range rows {
		words[i] = r.Name
		switch {
		case r.Discovery:
			words[i] = lang.L("{{.Provider}} — any provider with an issuer address", map[string]any{"Provider": r.Name})
		case r.ByHand:
			words[i] = lang.L("{{.Provider}} — endpoints by hand", map[string]any{"Provider": r.Name})
		}
	}
	group := widget.NewRadioGroup(words, nil)
	group.Required = true
	group.SetSelected(words[0])
	group.OnChanged = func(chosen string) {
		for i, w := range words {
			if w == chosen {
				v.form.SetProvider(rows[i])
			}
		}
	}
	return group
}

func (v *view) providerPage() fyne.CanvasObject {
	more := []fyne.CanvasObject{v.providers}
	if v.actions.Demo != nil {
		try := widget.NewButtonWithIcon(lang.L("Try the demo"), theme.MediaPlayIcon(), v.demo)
		more = append(more, kit.Inset(14, 0, container.NewVBox(
			widget.NewSeparator(),
			kit.Inset(8, 0, kit.Tight(kit.Muted(lang.L("No account at hand? The demo shows everything with one of its own.")))),
			container.NewHBox(try))))
	}
	return page(lang.L("Whose account may your MCP servers use?"),
		lang.L("Stagedoor keeps the login in your keychain and gives each server a short-lived token. You can add more accounts later."),
		more...)
}

func (v *view) loginPage() fyne.CanvasObject {
	var more []fyne.CanvasObject
	if url := v.url; url != "" {
		more = append(more,
			kit.Tight(kit.Muted(lang.L("The browser did not open? Copy the link and open it yourself."))),
			container.NewHBox(
				widget.NewButtonWithIcon(lang.L("Copy login link"), theme.ContentCopyIcon(), func() { v.host.Copy(url) }),
				widget.NewButton(lang.L("Open again"), func() { v.host.Open(url) })))
	}
	return page(lang.L("Sign in"),
		lang.L("Your browser opens the provider’s own page. Stagedoor never sees your password; it gets a token and puts it into your keychain."),
		more...)
}

func (v *view) donePage() fyne.CanvasObject {
	facts := kit.NewFacts()
	facts.Text(lang.L("Profile"), v.created)
	facts.Text(lang.L("Signed in as"), v.account)
	facts.Text(lang.L("Claude Desktop"), v.message)
	return page(lang.L("The door is set"),
		lang.L("Stagedoor stays in the tray, renews the token before it ends, and writes down every use of it. Click its icon to switch accounts, revoke one or read the log."),
		facts.Object)
}
