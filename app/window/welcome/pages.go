//go:build !lean

package welcome

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/app/window/newprofile"
)

// The steps, in order.
const (
	stepProvider = iota
	stepClient
	stepLogin
	stepClaude
	stepDone
)

// step is a page, and what its button does.
type step struct {
	name, title, text string
	more              func() []fyne.CanvasObject // what follows the text
	button            string
	work              func()
	optional          bool // it can be skipped
}

func (v *view) allSteps() []step {
	nothing := func() []fyne.CanvasObject { return nil }
	return []step{
		stepProvider: {
			name: lang.L("Provider"), title: lang.L("Whose account may your MCP servers use?"),
			text: lang.L("Stagedoor keeps the login encrypted and gives each server a short-lived token. You can add more accounts later."),
			more: v.choice, button: lang.L("Continue"), work: v.suggest,
		},
		stepClient: {
			name: lang.L("Client id"), more: func() []fyne.CanvasObject { return []fyne.CanvasObject{v.form.Object} },
			button: lang.L("Create profile"), work: v.create,
		},
		stepLogin: {
			name: lang.L("Sign in"), title: lang.L("Sign in"),
			text: lang.L("Your browser opens the provider’s own page. Stagedoor never sees your password; it gets a token and keeps it encrypted."),
			more: v.link, button: lang.L("Sign in with your browser"), work: v.login, optional: true,
		},
		stepClaude: {
			name: lang.L("Claude Desktop"), title: lang.L("Set up Claude Desktop"),
			text: lang.L("Stagedoor adds one entry to Claude Desktop’s configuration. It holds no secret: Claude starts the MCP server through Stagedoor, which hands it a fresh token. Everything else in the file stays as it is, and a backup is kept."),
			more: nothing, button: lang.L("Set up Claude Desktop"), work: v.setup, optional: true,
		},
		stepDone: {
			name: lang.L("Done"), title: lang.L("Everything is set up"),
			text: lang.L("Your servers get a fresh token when they need one, and every use is written down. Click the icon in the tray to switch accounts, revoke one or read the log."),
			more: v.result, button: lang.L("Close"), work: v.host.Window.Close,
		},
	}
}

// current is the step as it is now.
func (v *view) current() step {
	s := v.steps[v.step]
	var q setup.Question
	switch {
	case v.step == stepClient:
		s.title = lang.L("Connect {{.Provider}}", map[string]any{"Provider": v.form.Provider().Name})
	case v.step == stepClaude && errors.As(v.asked, &q):
		s.title, s.button = lang.L("Change your entry “{{.Entry}}”?", map[string]any{"Entry": q.Entry}), lang.L("Change the entry")
		s.text = kit.QuestionWords(q)
	case v.step == stepDone && len(v.skipped) > 0:
		s.title = lang.L("Something is left to do")
		s.text = lang.L("You skipped: {{.Steps}}. The tray’s menu does it whenever you like.", map[string]any{"Steps": strings.Join(v.skipped, ", ")})
	}
	return s
}

// content returns the page of the current step.
func (v *view) content() fyne.CanvasObject {
	s := v.current()
	title := kit.Title(s.title)
	title.SizeName = theme.SizeNameHeadingText
	box := container.NewVBox(kit.Tight(title))
	if s.text != "" {
		box.Add(kit.Tight(kit.Muted(s.text)))
	}
	for _, o := range s.more() {
		box.Add(o)
	}
	return box
}

// providerChoice returns the radio buttons of the first page.
func (v *view) providerChoice() *widget.RadioGroup {
	rows, words := newprofile.Choices(v.keeper)
	for i, r := range rows {
		switch {
		case r.Discovery && r.DeveloperPage == "" && len(r.Steps) == 0:
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

// choice is the providers, and the demonstration where there is one.
func (v *view) choice() []fyne.CanvasObject {
	list := container.NewVScroll(v.providers)
	list.SetMinSize(fyne.NewSize(0, 240))
	if v.actions.Demo == nil {
		return []fyne.CanvasObject{list}
	}
	try := widget.NewButtonWithIcon(lang.L("Try the demo"), theme.MediaPlayIcon(), v.demo)
	return []fyne.CanvasObject{list, kit.Inset(14, 0, container.NewVBox(
		widget.NewSeparator(),
		kit.Inset(8, 0, kit.Tight(kit.Muted(lang.L("No account at hand? The demo shows everything with one of its own.")))),
		container.NewHBox(try)))}
}

// link is the way to the provider's page if the browser did not open.
func (v *view) link() []fyne.CanvasObject {
	url := v.url
	if url == "" {
		return nil
	}
	return []fyne.CanvasObject{
		kit.Tight(kit.Muted(lang.L("The browser did not open? Copy the link and open it yourself."))),
		container.NewHBox(
			widget.NewButtonWithIcon(lang.L("Copy login link"), theme.ContentCopyIcon(), func() { v.host.Copy(url) }),
			kit.Button(lang.L("Open again"), func() { v.host.Open(url) })),
	}
}

// result is what there is now.
func (v *view) result() []fyne.CanvasObject {
	facts := kit.NewFacts()
	facts.Text(lang.L("Profile"), v.created)
	facts.Text(lang.L("Signed in as"), v.account)
	facts.Text(lang.L("Claude Desktop"), v.message)
	return []fyne.CanvasObject{facts.Object}
}

// rail lists the steps beside the page and marks how far the user is.
type rail struct {
	icons, words []*widget.Label
	box          fyne.CanvasObject
}

func newRail(steps []step) *rail {
	r := &rail{}
	var lines []fyne.CanvasObject
	for _, s := range steps {
		icon, word := widget.NewLabel(""), widget.NewLabel(s.name)
		r.icons, r.words = append(r.icons, icon), append(r.words, word)
		lines = append(lines, container.NewHBox(container.NewGridWrap(fyne.NewSize(26, icon.MinSize().Height), icon), word))
	}
	r.box = container.NewPadded(kit.Tight(lines...))
	return r
}

// mark shows which step is current; those before it are done or skipped.
func (r *rail) mark(step int, skipped []string) {
	for i := range r.words {
		importance, sign := widget.LowImportance, strconv.Itoa(i+1)
		switch {
		case slices.Contains(skipped, r.words[i].Text):
			sign = "–"
		case i < step:
			importance, sign = widget.SuccessImportance, "✓"
		case i == step:
			importance = widget.HighImportance
		}
		r.icons[i].Text = sign
		for _, l := range []*widget.Label{r.icons[i], r.words[i]} {
			l.Importance, l.TextStyle.Bold = importance, i == step
			l.Refresh()
		}
	}
}
