//go:build !lean

package servers

import (
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

func (v *view) choiceOf(id string) (setup.Choice, bool) {
	i := slices.IndexFunc(v.facts.servers, func(c setup.Choice) bool { return c.ID == id })
	if i < 0 || id == "" {
		return setup.Choice{}, false
	}
	return v.facts.servers[i], true
}

// catalogue is the page of the known servers.
func (v *view) catalogue() fyne.CanvasObject {
	box := container.NewVBox(kit.Tight(kit.Title(lang.L("Known servers"))),
		kit.Tight(kit.Muted(lang.L("Any other server can be set up too, by its command and the variable that it reads its token from."))))
	if len(v.facts.clients) == 0 {
		box.Add(kit.Tight(kit.Warning(lang.L("No MCP client was found on this computer."))))
	}
	for _, err := range v.facts.wrong {
		box.Add(kit.Tight(kit.Warning(text.Sentence(err.Error()))))
	}
	for _, c := range v.facts.servers {
		box.Add(widget.NewSeparator())
		box.Add(v.choice(c))
	}
	return box
}

// choice shows a server, and what is missing until it works.
func (v *view) choice(c setup.Choice) fyne.CanvasObject {
	name := widget.NewLabel(kit.Shown(c.Name))
	name.TextStyle.Bold, name.Truncation = true, fyne.TextTruncateEllipsis
	button := kit.Button(lang.L("Set up…"), func() { v.form(request{server: c.ID}) })
	box := container.NewVBox(container.NewBorder(nil, nil, nil, button, name))
	facts := kit.NewFacts()
	facts.Text(lang.L("Login of"), providerNames(c))
	facts.Text(lang.L("Starts with"), launch.Join(c.Recipe.Command))
	if len(c.Entries) > 0 {
		facts.Text(lang.L("Set up in"), strings.Join(c.Entries, ", "))
	}
	missing := lang.L("Missing")
	for _, s := range c.Steps {
		if s.Done || s.Kind == setup.HaveEntry {
			continue
		}
		if s.Page == "" {
			facts.Text(missing, stepWords(s, c))
		} else {
			facts.Add(missing, container.NewBorder(nil, nil, nil, widget.NewButtonWithIcon(lang.L("Copy"), theme.ContentCopyIcon(), func() {
				v.host.Copy(s.Page)
				v.host.Notice.Done(lang.L("Copied"), s.Page)
			}), kit.Value(stepWords(s, c))))
		}
		missing = ""
	}
	box.Add(facts.Object)
	return box
}

// stepWords are what is missing, in the user's language.
func stepWords(s setup.Step, c setup.Choice) string {
	switch s.Kind {
	case setup.HaveServer:
		if len(c.Recipe.Command) == 0 {
			return lang.L("the server itself: its own pages say how to get it")
		}
		words := map[string]any{"Program": c.Recipe.Command[0], "With": s.With, "Page": s.Page}
		if s.Page == "" {
			return lang.L("{{.Program}}: its own pages say how to install it", words)
		}
		return lang.L("{{.Program}}, which comes with {{.With}}: {{.Page}}", words)
	case setup.HaveProfile:
		return lang.L("a profile for it")
	case setup.HaveLogin:
		return lang.L("a login")
	}
	return s.Step
}

// providerNames are those whose logins a server takes, for people.
func providerNames(c setup.Choice) string {
	var names []string
	for _, id := range c.Provider {
		if row, err := provider.Lookup(id); err == nil {
			names = append(names, row.Name)
		}
	}
	return strings.Join(names, ", ")
}
