//go:build !lean

package alerts

import (
	"cmp"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
)

// severityWords says a severity for people; the class stays, since reports and
// the command line speak of it.
func severityWords(s alert.Severity) string {
	return cmp.Or(map[alert.Severity]string{
		alert.P0: lang.L("P0 critical"), alert.P1: lang.L("P1 high"), alert.P2: lang.L("P2 medium"), alert.P3: lang.L("P3 low"),
	}[s], s.String())
}

// severityColours returns a severity's ground and the text on it.
func severityColours(s alert.Severity) (ground, text fyne.ThemeColorName) {
	switch s {
	case alert.P0:
		return theme.ColorNameError, theme.ColorNameForegroundOnError
	case alert.P1:
		return kit.ColorHigh, theme.ColorNameForegroundOnError
	case alert.P2:
		return kit.ColorMedium, theme.ColorNameForeground
	}
	return theme.ColorNameButton, theme.ColorNameForeground
}

func stateWords(s alert.State) string {
	return cmp.Or(map[alert.State]string{
		alert.Open: lang.L("open"), alert.Acked: lang.L("acknowledged"), alert.Resolved: lang.L("resolved by itself"),
	}[s], string(s))
}

// ruleWords is a rule's title in the user's language; a rule of a newer version
// has its id alone.
func ruleWords(rules []alert.Rule, id string) string {
	if r, ok := alert.Find(rules, id); ok {
		return lang.L(r.Title)
	}
	if id == auth.LogUnusable {
		return lang.L("Audit log not in order")
	}
	return id
}
