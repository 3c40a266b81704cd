//go:build !lean

package profiles

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/stagedoor-app/stagedoor/app/keepertest"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/app/window/windowtest"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

const appsPage = "https://www.spotify.com/account/apps/"

func accounts() []auth.ProfileView {
	return []auth.ProfileView{
		{
			ID: "1", Name: "home", ProviderName: "Spotify", Active: true, Status: auth.StatusActive, Vault: "keychain",
			Account: "Erika", AppsPage: appsPage, Renews: true,
			Expires: keepertest.Now.Add(42 * time.Minute), GrantEnds: keepertest.Now.AddDate(0, 0, 100),
		},
		{ID: "2", Name: "lab", ProviderName: "TIDAL", Status: auth.StatusNeedsLogin, Vault: "keychain"},
		{ID: "3", Name: "work", ProviderName: "OpenID Connect", Status: auth.StatusActive, Vault: "file", CanRevoke: true, Renews: true},
	}
}

func open(t *testing.T, p []auth.ProfileView) (*view, *keepertest.Fake, fyne.CanvasObject) {
	t.Helper()
	h := windowtest.Host(t)
	f := &keepertest.Fake{Profiles: p, CanForget: true}
	v := newView(h, f, nil)
	content := v.layout()
	h.Window.SetContent(content)
	h.Window.Resize(fyne.NewSize(900, 580))
	v.start()
	return v, f, content
}

func down(v *view, times int) {
	for range times {
		v.list.TypedKey(&fyne.KeyEvent{Name: fyne.KeyDown})
	}
}

func TestCardTellsTheStateOfTheLogin(t *testing.T) {
	v, _, _ := open(t, accounts())
	shown := strings.Join(windowtest.Texts(v.pane), "\n")
	for _, want := range []string{"home", "signed in", "Spotify", "Erika", "ends in 42 min", "in 100 days (2027-03-02)", "system keychain"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the card lacks %q:\n%s", want, shown)
		}
	}
	v.profiles[0].Renews = false
	if v.showCard(); !windowtest.Shows(v.pane, "ends in 42 min; then you have to sign in again") {
		t.Errorf("without a refresh token the card shows %q", windowtest.Texts(v.pane))
	}
	down(v, 1)
	if !windowtest.Shows(v.pane, "sign in again") {
		t.Errorf("the second card shows %q", windowtest.Texts(v.pane))
	}
}

func TestRevokeAsksFirst(t *testing.T) {
	for name, tc := range map[string]struct {
		row  int
		says []string
	}{
		"no endpoint": {0, []string{"Revoke the access of home?", "Spotify has no way to revoke from outside", "apps page", "system keychain"}},
		"endpoint":    {2, []string{"Revoke the access of work?", "revoked at OpenID Connect", "no longer work", "encrypted file"}},
	} {
		t.Run(name, func(t *testing.T) {
			v, f, content := open(t, accounts())
			down(v, tc.row)
			windowtest.Press(t, content, "Revoke…")
			if made := f.Made("revoke"); len(made) > 0 {
				t.Fatalf("revoked without asking: %q", made)
			}
			for _, want := range tc.says {
				if !windowtest.Shows(v.pane, want) {
					t.Errorf("the question lacks %q: %q", want, windowtest.Texts(v.pane))
				}
			}
			v.refresh() // a change elsewhere must not take the question away
			windowtest.Press(t, content, "Keep it")
			if made := f.Made("revoke"); len(made) > 0 {
				t.Fatalf("revoked though the user kept it: %q", made)
			}
			windowtest.Press(t, content, "Revoke…")
			windowtest.Press(t, content, "Revoke access")
			if made := f.Made("revoke"); len(made) != 1 {
				t.Errorf("calls: %q, want one revocation", made)
			}
		})
	}
}

// Where only the user can finish the revocation, the way there is offered.
func TestRevokeWithoutEndpointOffersTheAppsPage(t *testing.T) {
	v, f, content := open(t, accounts())
	f.RevokeResult = auth.RevokeResult{Remote: token.NoEndpoint, Title: "removed here only", Message: "Forgotten here; remove the app there.", AppsPage: appsPage}
	var opened string
	v.host.OpenURL = func(url string) error { opened = url; return nil }
	windowtest.Press(t, content, "Revoke…")
	windowtest.Press(t, content, "Revoke access")
	if message, more := v.host.Notice.Text(); message != "home: removed here only" || more != "Forgotten here; remove the app there." {
		t.Errorf("notice says %q, %q", message, more)
	}
	windowtest.Press(t, content, "Open Spotify’s apps page")
	if opened != appsPage {
		t.Errorf("opened %q", opened)
	}
	v.host.OpenURL = func(string) error { return hint.New("no browser", "stagedoor login --no-browser prints it") }
	windowtest.Press(t, content, "Open Spotify’s apps page")
	if message, more := v.host.Notice.Text(); message != "No browser" || more != "Open it by hand: "+appsPage {
		t.Errorf("the address to open by hand is not in %q, %q", message, more)
	}
}

// What a provider has not confirmed stays in sight, also of a deleted profile.
func TestOpenRevocationsAreShown(t *testing.T) {
	v, f, content := open(t, accounts())
	f.Open = []auth.OpenRevocation{{Name: "old", Deleted: true, Host: "login.example.com"}}
	v.reload()
	if !windowtest.Shows(content, "old (deleted): removed here; login.example.com has not confirmed the revocation yet") {
		t.Errorf("the window shows %q", windowtest.Texts(content))
	}
	f.Open = nil
	v.reload()
	if windowtest.Shows(content, "has not confirmed it yet") {
		t.Error("done, and still shown")
	}
}

// While the keychain asks for its password, accounts that are there must not seem to
// be gone.
func TestNotReadYetIsNotEmpty(t *testing.T) {
	h := windowtest.Host(t)
	v := newView(h, &keepertest.Fake{}, nil)
	h.Window.SetContent(v.layout())
	v.refresh()
	if !windowtest.Shows(v.pane, "Reading the profiles…") || windowtest.Shows(v.pane, "No profile yet") {
		t.Errorf("the pane shows %q", windowtest.Texts(v.pane))
	}
	v.start()
	if !windowtest.Shows(v.pane, "No profile yet") {
		t.Errorf("the pane shows %q", windowtest.Texts(v.pane))
	}
}

// asking is a keeper whose keychain asks for its password: look runs meanwhile.
type asking struct {
	*keepertest.Fake
	look func()
}

func (k *asking) State(ctx context.Context) (auth.State, error) {
	s, err := k.Fake.State(ctx)
	if vault.Wait(ctx) > 0 {
		k.look()
		return s, err
	}
	for i := range s.Profiles {
		s.Profiles[i].Status = auth.StatusUnknown
	}
	s.VaultProblem, s.VaultHint = "the keychain is locked", "unlock it"
	return s, err
}

// A locked keychain keeps the names from nobody, and says that it is locked.
func TestNamesAreThereWhileTheKeychainAsks(t *testing.T) {
	h := windowtest.Host(t)
	h.Tasks = kit.Inline(vault.WithWait(t.Context(), time.Minute))
	k := &asking{Fake: &keepertest.Fake{Profiles: accounts()}}
	v := newView(h, k, nil)
	content := v.layout()
	h.Window.SetContent(content)
	h.Window.Resize(fyne.NewSize(900, 580))
	var meanwhile string
	k.look = func() { meanwhile = strings.Join(windowtest.Texts(content), "\n") }
	v.start()
	for _, want := range []string{"home", "lab", "work", "Spotify · locked", "The keychain is locked", "Try again"} {
		if !strings.Contains(meanwhile, want) {
			t.Errorf("while the keychain asks, %q is not shown: %q", want, meanwhile)
		}
	}
	if !windowtest.Shows(content, "Spotify · signed in") || windowtest.Shows(content, "The keychain is locked") {
		t.Errorf("unlocked: %q", windowtest.Texts(content))
	}
}

// Where no tray watches, the window says so, and leads to the others by itself.
func TestWithoutATray(t *testing.T) {
	for tray, says := range map[bool]bool{true: false, false: true} {
		h := windowtest.Host(t)
		var opened []string
		Show(h, &keepertest.Fake{Profiles: accounts()}, nil, Beside{
			Tray: func() bool { return tray },
			Open: func(name string) error { opened = append(opened, name); return nil },
		})
		content := h.Window.Content()
		if windowtest.Shows(content, "not in the tray") != says {
			t.Errorf("tray %v: %q", tray, windowtest.Texts(content))
		}
		windowtest.Press(t, content, "Audit log")
		windowtest.Press(t, content, "Alerts")
		if !slices.Equal(opened, []string{"audit", "alerts"}) {
			t.Errorf("opened %q", opened)
		}
	}
}

// What comes up to be read moves nothing away from under the pointer.
func TestNoticeMovesNothing(t *testing.T) {
	v, _, content := open(t, accounts())
	windowtest.Press(t, content, "New profile")
	at := func() fyne.Position {
		return fyne.CurrentApp().Driver().AbsolutePositionForObject(v.create.form.ClientID)
	}
	before := at()
	v.host.Notice.Error(hint.New("something failed, and more is said about it", "do something about it, such as this or that"))
	v.host.Window.Resize(fyne.NewSize(901, 580)) // Fyne's test driver lays out only then
	if after := at(); after.Y != before.Y {
		t.Errorf("the field for the client id moves from %v to %v", before, after)
	}
}

// A port that another program has can be replaced, and the page says what to register then.
func TestRedirectPort(t *testing.T) {
	v, f, content := open(t, nil)
	v.add()
	for _, name := range v.create.provider.Options {
		if name == "TIDAL" {
			v.create.provider.SetSelected(name)
		}
	}
	v.create.form.Name.SetText("music")
	v.create.form.ClientID.SetText("abc")
	v.create.form.Port.SetText("8899")
	if !windowtest.Shows(content, "http://127.0.0.1:8899/callback") || windowtest.Shows(content, ":8888") {
		t.Errorf("to register: %q", windowtest.Texts(content))
	}
	windowtest.Press(t, content, "Create profile")
	if n := f.Created[0]; n.RedirectPort != 8899 {
		t.Errorf("created %+v", n)
	}
}

func TestUseAndLogin(t *testing.T) {
	v, f, content := open(t, accounts())
	f.LoginResult.Account, f.LoginResult.NotGranted = "Lab", []string{"two"}
	var meanwhile string
	f.Heard = func(call string) {
		if call == "login lab" {
			_, meanwhile = v.host.Notice.Text()
		}
	}
	down(v, 1)
	windowtest.Press(t, content, "Use this profile")
	if message, more := v.host.Notice.Text(); message != "lab is now the active profile" || !strings.Contains(more, "no token until you have signed in") {
		t.Errorf("of a profile without a login the notice says %q, %q", message, more)
	}
	windowtest.Press(t, content, "Sign in again")
	if got := strings.Join(f.Calls, ", "); got != "use lab, login lab" {
		t.Errorf("calls: %s", got)
	}
	if !strings.Contains(meanwhile, "Compare the client id and the redirect URI") {
		t.Errorf("while the browser is open the notice says %q", meanwhile)
	}
	if message, more := v.host.Notice.Text(); message != "lab is signed in as Lab" || more != "Not granted: two" {
		t.Errorf("notice says %q, %q", message, more)
	}
}

func TestLoginErrorShowsItsHint(t *testing.T) {
	v, f, content := open(t, accounts())
	down(v, 1)
	f.Err = hint.Wrap(errors.New("port 8888 is in use"), "close the other login first")
	windowtest.Press(t, content, "Sign in again")
	f.Err = nil
	if message, more := v.host.Notice.Text(); message != "Port 8888 is in use" || more != "Close the other login first" {
		t.Errorf("notice says %q, %q", message, more)
	}
	v.reload()
	windowtest.Press(t, content, "Sign in again") // not stuck in "waiting"
}

// While the browser is open the login can be given up, and
// its link copied.
func TestCancelLogin(t *testing.T) {
	v, _, content := open(t, accounts())
	v.waiting, v.stopLogin = "1", func() {}
	v.setURL("https://login.example.com/authorize?x=1")
	windowtest.Press(t, content, "Copy login link")
	if got := fyne.CurrentApp().Clipboard().Content(); got != "https://login.example.com/authorize?x=1" {
		t.Errorf("clipboard holds %q", got)
	}
	windowtest.Press(t, content, "Cancel login")
	windowtest.Press(t, content, "Renew the login") // back to the start
}

func TestCreate(t *testing.T) {
	v, f, content := open(t, nil)
	windowtest.Press(t, content, "New profile")
	c := v.create
	c.provider.SetSelected("TIDAL")
	if !windowtest.Shows(v.pane, "http://127.0.0.1:8888/callback") {
		t.Errorf("the exact redirect URI is missing: %q", windowtest.Texts(v.pane))
	}
	c.form.Name.SetText("lab")
	c.form.ClientID.SetText(" abc ")
	c.form.Secret.SetText("s3cret")
	f.Err = hint.New("the name is taken", "choose another")
	windowtest.Press(t, content, "Create profile")
	if _, more := v.host.Notice.Text(); more != "Choose another" || c.form.Name.Text != "lab" {
		t.Errorf("after an error: notice %q, name %q", more, c.form.Name.Text)
	}
	f.Err = nil
	windowtest.Press(t, content, "Create profile")
	if len(f.Created) != 1 {
		t.Fatalf("created %d profiles", len(f.Created))
	}
	n := f.Created[0]
	if n.Name != "lab" || n.Provider != "tidal" || n.ClientID != "abc" || n.ClientSecret.Reveal() != "s3cret" {
		t.Errorf("created %+v", n)
	}
	if c.form.Secret.Text != "" {
		t.Error("the secret stays in the form")
	}
	if p, ok := v.selected(); !ok || p.Name != "lab" {
		t.Errorf("selected is %q", p.Name)
	}
}

// The address that is registered is the one that the login uses, for each issuer
// another one; and what creating found out is told.
func TestCreateShowsTheIssuersOwnRedirect(t *testing.T) {
	v, f, content := open(t, nil)
	windowtest.Press(t, content, "New profile")
	c := v.create
	c.provider.SetSelected("OpenID Connect")
	if !windowtest.Shows(v.pane, "once the provider's address is typed") {
		t.Errorf("before it is known it says %q", windowtest.Texts(v.pane))
	}
	c.form.Name.SetText("corp")
	c.form.Issuer.SetText("https://login.example.com")
	f.Warning = "the issuer could not be asked"
	windowtest.Press(t, content, "Create profile")
	if len(f.Created) != 1 || f.Created[0].RedirectPath == "" || f.Created[0].RedirectPath != auth.OwnRedirectPath(profile.Profile{Provider: "oidc", Issuer: "https://login.example.com"}) {
		t.Fatalf("created %+v", f.Created)
	}
	if _, more := v.host.Notice.Text(); more != "The issuer could not be asked" {
		t.Errorf("the notice says %q", more)
	}
	windowtest.Press(t, content, "New profile")
	c.form.Issuer.SetText("https://login.example.com")
	if shown := "http://127.0.0.1" + f.Created[0].RedirectPath; !windowtest.Shows(v.pane, shown) {
		t.Errorf("%s is not shown: %q", shown, windowtest.Texts(v.pane))
	}
}

func TestWordsOfEveryStatus(t *testing.T) {
	windowtest.Host(t)
	for _, s := range []auth.Status{
		auth.StatusActive, auth.StatusNeedsLogin, auth.StatusNotConfigured, auth.StatusExpired, auth.StatusSignedOut, auth.StatusUnknown, auth.StatusBlocked,
	} {
		p := auth.ProfileView{Status: s, Blocked: "another account"}
		if got := kit.StatusWords(p); got != p.Words() {
			t.Errorf("the window says %q, the tray and the command line say %q", got, p.Words())
		}
	}
}

func TestRename(t *testing.T) {
	v, f, content := open(t, accounts())
	windowtest.Press(t, content, "Rename…")
	name, ok := v.host.Window.Canvas().Focused().(*kit.Entry)
	if !ok || name.Text != "home" {
		t.Fatal("the name does not get the focus")
	}
	name.SetText("house")
	f.Err = errors.New("there is a profile house already")
	windowtest.Press(t, content, "Rename")
	if message, _ := v.host.Notice.Text(); message != "There is a profile house already" || !v.asking {
		t.Errorf("notice says %q; the field is open: %v", message, v.asking)
	}
	f.Err = nil
	name.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	if made := f.Made("rename"); len(made) != 2 || made[1] != "rename home house" {
		t.Errorf("calls: %q", made)
	}
	if message, _ := v.host.Notice.Text(); message != "home is now called house" || v.asking {
		t.Errorf("notice says %q", message)
	}
}

func TestDeleteAsksFirst(t *testing.T) {
	v, f, content := open(t, accounts())
	down(v, 2)
	windowtest.Press(t, content, "Delete…")
	for _, want := range []string{"Delete work?", "revoked at OpenID Connect", "tokens and its client secret are deleted", "keeps its history"} {
		if !windowtest.Shows(v.pane, want) {
			t.Errorf("the question lacks %q: %q", want, windowtest.Texts(v.pane))
		}
	}
	windowtest.Press(t, content, "Keep it")
	if made := f.Made("delete"); len(made) > 0 {
		t.Fatalf("deleted though the user kept it: %q", made)
	}
	f.RevokeResult = auth.RevokeResult{Remote: token.Unreachable, Open: true, Message: "the grant may live on there"}
	windowtest.Press(t, content, "Delete…")
	windowtest.Press(t, content, "Delete profile")
	if made := f.Made("delete"); len(made) != 1 || made[0] != "delete work" {
		t.Errorf("calls: %q", made)
	}
	if message, more := v.host.Notice.Text(); message != "work is deleted" || more != "The grant may live on there" {
		t.Errorf("notice says %q, %q", message, more)
	}
}

func TestChangedLoginIsAccepted(t *testing.T) {
	list := accounts()
	list[0].Status, list[0].Blocked, list[0].CanAccept = auth.StatusBlocked, "another account", true
	list[0].Changed = "the account is Mallory, not Erika"
	v, f, content := open(t, list)
	if !windowtest.Shows(v.pane, "the account is Mallory, not Erika") {
		t.Errorf("the card shows %q", windowtest.Texts(v.pane))
	}
	if _, got := kit.StatusColour(list[0].Status); got != theme.ColorNameError || !windowtest.Shows(v.pane, "blocked") {
		t.Errorf("a login that no server gets is shown in %s: %q", got, windowtest.Texts(v.pane))
	}
	windowtest.Press(t, content, "Accept the change")
	if made := f.Made("accept"); len(made) != 1 {
		t.Errorf("calls: %q", made)
	}
}

func TestVaultProblemComesWithItsHint(t *testing.T) {
	list := accounts()
	list[0].Status = auth.StatusUnknown
	v, f, content := open(t, list)
	f.VaultProblem, f.VaultHint = "the keychain is locked", "unlock it and try again"
	v.reload()
	if message, more := v.host.Notice.Text(); message != "The keychain is locked" || more != "Unlock it and try again" {
		t.Errorf("notice says %q, %q", message, more)
	}
	if windowtest.Shows(v.pane, "Sign in") {
		t.Errorf("a login that may work is to be made again: %q", windowtest.Texts(v.pane))
	}
	f.VaultProblem, f.VaultHint = "", ""
	windowtest.Press(t, content, "Try again")
	if message, _ := v.host.Notice.Text(); message != "" {
		t.Errorf("after it was unlocked the notice still says %q", message)
	}
}

// A question about a profile that another process deleted can only confuse.
func TestQuestionEndsWithItsProfile(t *testing.T) {
	v, f, content := open(t, accounts())
	windowtest.Press(t, content, "Delete…")
	gone, _ := v.selected()
	f.Profiles = slices.DeleteFunc(f.Profiles, func(p auth.ProfileView) bool { return p.ID == gone.ID })
	v.reload()
	if windowtest.Shows(v.pane, "Delete "+gone.Name+"?") {
		t.Errorf("it is still asked: %q", windowtest.Texts(v.pane))
	}
	windowtest.Press(t, content, "New profile")
	f.Profiles = nil
	v.reload()
	if !windowtest.Shows(v.pane, "Create profile") {
		t.Errorf("the form is gone with what was typed: %q", windowtest.Texts(v.pane))
	}
}
