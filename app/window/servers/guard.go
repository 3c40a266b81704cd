//go:build !lean

package servers

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// modes are the values of the guard's setting, in order.
var modes = []string{settings.GuardWipes, settings.GuardAsk, settings.GuardOff}

// guard is the page of what is done when a client loses entries.
func (v *view) guard() fyne.CanvasObject {
	box := container.NewVBox(kit.Tight(kit.Title(lang.L("Guard"))),
		kit.Tight(kit.Muted(lang.L("Clients at times reset their file and lose what is set up in it. The tray notices that. What you take out yourself stays out."))))
	words := []string{
		lang.L("Put back what a client wiped, and tell me"),
		lang.L("Ask me first"),
		lang.L("Leave the files alone"),
	}
	choice := widget.NewRadioGroup(words, nil)
	choice.Required = true
	for i, mode := range modes {
		if mode == v.facts.guard {
			choice.Selected = words[i]
		}
	}
	choice.OnChanged = func(chosen string) {
		for i := range words {
			if words[i] == chosen {
				v.setGuard(modes[i])
			}
		}
	}
	box.Add(kit.Inset(6, 0, choice))
	if v.facts.alone {
		box.Add(kit.Tight(kit.Warning(lang.L("Stagedoor is not in the tray, so nobody watches the files now. What is lost meanwhile is noticed when it starts."))))
	}
	for _, l := range v.facts.losses {
		box.Add(widget.NewSeparator())
		box.Add(kit.Tight(kit.Warning(lang.L("{{.Client}} lost {{.Entries}}", map[string]any{"Client": l.Name, "Entries": strings.Join(l.Entries, ", ")})), kit.Muted(text.Sentence(l.Words()))))
		box.Add(container.NewHBox(
			kit.Button(lang.L("Leave it out"), func() {
				v.host.Try(func(ctx context.Context) error { return v.parts.Guard.Leave(ctx, l.Client) }, v.reload)
			}),
			kit.Primary(lang.L("Put it back"), func() {
				kit.Try(v.host, func(ctx context.Context) (string, error) { return v.parts.Guard.PutBack(ctx, l.Client) }, func(message string) {
					v.host.Notice.Done(message, "")
					v.reload()
				})
			})))
	}
	return box
}

// setGuard changes the setting, which the tray follows at once.
func (v *view) setGuard(mode string) {
	kit.Load(v.host.Tasks, func(ctx context.Context) (string, error) { return v.parts.Settings.Set(ctx, "guard", mode) }, func(now string, err error) {
		if err != nil {
			v.host.Notice.Error(err)
			v.shown = ""
		} else {
			v.facts.guard = now
			v.host.Notice.Done(lang.L("Guard: {{.Mode}}", map[string]any{"Mode": guardWords(now)}), "")
		}
		v.reload()
	})
}
