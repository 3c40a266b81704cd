//go:build !lean

package servers

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// showRow fills a row of the list.
func (v *view) showRow(i *kit.Item, p page) {
	var title, below, right string
	colour := theme.ColorNameDisabled
	i.Right.Importance = widget.LowImportance
	switch p {
	case catalogue:
		title, below = lang.L("Known servers"), lang.L("what each still needs")
	case secrets:
		title, below = lang.L("Secrets in plain text"), lang.L("none found")
		if n := len(v.facts.found); n > 0 {
			below, colour = lang.N("{{.Count}} found", n, map[string]any{"Count": n}), theme.ColorNameWarning
		}
	case backups:
		title, below = lang.L("Backups"), lang.N("{{.Count}} kept", len(v.facts.backups), map[string]any{"Count": len(v.facts.backups)})
	case guarding:
		title, below = lang.L("Guard"), guardWords(v.facts.guard)
		if len(v.facts.losses) > 0 {
			below, colour = lang.L("something is missing"), theme.ColorNameWarning
		}
	default:
		c, ok := v.standing(p)
		if !ok {
			return
		}
		title = nameOf(c.Client)
		below, colour = v.standingWords(c)
		switch {
		case c.Stale():
			right, i.Right.Importance = lang.L("needs restart"), widget.WarningImportance
		case c.Known && !c.Began.IsZero():
			right = lang.L("running")
		}
	}
	i.Pill.Set("", colour, colour)
	i.Title.TextStyle.Bold = true
	i.Title.SetText(title)
	i.Below.SetText(below)
	i.Right.SetText(right)
}

// standingWords are a client's entries in a few words, and the colour of the worst.
func (v *view) standingWords(c setup.Standing) (string, fyne.ThemeColorName) {
	switch {
	case c.Problem != nil:
		return lang.L("its file is not understood"), theme.ColorNameError
	case len(c.Entries) == 0:
		return lang.L("nothing set up yet"), theme.ColorNameDisabled
	}
	colour := theme.ColorNameSuccess
	var names []string
	for _, e := range c.Entries {
		names = append(names, text.Name(e.Name))
		if _, its := v.entryWords(e); its != theme.ColorNameSuccess && colour != theme.ColorNameError {
			colour = its
		}
	}
	return strings.Join(names, ", "), colour
}

// entryWords are the state of an entry, and its colour.
func (v *view) entryWords(e setup.Held) (string, fyne.ThemeColorName) {
	if e.Fault != "" {
		return faultWords(e.Fault), theme.ColorNameError
	}
	p, ok := v.login(e.Profile.ID)
	switch {
	case !ok:
		return faultWords(setup.NoProfile), theme.ColorNameError
	case p.Status != auth.StatusActive:
		_, colour := kit.StatusColour(p.Status)
		return kit.StatusWords(p), colour
	}
	if c, tried := v.tried[key(e.Server)]; tried && !c.OK && !c.Untried {
		return lang.L("does not start"), theme.ColorNameError
	} else if tried && c.OK {
		return lang.L("works"), theme.ColorNameSuccess
	}
	return lang.L("ready"), theme.ColorNameSuccess
}

// short is a file of the user's by the sign that stands for their home, where there is one.
func (v *view) short(path string) string {
	env := v.parts.Setup.Configs.Env
	if within, is := strings.CutPrefix(path, env.Home+"/"); is && env.GOOS != "windows" {
		return "~/" + within
	}
	return path
}

// nameOf is a client's name, with that of the project whose file is meant.
func nameOf(c clients.Client) string {
	if c.Project == "" {
		return c.Name
	}
	return c.Name + " · " + filepath.Base(c.Project)
}

func key(e clients.Server) string { return e.Client.Folder() + "/" + e.Name }

// faultWords are a fault in the user's language.
func faultWords(f setup.Fault) string {
	return cmp.Or(map[setup.Fault]string{
		setup.Moved: lang.L("moved"), setup.OtherFolder: lang.L("other folder"), setup.OtherVault: lang.L("other vault"),
		setup.NoProfile: lang.L("no profile"), setup.NoRecipe: lang.L("no recipe"), setup.NoServer: lang.L("no server"),
	}[f], string(f))
}

// checkWords are what a server did, in a line.
func checkWords(c setup.Check) string {
	words := map[string]any{"Entry": c.Entry, "Count": c.Tools, "Seconds": fmt.Sprintf("%.1f", c.Seconds), "Why": strings.TrimSuffix(c.Problem, ".")}
	switch {
	case c.Untried:
		return lang.L("{{.Entry}}: not tried yet. {{.Why}}", words)
	case !c.OK:
		return lang.L("{{.Entry}} does not start: {{.Why}}", words)
	}
	return lang.N("{{.Entry}}: {{.Count}} tools, {{.Seconds}} s", c.Tools, words)
}

// guardWords are the values of the guard's setting.
func guardWords(mode string) string {
	return cmp.Or(map[string]string{
		"wipes": lang.L("puts back what is wiped"), "ask": lang.L("asks first"), "off": lang.L("off"),
	}[mode], lang.L("unknown"))
}

// changeWords say what change a backup was made for.
func changeWords(b clients.Backup) string {
	entry := map[string]any{"Entry": b.Change.Entry}
	switch b.Change.Action {
	case clients.Create:
		return lang.L("before “{{.Entry}}” was added", entry)
	case clients.Update:
		return lang.L("before “{{.Entry}}” was changed", entry)
	case clients.Remove:
		return lang.L("before “{{.Entry}}” was removed", entry)
	case clients.Restore:
		if b.Change.Entry != "" {
			return lang.L("before a change of “{{.Entry}}” was taken back", entry)
		}
		return lang.L("before a backup was restored")
	}
	return lang.L("before an unknown change")
}
