//go:build !lean

package profiles

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"
	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/app/window/windowtest"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// entries are two that are pinned to home.
type entries struct {
	made []string
	err  error
}

func (e *entries) Pinned(profile string) []clients.Server {
	if profile != "home" {
		return nil
	}
	return []clients.Server{{Client: clients.Client{Name: "Claude Desktop"}, Name: "spotify-home"}, {Client: clients.Client{Name: "Cursor"}, Name: "music"}}
}

func (e *entries) Repin(_ context.Context, p profile.Profile, s clients.Server, to string) error {
	e.made = append(e.made, fmt.Sprintf("%s of %s to %q", s.Name, p.ID, to))
	return e.err
}

func tick(t *testing.T, o fyne.CanvasObject, words string) {
	t.Helper()
	i := slices.IndexFunc(windowtest.Visible(o), func(o fyne.CanvasObject) bool {
		c, ok := o.(*widget.Check)
		return ok && c.Text == words
	})
	if i < 0 {
		t.Fatalf("there is no box %q", words)
	}
	test.Tap(windowtest.Visible(o)[i].(*widget.Check))
}

// An entry that starts its server with a profile is named before the profile is gone
// or called otherwise, and the user says what becomes of it.
func TestEntriesFollowTheirProfile(t *testing.T) {
	const both = "Claude Desktop “spotify-home”, Cursor “music”"
	for name, c := range map[string]struct {
		open, box, button string
		fails             error
		made              []string
		title, more       string
	}{
		"renamed":                {"Rename…", "", "Rename", nil, []string{`spotify-home of 1 to "house"`, `music of 1 to "house"`}, "home is now called house", "Changed too: " + both},
		"renamed, and they stay": {"Rename…", "Change these entries too", "Rename", nil, nil, "home is now called house", "These entries will not start any more: " + both},
		"renamed, and they fail": {"Rename…", "", "Rename", errors.New("the file is read-only"), []string{`spotify-home of 1 to "house"`, `music of 1 to "house"`}, "home is now called house", "Cursor “music”: the file is read-only"},
		"deleted":                {"Delete…", "", "Delete profile", nil, nil, "home is deleted", "removed here\nThese entries will not start any more: " + both},
		"deleted with them":      {"Delete…", "Remove these entries too", "Delete profile", nil, []string{`spotify-home of 1 to ""`, `music of 1 to ""`}, "home is deleted", "Removed too: " + both},
		"deleted, and they fail": {"Delete…", "Remove these entries too", "Delete profile", errors.New("the file is read-only"), []string{`spotify-home of 1 to ""`, `music of 1 to ""`}, "home is deleted", "Cursor “music”: the file is read-only"},
	} {
		t.Run(name, func(t *testing.T) {
			e := &entries{err: c.fails}
			v, _, content := open(t, accounts())
			v.entries = e
			windowtest.Press(t, content, c.open)
			if !windowtest.Shows(v.pane, both) {
				t.Fatalf("they are not named: %q", windowtest.Texts(v.pane))
			}
			if name, ok := v.host.Window.Canvas().Focused().(*kit.Entry); ok {
				name.SetText("house")
			}
			if c.box != "" {
				tick(t, content, c.box)
			}
			windowtest.Press(t, content, c.button)
			if diff := cmp.Diff(c.made, e.made); diff != "" {
				t.Error(diff)
			}
			if title, more := v.host.Notice.Text(); title != c.title || !strings.Contains(more, c.more) {
				t.Errorf("the notice says %q, %q", title, more)
			}
		})
	}
}

// What cannot be seen of a login elsewhere: whether a logout ends it, and whose
// certificates it believes.
func TestCardTellsAndChangesHowALoginIsKept(t *testing.T) {
	list := accounts()
	list[0].Pins, list[0].Roots = []string{"sha256/AAAA"}, []string{"CN=Lab"}
	v, f, content := open(t, list)
	for _, want := range []string{"CN=Lab", "sha256/AAAA", "system keychain"} {
		if !windowtest.Shows(v.pane, want) {
			t.Errorf("the card lacks %q: %q", want, windowtest.Texts(v.pane))
		}
	}
	tick(t, content, "Forget the login when I log out")
	if title, _ := v.host.Notice.Text(); title != "From now on the login of home is kept in memory only" || !windowtest.Shows(v.pane, "memory, until logout") {
		t.Errorf("the notice says %q, the card %q", title, windowtest.Texts(v.pane))
	}
	f.Err = errors.New("the keychain is locked")
	tick(t, content, "Forget the login when I log out")
	f.Err = nil
	v.reload()
	if !windowtest.Shows(v.pane, "memory, until logout") {
		t.Errorf("it failed, and the card shows %q", windowtest.Texts(v.pane))
	}
	tick(t, content, "Forget the login when I log out")
	if diff := cmp.Diff([]string{"keep home until logout true", "keep home until logout false", "keep home until logout false"}, f.Made("keep")); diff != "" {
		t.Error(diff)
	}

	windowtest.Press(t, content, "New profile")
	v.create.form.Name.SetText("third")
	tick(t, v.create.box, "Forget the login when I log out")
	windowtest.Press(t, content, "Create profile")
	if n := f.Created[0]; !n.UntilLogout {
		t.Errorf("created %+v", n)
	}
}
