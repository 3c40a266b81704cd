//go:build !lean

package profiles

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// pinned are the entries of MCP clients that start their server with a profile, and
// the box that says whether they are changed with it.
type pinned struct {
	entries []clients.Server
	words   map[string]any // for the texts about them
	too     *widget.Check
}

// withPinned asks for the entries that are pinned to a profile.
func (v *view) withPinned(p auth.ProfileView, box string, then func(pinned)) {
	kit.Try(v.host, func(context.Context) ([]clients.Server, error) {
		if v.entries == nil {
			return nil, nil
		}
		return v.entries.Pinned(p.Name), nil
	}, func(entries []clients.Server) {
		var names []string
		for _, e := range entries {
			names = append(names, e.Client.Name+" “"+e.Name+"”")
		}
		then(pinned{entries, map[string]any{"Name": p.Name, "Entries": strings.Join(names, ", ")}, widget.NewCheck(box, nil)})
	})
}

// follow has the entries use a profile's new name, or removes them if there is none,
// if the box says so now. Then it says what came of it: done, if each of them starts.
func (v *view) follow(p auth.ProfileView, x pinned, to, done string) func(context.Context) (more string, fine bool) {
	change, left := x.too.Checked, lang.L("These entries will not start any more: {{.Entries}}", x.words)
	return func(ctx context.Context) (string, bool) {
		switch {
		case len(x.entries) == 0:
			return "", true
		case !change:
			return left, false
		}
		var failed []string
		for _, e := range x.entries {
			if err := v.entries.Repin(ctx, profile.Profile{ID: p.ID, Name: p.Name}, e, to); err != nil {
				failed = append(failed, fmt.Sprintf("%s “%s”: %v", e.Client.Name, e.Name, err))
			}
		}
		if len(failed) > 0 {
			return strings.Join(failed, "\n"), false
		}
		return done, true
	}
}

// rename asks for a profile's new name in the pane.
func (v *view) rename(p auth.ProfileView) {
	v.withPinned(p, lang.L("Change these entries too"), func(x pinned) { v.askName(p, x) })
}

func (v *view) askName(p auth.ProfileView, x pinned) {
	name := v.host.Keys.NewEntry("")
	name.SetText(p.Name)
	x.too.Checked = true
	save := func() {
		to, more, fine := name.Text, "", true
		follow := v.follow(p, x, to, lang.L("Changed too: {{.Entries}}. Start these clients again.", x.words))
		v.act(func(ctx context.Context) error {
			err := v.keeper.Rename(ctx, p.Name, to)
			if err == nil {
				more, fine = follow(ctx)
			}
			return err
		}, func() {
			v.back()
			title := lang.L("{{.Name}} is now called {{.New}}", map[string]any{"Name": p.Name, "New": to})
			if fine {
				v.host.Notice.Done(title, cmp.Or(more, lang.L("Its login and its history stay.")))
			} else {
				v.host.Notice.Warn(title, more)
			}
		})
	}
	name.OnSubmitted = func(string) { save() }
	name.OnEscape = v.back
	page := container.NewVBox(
		kit.Tight(kit.Title(lang.L("Rename {{.Name}}", x.words))),
		kit.Tight(kit.Muted(lang.L("Small letters, digits, - and _."))),
		name)
	if len(x.entries) > 0 {
		page.Add(kit.Tight(kit.Muted(lang.L("These entries start their server with {{.Name}}: {{.Entries}}", x.words))))
		page.Add(x.too)
	}
	page.Add(kit.Inset(10, 0, container.NewHBox(kit.Button(lang.L("Cancel"), v.back), kit.Primary(lang.L("Rename"), save))))
	v.put(page, true)
	v.host.Window.Canvas().Focus(name)
	name.TypedShortcut(&fyne.ShortcutSelectAll{})
}

// remove asks once before a profile is deleted, and says what that does at the
// provider, here, and to the entries.
func (v *view) remove(p auth.ProfileView) {
	v.withPinned(p, lang.L("Remove these entries too"), func(x pinned) { v.askDelete(p, x) })
}

func (v *view) askDelete(p auth.ProfileView, x pinned) {
	facts := kit.NewFacts()
	if p.Status != auth.StatusNotConfigured {
		facts.Text(lang.L("At the provider"), revocationWords(p))
	}
	if p.APIKey {
		facts.Text(lang.L("Here"), lang.L("The profile is removed and its API key is deleted. MCP servers that use it lose access. The audit log keeps its history."))
	} else {
		facts.Text(lang.L("Here"), lang.L("The profile is removed, and its tokens and its client secret are deleted. MCP servers that use it lose access. The audit log keeps its history."))
	}
	if len(x.entries) > 0 {
		facts.Text(lang.L("Entries"), lang.L("These entries will not start any more: {{.Entries}}", x.words))
		facts.Add("", x.too)
	}
	v.ask(lang.L("Delete {{.Name}}?", x.words), facts, lang.L("Delete profile"), func() {
		follow := v.follow(p, x, "", lang.L("Removed too: {{.Entries}}. Start these clients again.", x.words))
		v.end(p, func(ctx context.Context, name string) (auth.RevokeResult, error) {
			r, err := v.keeper.DeleteProfile(ctx, name)
			if err == nil {
				more, _ := follow(ctx)
				r.Message = strings.TrimSpace(r.Message + "\n" + more)
			}
			return r, err
		}, lang.L("Deleting {{.Name}}…", x.words), func(r auth.RevokeResult) string {
			if !r.Settled() && r.AppsPage != "" {
				v.host.Open(r.AppsPage) // there is no card left to offer it on
			}
			return lang.L("{{.Name}} is deleted", x.words)
		})
	})
}
