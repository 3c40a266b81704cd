//go:build !lean

// Package newprofile has the fields of a profile to be: which provider, which
// name, which client. The welcome window and the profiles window share it.
//
// It belongs to the UI goroutine.
package newprofile

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// Form holds the fields. Which ones show depends on the provider.
type Form struct {
	host     *kit.Host
	provider provider.Provider

	Name, ClientID, Issuer        *kit.Entry
	Secret                        *kit.Entry
	Authorize, TokenURL, Revoke   *kit.Entry
	UserInfo, Scopes, Port        *kit.Entry
	redirect                      *widget.Label
	developer, copyURI            *widget.Button
	guide, issuer, byHand, client *fyne.Container
	Object                        fyne.CanvasObject
}

// New returns the fields for a provider. Submit runs on Enter in the last field.
func New(h *kit.Host, submit func()) *Form {
	f := &Form{
		host:      h,
		Name:      h.Keys.NewEntry("work"),
		ClientID:  h.Keys.NewEntry(""),
		Secret:    h.Keys.NewSecretEntry(lang.L("Leave empty unless the provider gave you one")),
		Issuer:    h.Keys.NewEntry("https://login.example.com"),
		Authorize: h.Keys.NewEntry("https://login.example.com/authorize"),
		TokenURL:  h.Keys.NewEntry("https://login.example.com/token"),
		Revoke:    h.Keys.NewEntry(lang.L("Optional")),
		UserInfo:  h.Keys.NewEntry(lang.L("Optional; it tells whose account it is")),
		Scopes:    h.Keys.NewEntry(lang.L("As the provider names them, with spaces between")),
		Port:      h.Keys.NewEntry(lang.L("Any free one, unless the provider asks for a fixed one")),
		redirect:  kit.Value(""),
	}
	for _, e := range []*kit.Entry{f.Port, f.Issuer, f.TokenURL} { // what the redirect URI is made of
		e.OnChanged = f.showRedirect
	}
	for _, e := range f.entries() {
		e.OnSubmitted = func(string) { submit() }
	}
	f.redirect.TextStyle.Monospace = true
	f.developer = widget.NewButton("", func() { h.Open(f.provider.DeveloperPage) })
	f.copyURI = widget.NewButtonWithIcon("", theme.ContentCopyIcon(), func() { h.Copy(f.redirect.Text) })
	f.copyURI.Importance = widget.LowImportance

	f.guide = container.NewVBox(
		kit.Tight(kit.Muted(lang.L("Register an app at the provider and give it exactly this redirect URI:"))),
		kit.NewPane(theme.ColorNameHeaderBackground, container.NewBorder(nil, nil, nil, f.copyURI, f.redirect)),
		container.NewHBox(f.developer),
	)
	f.issuer = field(lang.L("Issuer"), f.Issuer)
	f.byHand = container.NewVBox(
		field(lang.L("Authorization endpoint"), f.Authorize),
		field(lang.L("Token endpoint"), f.TokenURL),
		field(lang.L("Revocation endpoint"), f.Revoke),
		field(lang.L("User info endpoint"), f.UserInfo),
		field(lang.L("Scopes"), f.Scopes),
		field(lang.L("Redirect port"), f.Port),
	)
	f.client = container.NewVBox(
		field(lang.L("Client id"), f.ClientID),
		field(lang.L("Client secret"), f.Secret),
	)
	f.Object = container.NewVBox(f.guide, field(lang.L("Name of the profile"), f.Name), f.issuer, f.byHand, f.client)
	f.SetProvider(provider.All()[0])
	return f
}

// field puts a small name above an entry.
func field(name string, e fyne.CanvasObject) *fyne.Container {
	l := widget.NewLabel(name)
	l.SizeName = theme.SizeNameCaptionText
	return container.NewVBox(kit.Tight(l), e)
}

// SetProvider shows the fields that the provider needs.
func (f *Form) SetProvider(p provider.Provider) {
	f.provider = p
	f.showRedirect("")
	f.developer.SetText(lang.L("Open {{.Provider}}’s developer page", map[string]any{"Provider": p.Name}))
	f.developer.Hidden = p.DeveloperPage == ""
	f.issuer.Hidden = !p.Discovery
	f.byHand.Hidden = !p.ByHand
	f.Object.Refresh()
}

// Provider returns the row that the fields are for.
func (f *Form) Provider() provider.Provider { return f.provider }

// SuggestName fills an empty name with one that is not taken.
func (f *Form) SuggestName(taken []auth.ProfileView) {
	if f.Name.Text != "" {
		return
	}
	name := f.provider.ID
	for n := 2; slices.ContainsFunc(taken, func(p auth.ProfileView) bool { return p.Name == name }); n++ {
		name = fmt.Sprintf("%s-%d", f.provider.ID, n)
	}
	f.Name.SetText(name)
}

// Value returns what was filled in. The keeper checks it.
func (f *Form) Value() auth.NewProfile {
	trimmed := func(e *kit.Entry) string { return strings.TrimSpace(e.Text) }
	n := auth.NewProfile{
		Name: trimmed(f.Name), Provider: f.provider.ID,
		ClientID: trimmed(f.ClientID), ClientSecret: secret.String(trimmed(f.Secret)),
		RedirectPath: auth.OwnRedirectPath(f.profile()), // as was shown
	}
	if f.provider.Discovery {
		n.Issuer = trimmed(f.Issuer)
	}
	if f.provider.ByHand {
		n.Endpoints = profile.Endpoints{
			Authorization: trimmed(f.Authorize), Token: trimmed(f.TokenURL),
			Revocation: trimmed(f.Revoke), UserInfo: trimmed(f.UserInfo),
		}
		n.Scopes = strings.Fields(f.Scopes.Text)
		n.RedirectPort = port(f.Port.Text)
	}
	return n
}

// Creator is what the form needs of auth.Keeper to create a profile.
type Creator interface {
	CreateProfile(ctx context.Context, p auth.NewProfile) (profile.Profile, error)
}

// Create makes the profile away from the UI and then does what more is given. Done
// gets it together with what the user should know, or the error: then the fields
// stay as they are, to be put right.
func (f *Form) Create(k Creator, more func(context.Context, profile.Profile) error, done func(p profile.Profile, warnings string, err error)) (cancel func()) {
	n := f.Value()
	var warnings []string
	n.Warn = func(text string) { warnings = append(warnings, text) }
	return kit.Load(f.host.Tasks, func(ctx context.Context) (profile.Profile, error) {
		p, err := k.CreateProfile(ctx, n)
		if err == nil {
			err = more(ctx, p)
		}
		return p, err
	}, func(p profile.Profile, err error) {
		if err == nil {
			f.Clear()
		}
		done(p, strings.Join(warnings, ". "), err)
	})
}

// entries are all the fields.
func (f *Form) entries() []*kit.Entry {
	return []*kit.Entry{
		f.Name, f.ClientID, f.Secret, f.Issuer, f.Authorize, f.TokenURL, f.Revoke, f.UserInfo, f.Scopes, f.Port,
	}
}

// showRedirect tells what to register at the provider.
func (f *Form) showRedirect(string) {
	p := f.profile()
	if p.RedirectPath = auth.OwnRedirectPath(p); p.RedirectPath != "" && p.Issuer == "" && p.Endpoints == nil {
		f.redirect.SetText(lang.L("It stands here once the provider's address is typed."))
		f.copyURI.Disable()
		return
	}
	f.redirect.SetText(auth.RedirectURI(p))
	f.copyURI.Enable()
}

// profile is what is known of the profile to be before it is created.
func (f *Form) profile() profile.Profile {
	p := profile.Profile{Provider: f.provider.ID}
	if f.provider.Discovery {
		p.Issuer = strings.TrimSpace(f.Issuer.Text)
	}
	if f.provider.ByHand {
		p.RedirectPort = max(0, port(f.Port.Text))
		if address := strings.TrimSpace(f.TokenURL.Text); address != "" {
			p.Endpoints = &profile.Endpoints{Token: address}
		}
	}
	return p
}

// port reads a port: 0 for none, and one that the keeper refuses for what is no
// number.
func port(text string) int {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n == 0 {
		return -1
	}
	return n
}

// Clear empties the fields; the secret does not stay in memory longer than it
// has to.
func (f *Form) Clear() {
	for _, e := range f.entries() {
		e.SetText("")
	}
}
