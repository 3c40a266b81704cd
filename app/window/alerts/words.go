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

// showSeverity puts an alert's severity on a pill, in grey once it is not open.
func showSeverity(p *kit.Pill, a alert.Alert) {
	colours := map[alert.Severity][2]fyne.ThemeColorName{
		alert.P0: {theme.ColorNameError, theme.ColorNameForegroundOnError},
		alert.P1: {kit.ColorHigh, theme.ColorNameForegroundOnError},
		alert.P2: {kit.ColorMedium, theme.ColorNameForeground},
		alert.P3: {theme.ColorNameButton, theme.ColorNameForeground},
	}[min(a.Severity, alert.P3)]
	if a.State != alert.Open {
		colours = [2]fyne.ThemeColorName{theme.ColorNameButton, kit.ColorMuted}
	}
	p.Set(severityWords(a.Severity), colours[0], colours[1])
}

// showItem fills a row of the list.
func (v *view) showItem(i *kit.Item, a alert.Alert) {
	showSeverity(i.Pill, a)
	i.Title.TextStyle.Bold = a.State == alert.Open
	i.Title.SetText(titleWords(a))
	i.Below.SetText(a.Message)
	when := v.host.Relative(a.Last)
	if a.Count > 1 {
		when = lang.L("{{.Count}}×", map[string]any{"Count": kit.Number(a.Count)}) + " · " + when
	}
	i.Right.SetText(when)
}

func stateWords(s alert.State) string {
	return cmp.Or(map[alert.State]string{
		alert.Open: lang.L("open"), alert.Acked: lang.L("acknowledged"), alert.Resolved: lang.L("resolved by itself"),
	}[s], string(s))
}

func statusWords(s auth.IncidentStatus) string {
	return cmp.Or(map[auth.IncidentStatus]string{
		auth.Investigating: lang.L("under investigation"), auth.Contained: lang.L("contained"), auth.Resolved: lang.L("resolved"),
	}[s], string(s))
}

// titleWords is an alert's title in the user's language; one of a newer version's
// rule has its rule's id alone.
func titleWords(a alert.Alert) string {
	switch {
	case a.Rule == auth.LogUnusable:
		return lang.L("Audit log not in order")
	case a.Title == "":
		return a.Rule
	}
	return lang.L(a.Title)
}
