//go:build !lean

// Package newprofile has the fields of a profile to be: which provider, which
// name, which client. The welcome window and the profiles window share it.
//
// It belongs to the UI goroutine.
package newprofile

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
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

	Name, ClientID, Secret, Issuer, Authorize, TokenURL, Revoke, UserInfo, Scopes, Port *kit.Entry

	params             []*kit.Entry // of the provider's addresses
	forget             *widget.Check
	steps              *widget.Label
	fields             []field
	redirect           *widget.Label
	developer, copyURI *widget.Button
	Object             *fyne.Container
}

// field is an entry with its name above it.
type field struct {
	entry *kit.Entry
	box   *fyne.Container
	label *widget.Label
	shown func(provider.Provider) bool
}

// New returns the fields for a provider. Submit runs on Enter in the last field.
func New(h *kit.Host, submit func()) *Form {
	f := &Form{host: h, redirect: kit.Value(""), steps: kit.Muted("")}
	f.redirect.TextStyle.Monospace = true
	f.developer = kit.Button("", func() { h.Open(f.provider.DeveloperPage) })
	f.copyURI = widget.NewButtonWithIcon("", theme.ContentCopyIcon(), func() { h.Copy(f.redirect.Text) })
	f.copyURI.Importance = widget.LowImportance
	f.Object = container.NewVBox(
		kit.Tight(kit.Muted(lang.L("Register an app at the provider and give it exactly this redirect URI:"))),
		kit.NewPane(theme.ColorNameHeaderBackground, container.NewBorder(nil, nil, nil, f.copyURI, f.redirect)),
		kit.Tight(f.steps),
		container.NewHBox(f.developer),
	)
	always := func(provider.Provider) bool { return true }
	discovery := func(p provider.Provider) bool { return p.Discovery }
	byHand := func(p provider.Provider) bool { return p.ByHand }
	f.Name = f.add(lang.L("Name of the profile"), "work", always)
	for i := range maxParams {
		f.params = append(f.params, f.add("", "", func(p provider.Provider) bool { return len(p.Parameters) > i }))
	}
	f.Issuer = f.add(lang.L("Issuer"), "https://login.example.com", discovery)
	f.Authorize = f.add(lang.L("Authorization endpoint"), "https://login.example.com/authorize", byHand)
	f.TokenURL = f.add(lang.L("Token endpoint"), "https://login.example.com/token", byHand)
	f.Revoke = f.add(lang.L("Revocation endpoint"), lang.L("Optional"), byHand)
	f.UserInfo = f.add(lang.L("User info endpoint"), lang.L("Optional; it tells whose account it is"), byHand)
	f.Scopes = f.add(lang.L("Scopes"), lang.L("Optional; as the provider names them, with spaces between"), func(p provider.Provider) bool { return p.ByHand || p.Discovery })
	f.Port = f.add(lang.L("Redirect port"), lang.L("Optional; another one if another program has it"), func(p provider.Provider) bool { return p.ByHand || len(p.Redirect.Ports) > 0 })
	f.ClientID = f.add(lang.L("Client id"), "", always)
	f.Secret = f.add(lang.L("Client secret"), lang.L("Leave empty unless the provider gave you one"), always)
	f.Secret.Password = true
	for _, x := range f.fields {
		x.entry.OnSubmitted = func(string) { submit() }
	}
	for _, e := range append([]*kit.Entry{f.Port, f.Issuer, f.TokenURL}, f.params...) { // what the redirect URI is made of
		e.OnChanged = f.showRedirect
	}
	f.forget = widget.NewCheck(lang.L("Forget the login when I log out"), nil)
	f.forget.Hide()
	f.Object.Add(f.forget)
	f.SetProvider(provider.Offered()[0])
	return f
}

// Choices are the providers to choose from, the user's own among them, and their names.
func Choices(k Creator) (rows []provider.Provider, names []string) {
	rows, _ = k.Providers() // what is wrong with a file of the user's, stagedoor providers says
	for _, r := range rows {
		name := r.Name
		if u, err := url.Parse(cmp.Or(r.Token, r.Issuer)); r.Own() && err == nil {
			name = lang.L("{{.Provider}} — your own, at {{.Host}}", map[string]any{"Provider": r.Name, "Host": u.Host})
		}
		names = append(names, name)
	}
	return rows, names
}

// maxParams is how many parameters a row has at most.
const maxParams = 2

// add appends a field that is shown for some providers.
func (f *Form) add(name, placeholder string, shown func(provider.Provider) bool) *kit.Entry {
	l := widget.NewLabel(name)
	l.SizeName = theme.SizeNameCaptionText
	e := f.host.Keys.NewEntry(placeholder)
	box := container.NewVBox(kit.Tight(l), e)
	f.fields = append(f.fields, field{e, box, l, shown})
	f.Object.Add(box)
	return e
}

// SetProvider shows the fields that the provider needs.
func (f *Form) SetProvider(p provider.Provider) {
	f.provider = p
	f.showRedirect("")
	f.developer.SetText(lang.L("Open {{.Provider}}’s developer page", map[string]any{"Provider": p.Name}))
	f.developer.Hidden = p.DeveloperPage == ""
	for _, x := range f.fields {
		x.box.Hidden = !x.shown(p)
		if i := slices.Index(f.params, x.entry); i >= 0 && i < len(p.Parameters) {
			x.label.SetText(lang.L("Its {{.Name}}", map[string]any{"Name": p.Parameters[i].Name}))
			x.entry.SetPlaceHolder(p.Parameters[i].Default)
			x.entry.SetText("")
		}
	}
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

// OfferForget shows whether the login is to be forgotten at logout, where that can be.
func (f *Form) OfferForget(s auth.State) {
	f.forget.Hidden = !s.CanForget
	f.Object.Refresh()
}

// Value returns what was filled in. The keeper checks it.
func (f *Form) Value() auth.NewProfile {
	trimmed := func(e *kit.Entry) string { return strings.TrimSpace(e.Text) }
	n := auth.NewProfile{
		Name: trimmed(f.Name), Provider: f.provider.Ref(),
		ClientID: trimmed(f.ClientID), ClientSecret: secret.String(trimmed(f.Secret)),
		RedirectPath: auth.OwnRedirectPath(f.profile()), // as was shown
		UntilLogout:  f.forget.Checked,
	}
	for i, param := range f.provider.Parameters {
		if value := trimmed(f.params[i]); value != "" {
			n.Params = append(n.Params, param.Name+"="+value)
		}
	}
	if f.provider.Discovery {
		n.Issuer = trimmed(f.Issuer)
	}
	if f.provider.ByHand {
		n.Endpoints = profile.Endpoints{
			Authorization: trimmed(f.Authorize), Token: trimmed(f.TokenURL),
			Revocation: trimmed(f.Revoke), UserInfo: trimmed(f.UserInfo),
		}
	}
	if f.provider.ByHand || f.provider.Discovery {
		n.Scopes = strings.Fields(f.Scopes.Text)
	}
	if f.provider.ByHand || len(f.provider.Redirect.Ports) > 0 {
		n.RedirectPort = port(f.Port.Text)
	}
	return n
}

// Creator is what the form needs of auth.Keeper to create a profile.
type Creator interface {
	CreateProfile(ctx context.Context, p auth.NewProfile) (profile.Profile, error)
	// Providers are the rows to choose from, and what is wrong with files of the user's.
	Providers() ([]provider.Provider, []error)
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

// showRedirect says what to register at the provider.
func (f *Form) showRedirect(string) {
	defer f.showSteps()
	p := f.profile()
	if p.RedirectPath = auth.OwnRedirectPath(p); p.RedirectPath != "" && p.Issuer == "" && p.Endpoints == nil {
		f.redirect.SetText(lang.L("It stands here once the provider's address is typed."))
		f.copyURI.Disable()
		return
	}
	f.redirect.SetText(auth.RedirectURI(p))
	f.copyURI.Enable()
}

// showSteps says how, with the redirect URI that is shown.
func (f *Form) showSteps() {
	steps := make([]string, len(f.provider.Steps))
	for i, s := range f.provider.Steps {
		steps[i] = strconv.Itoa(i+1) + ". " + strings.ReplaceAll(s, "{redirect}", f.redirect.Text)
	}
	f.steps.SetText(strings.Join(steps, "\n"))
	f.steps.Hidden = len(steps) == 0
}

// profile is what is known of the profile to be before it is created.
func (f *Form) profile() profile.Profile {
	p := profile.Profile{Provider: f.provider.ID, OwnRow: f.provider.Text}
	if f.provider.Discovery {
		p.Issuer = strings.TrimSpace(f.Issuer.Text)
	}
	if f.provider.ByHand || len(f.provider.Redirect.Ports) > 0 {
		p.RedirectPort = max(0, port(f.Port.Text))
	}
	if f.provider.ByHand {
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
	for _, x := range f.fields {
		x.entry.SetText("")
	}
	f.forget.SetChecked(false)
}
