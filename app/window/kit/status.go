//go:build !lean

package kit

import (
	"cmp"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/auth"
)

// StatusWords are [auth.ProfileView.Words] in the user's language.
func StatusWords(p auth.ProfileView) string {
	switch {
	case p.APIKey && p.Status == auth.StatusActive:
		return lang.L("stored")
	case p.APIKey && p.Status == auth.StatusNotConfigured:
		return lang.L("no key stored")
	}
	return cmp.Or(map[auth.Status]string{
		auth.StatusActive: lang.L("signed in"), auth.StatusNeedsLogin: lang.L("sign in again"), auth.StatusExpired: lang.L("sign in again"),
		auth.StatusNotConfigured: lang.L("not signed in"), auth.StatusUnknown: lang.L("locked"),
		auth.StatusSignedOut: lang.L("signed out at logout: sign in again"),
		auth.StatusBlocked:   lang.L("blocked: {{.Why}}", map[string]any{"Why": p.Blocked}),
	}[p.Status], p.Words())
}

// StatusColour is how a label and a dot show a state.
func StatusColour(s auth.Status) (widget.Importance, fyne.ThemeColorName) {
	switch s {
	case auth.StatusActive:
		return widget.SuccessImportance, theme.ColorNameSuccess
	case auth.StatusNeedsLogin, auth.StatusExpired, auth.StatusSignedOut, auth.StatusBlocked:
		return widget.DangerImportance, theme.ColorNameError
	}
	return widget.MediumImportance, theme.ColorNameDisabled
}
