//go:build !lean

package welcome

import (
	"context"
	"errors"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/app/keepertest"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/app/window/windowtest"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

func open(t *testing.T, a Actions) (*view, *keepertest.Fake, fyne.CanvasObject) {
	t.Helper()
	h := windowtest.Host(t)
	f := &keepertest.Fake{Profiles: []auth.ProfileView{{ID: "1", Name: "spotify"}}, LoginResult: auth.LoginResult{Account: "Erika"}}
	v := newView(h, f, a)
	content := v.layout()
	h.Window.SetContent(content)
	h.Window.Resize(fyne.NewSize(860, 600))
	return v, f, content
}

func TestFirstRun(t *testing.T) {
	v, f, content := open(t, Actions{Setup: func(context.Context, string) (string, error) { return "Wrote the entry.", nil }})
	windowtest.Press(t, content, "Continue")
	for _, want := range []string{"Connect Spotify", "http://127.0.0.1/callback", "Open Spotify’s developer page"} {
		if !windowtest.Shows(content, want) {
			t.Errorf("the page lacks %q: %q", want, windowtest.Texts(content))
		}
	}
	if got := v.form.Name.Text; got != "spotify-2" {
		t.Errorf("suggested name %q is taken or odd", got)
	}
	v.form.ClientID.SetText("abc")
	windowtest.Press(t, content, "Create profile")
	windowtest.Press(t, content, "Sign in with your browser")
	windowtest.Press(t, content, "Set up Claude Desktop")
	for _, want := range []string{"spotify-2", "Erika", "Wrote the entry."} {
		if !windowtest.Shows(content, want) {
			t.Errorf("the last page lacks %q: %q", want, windowtest.Texts(content))
		}
	}
	// The new profile must be the active one, or Claude's entry follows another.
	if got := strings.Join(f.Calls, ", "); got != "create spotify-2, use spotify-2, login spotify-2" {
		t.Errorf("calls: %s", got)
	}
}

// An entry that somebody else wrote is named, with what would become of it, and
// changed only by the button below that; what is left out does not look done.
func TestSetupAsksBeforeItChangesAnEntry(t *testing.T) {
	q := setup.Question{Client: "Claude Desktop", Entry: "spotify", Program: "npx", Profile: "home"}
	var agreed []string
	v, _, content := open(t, Actions{Setup: func(_ context.Context, a string) (string, error) {
		if agreed = append(agreed, a); a != q.Error() {
			return "", hint.Wrap(q, "open the menu")
		}
		return "The entry is changed.", nil
	}})
	v.show(stepLogin)
	windowtest.Press(t, content, "Skip")
	windowtest.Press(t, content, "Set up Claude Desktop")
	for _, want := range []string{"Change your entry “spotify”?", "starts npx without Stagedoor", "tokens of home"} {
		if !windowtest.Shows(content, want) {
			t.Errorf("the question lacks %q: %q", want, windowtest.Texts(content))
		}
	}
	if message, _ := v.host.Notice.Text(); message != "" {
		t.Errorf("a question is no failure: %q", message)
	}
	windowtest.Press(t, content, "Change the entry")
	if diff := cmp.Diff([]string{"", q.Error()}, agreed); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{"The entry is changed.", "Something is left to do", "You skipped: Sign in."} {
		if !windowtest.Shows(content, want) {
			t.Errorf("the last page lacks %q: %q", want, windowtest.Texts(content))
		}
	}
	if got := v.rail.icons[stepLogin].Text + v.rail.icons[stepClaude].Text; got != "–✓" {
		t.Errorf("sign-in skipped, Claude set up: the rail shows %q", got)
	}
}

// Enter goes on, and the field to be filled in has the keyboard.
func TestByKeyboard(t *testing.T) {
	h := windowtest.Host(t)
	f := &keepertest.Fake{}
	Show(h, f, Actions{})
	c := h.Window.Canvas()
	c.OnTypedKey()(&fyne.KeyEvent{Name: fyne.KeyReturn})
	test.Type(c.Focused(), "abc")
	c.Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	if len(f.Created) != 1 || f.Created[0].ClientID != "abc" || f.Created[0].Name != "spotify" {
		t.Errorf("created %+v", f.Created)
	}
}

func TestErrorsKeepTheStep(t *testing.T) {
	v, f, content := open(t, Actions{})
	windowtest.Press(t, content, "Continue")
	f.Err = hint.Wrap(errors.New("the keychain is locked"), "unlock it")
	at := func() fyne.Position { return fyne.CurrentApp().Driver().AbsolutePositionForObject(v.form.ClientID) }
	before := at()
	windowtest.Press(t, content, "Create profile")
	v.host.Window.Resize(fyne.NewSize(861, 600)) // Fyne's test driver lays out only then
	if after := at(); after.Y != before.Y {
		t.Errorf("the error moves the field from %v to %v", before, after)
	}
	if message, more := v.host.Notice.Text(); message != "The keychain is locked" || more != "Unlock it" {
		t.Errorf("notice says %q, %q", message, more)
	}
	f.Err = nil
	v.form.ClientID.SetText("abc")
	windowtest.Press(t, content, "Create profile")
	f.Err = errors.New("denied")
	windowtest.Press(t, content, "Sign in with your browser")
	f.Err = nil
	windowtest.Press(t, content, "Sign in with your browser")
	if v.step != stepDone {
		t.Errorf("step %d: without Setup the login is the last thing to do", v.step)
	}
}

func TestProviderDecidesTheFields(t *testing.T) {
	v, f, content := open(t, Actions{})
	for _, word := range v.providers.Options {
		if strings.HasPrefix(word, "OpenID") {
			v.providers.SetSelected(word)
		}
	}
	windowtest.Press(t, content, "Continue")
	if !windowtest.Shows(content, "Issuer") || windowtest.Shows(content, "Token endpoint") {
		t.Errorf("fields: %q", windowtest.Texts(content))
	}
	v.form.Issuer.SetText("https://login.example.com")
	v.form.Scopes.SetText("openid files:read")
	windowtest.Press(t, content, "Create profile")
	if n := f.Created[0]; n.Provider != "oidc" || n.Issuer != "https://login.example.com" || len(n.Scopes) != 2 {
		t.Errorf("created %+v", n)
	}
}

func TestDemo(t *testing.T) {
	_, _, content := open(t, Actions{})
	if windowtest.Shows(content, "Try the demo") {
		t.Error("the demo is offered though there is none")
	}
	ran := false
	v, _, content := open(t, Actions{Demo: func() error { ran = true; return nil }})
	windowtest.Press(t, content, "Try the demo")
	if message, _ := v.host.Notice.Text(); !ran || message != "The demo is running" {
		t.Errorf("ran %v, notice %q", ran, message)
	}
	if windowtest.Shows(content, "Try the demo") {
		t.Error("a second demo is offered")
	}
}
