//go:build !lean

package alerts

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"github.com/stagedoor-app/stagedoor/app/window/stage"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
)

// severityWords says a severity for people; the class stays, since reports and
// the command line speak of it.
func severityWords(s alert.Severity) string {
	switch s {
	case alert.P0:
		return lang.L("P0 critical")
	case alert.P1:
		return lang.L("P1 high")
	case alert.P2:
		return lang.L("P2 medium")
	case alert.P3:
		return lang.L("P3 low")
	}
	return s.String()
}

// severityColours returns a severity's ground and the text on it.
func severityColours(s alert.Severity) (ground, text fyne.ThemeColorName) {
	switch s {
	case alert.P0:
		return theme.ColorNameError, theme.ColorNameForegroundOnError
	case alert.P1:
		return stage.ColorHigh, theme.ColorNameForegroundOnError
	case alert.P2:
		return stage.ColorMedium, theme.ColorNameForeground
	}
	return theme.ColorNameButton, theme.ColorNameForeground
}

func stateWords(s alert.State) string {
	switch s {
	case alert.Open:
		return lang.L("open")
	case alert.Acked:
		return lang.L("acknowledged")
	case alert.Resolved:
		return lang.L("resolved by itself")
	}
	return string(s)
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
