//go:build !lean

package servers

import (
	"cmp"
	"slices"
	"strings"

	"fyne.io/fyne/v2/lang"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// clientOptions are the clients to choose from: those that are here, then the others.
func clientOptions(here []setup.Standing) (list []kit.Option[string]) {
	found := map[string]bool{}
	for _, c := range here {
		found[c.Client.Folder()] = true
		list = append(list, kit.Option[string]{Words: nameOf(c.Client), Value: c.Client.Folder()})
	}
	for _, c := range clients.All() {
		if !found[c.ID] {
			list = append(list, kit.Option[string]{Words: lang.L("{{.Client}} (not found here)", map[string]any{"Client": c.Name}), Value: c.ID})
		}
	}
	return list
}

// profileOptions are the accounts: the selected one, whichever that is, and each by name.
func profileOptions(s auth.State) (list []kit.Option[string]) {
	if p, ok := s.Active(); ok {
		list = append(list, kit.Option[string]{Words: lang.L("the selected one, now {{.Name}}", map[string]any{"Name": p.Name}), Value: ""})
	}
	for _, p := range s.Profiles {
		list = append(list, kit.Option[string]{Words: lang.L("always {{.Name}} ({{.Provider}})", map[string]any{"Name": p.Name, "Provider": p.ProviderName}), Value: p.Name})
	}
	return list
}

// pick chooses a profile that a server takes.
func (f *form) pick(c setup.Choice) {
	active, _ := f.view.facts.state.Active()
	if len(c.Profiles) > 0 && !slices.Contains(c.Profiles, active.Name) {
		f.whose.Choose(c.Profiles[0])
	}
}

// profile is the one that is chosen.
func (f *form) profile() (profile.Profile, auth.ProfileView) {
	for _, p := range f.view.facts.state.Profiles {
		if p.Name == f.whose.Value() || f.whose.Value() == "" && p.Active {
			return f.view.facts.profiles[p.Name], p
		}
	}
	return profile.Profile{}, auth.ProfileView{}
}

// offer lists the servers that take the chosen account, and chooses one. What was typed for
// another server stays.
func (f *form) offer(wanted string) {
	p, _ := f.profile()
	command, variables := f.command.Text, f.variables.Text
	if f.server.Value() != byHand {
		command = ""
	}
	var list []kit.Option[string]
	if p.Server != nil && len(p.Server.Command) > 0 {
		list = append(list, kit.Option[string]{Words: lang.L("As before: {{.Command}}", map[string]any{"Command": short(p.Server.Command)}), Value: asBefore})
	}
	for _, c := range f.view.facts.servers {
		if slices.Contains(c.Profiles, p.Name) || c.ID == wanted {
			list = append(list, kit.Option[string]{Words: c.Name, Value: c.ID})
		}
	}
	list = append(list, kit.Option[string]{Words: lang.L("Another server"), Value: byHand})
	f.server.SetOptions(list)
	if command != "" {
		wanted = byHand
	}
	f.server.Choose(cmp.Or(wanted, list[0].Value))
	if f.fill(); command != "" {
		f.command.SetText(command)
		f.variables.SetText(variables)
	}
}

// short is a command as it fits into a list.
func short(command []string) string {
	words := slices.Clone(command)
	words[0] = words[0][strings.LastIndexAny(words[0], `/\`)+1:]
	line := []rune(launch.Join(words))
	if len(line) > 40 {
		return string(line[:40]) + "…"
	}
	return string(line)
}

// choose is a click on a server.
func (f *form) choose() {
	f.fill()
	f.changed()
}

// fill writes down what is known of the chosen server.
func (f *form) fill() {
	p, view := f.profile()
	known := lang.L("known of this server")
	f.variables.SetPlaceHolder(known)
	f.variables.Disable()
	f.variables.SetText("")
	f.command.SetText("")
	f.command.SetPlaceHolder(lang.L("say what starts it"))
	switch id := f.server.Value(); {
	case f.wrap != "", id == byHand:
		f.variables.Enable()
		f.variables.SetPlaceHolder(lang.L("the one that gets the token, such as API_TOKEN"))
		if view.APIKey {
			f.variables.SetPlaceHolder(lang.L("the one that gets the key, such as API_KEY"))
		}
		if f.wrap != "" {
			f.variables.SetPlaceHolder(lang.L("known of many servers; else the one that gets the token"))
		}
		if id == byHand {
			f.command.SetPlaceHolder(lang.L("npx -y some-mcp-server"))
		}
	case id == asBefore:
		f.command.SetText(launch.Join(p.Server.Command))
	default:
		if c, ok := f.view.choiceOf(id); ok {
			f.command.SetText(launch.Join(c.Recipe.Command))
		}
	}
}
