//go:build !lean

package auditlog

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// details shows all that one line of the log says.
type details struct {
	host  *kit.Host
	jump  func(seq uint64)
	event *audit.Event
	since *widget.Label // "3 min ago"
	body  *fyne.Container
	box   fyne.CanvasObject
}

func newDetails(h *kit.Host, jump func(seq uint64)) *details {
	d := &details{host: h, jump: jump, body: container.NewVBox()}
	scroll := container.NewVScroll(kit.Inset(10, 12, d.body))
	scroll.SetMinSize(fyne.NewSize(250, 200))
	d.box = scroll
	d.none()
	return d
}

// none says how to see something here.
func (d *details) none() {
	d.event, d.since = nil, nil
	text := kit.Muted(lang.L("Select an event to see everything the log says about it."))
	d.body.Objects = []fyne.CanvasObject{text}
	d.body.Refresh()
}

// show fills the pane from an event.
func (d *details) show(e audit.Event, profile string) {
	d.event = &e
	title := kit.Title(Words(e.Name))
	name := kit.Value(e.Name)
	name.Importance, name.SizeName = widget.LowImportance, theme.SizeNameCaptionText
	d.since = widget.NewLabel(d.host.Relative(e.Time))

	facts := kit.NewFacts()
	facts.Text(lang.L("Time"), d.host.Clock(e.Time))
	facts.Add("", d.since)
	facts.Text(lang.L("In UTC"), e.Time.UTC().Format("2006-01-02 15:04:05.000"))
	if outcome := facts.Text(lang.L("Outcome"), outcomeWord(e.Outcome)); e.Outcome == audit.Failed {
		outcome.Importance, outcome.TextStyle.Bold = widget.DangerImportance, true
	}
	facts.Text(lang.L("Profile"), profile)
	if e.Profile != profile {
		facts.Text(lang.L("Profile id"), e.Profile)
	}
	facts.Text(lang.L("Came through"), actorWord(e.Actor))
	facts.Text(lang.L("Process"), fmt.Sprint(e.PID))
	facts.Text(lang.L("Line"), kit.Number(int(e.Seq)))

	head := kit.Tight(title, name)
	d.body.Objects = []fyne.CanvasObject{head, facts.Object}
	if len(e.Data) > 0 {
		heading := widget.NewLabel(lang.L("What was recorded"))
		heading.TextStyle.Bold = true
		d.body.Objects = append(d.body.Objects, widget.NewSeparator(), kit.Tight(heading), Recorded(e, profile))
	}
	copyJSON := widget.NewButtonWithIcon(lang.L("Copy as JSON"), theme.ContentCopyIcon(), d.copy)
	copyJSON.Importance = widget.LowImportance
	buttons := container.NewHBox(copyJSON)
	if seq := evidence(e); seq > 0 {
		where := lang.L("Go to the evidence, line {{.Line}}", map[string]any{"Line": kit.Number(int(seq))})
		buttons = container.NewVBox(kit.Button(where, func() { d.jump(seq) }), buttons)
	}
	d.body.Objects = append(d.body.Objects, widget.NewSeparator(), buttons)
	d.body.Refresh()
}

// Recorded lists the event's data, without the profile's name if it stands there
// already.
func Recorded(e audit.Event, profile string) fyne.CanvasObject {
	facts := kit.NewFacts()
	for _, key := range slices.Sorted(maps.Keys(e.Data)) {
		if key != "name" || e.Data[key] != profile {
			facts.Text(label(key), value(e.Data[key]))
		}
	}
	return facts.Object
}

// copy puts the event on the clipboard, as the command line's --json prints it.
func (d *details) copy() {
	text, err := json.MarshalIndent(d.event, "", "  ")
	if err != nil {
		d.host.Notice.Error(fmt.Errorf("copy event: %w", err))
		return
	}
	d.host.Copy(string(text))
	d.host.Notice.Done(lang.L("Copied"), "")
}

func (d *details) tick() {
	if d.event != nil {
		d.since.SetText(d.host.Relative(d.event.Time))
	}
}
