//go:build !lean

package profiles

import (
	"cmp"

	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth"
)

// showItem fills a row of the list.
func showItem(i *kit.Item, p auth.ProfileView) {
	_, colour := kit.StatusColour(p.Status)
	i.Pill.Set("", colour, colour)
	i.Title.TextStyle.Bold = true
	i.Title.SetText(p.Name)
	i.Below.SetText(p.ProviderName + " · " + kit.StatusWords(p))
	i.Right.Importance = widget.HighImportance
	i.Right.SetText("")
	if p.Active {
		i.Right.SetText(lang.L("in use"))
	}
}

// signedIn says whose account a profile has.
func signedIn(name, account string) string {
	if account == "" {
		return lang.L("{{.Name}} is signed in", map[string]any{"Name": name})
	}
	return lang.L("{{.Name}} is signed in as {{.Account}}", map[string]any{"Name": name, "Account": account})
}

// signIn is what the login is called where there is none that works.
func signIn(s auth.Status) string {
	if s == auth.StatusNotConfigured {
		return lang.L("Sign in")
	}
	return lang.L("Sign in again")
}

// revocationWords says what a revocation does at the provider.
func revocationWords(p auth.ProfileView) string {
	provider := map[string]any{"Provider": p.ProviderName}
	switch {
	case p.APIKey:
		return lang.L("Whoever gave out the key is not told and takes it still: delete it there.")
	case p.CanRevoke:
		return lang.L("The refresh token and the access token are revoked at {{.Provider}}, and Stagedoor checks that they no longer work.", provider)
	case p.AppsPage == "":
		return lang.L("{{.Provider}} has no way to revoke from outside. Remove the app in your account there.", provider)
	}
	return lang.L("{{.Provider}} has no way to revoke from outside. You will be shown its apps page, where you remove the app.", provider)
}

func vaultWords(vault string) string {
	return cmp.Or(map[string]string{"keychain": lang.L("system keychain"), "file": lang.L("encrypted file"), "session": lang.L("memory")}[vault], vault)
}

// storedIn says until when, too.
func storedIn(vault string) string {
	if vault == "session" {
		return lang.L("memory, until logout")
	}
	return vaultWords(vault)
}
