//go:build !lean

package alerts

import (
	"context"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/auditlog"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// shownEvidence is how many events are listed; the audit window has the others.
const shownEvidence = 25

// card shows one alert and has the fields to act on it.
type card struct {
	view *view
	key  shown // what stands there, so that a reload leaves a note half written

	note        *kit.Entry
	first, last *widget.Label
	facts       *kit.Facts
	evidence    *fyne.Container
	box         *fyne.Container
	cancel      func()
}

// shown is all of an alert that the card depends on.
type shown struct {
	id, message string
	state       alert.State
	severity    alert.Severity
	count       int
	last        time.Time
	incident    string // its id and status
}

func newCard(v *view) *card {
	return &card{view: v, box: container.NewVBox(), cancel: func() {}}
}

// show fills the pane from an alert.
func (c *card) show(a alert.Alert) {
	incident := c.view.incidentOf(a)
	key := shown{a.ID, a.Message, a.State, a.Severity, a.Count, a.Last, incident.ID + string(incident.Status)}
	if key == c.key {
		c.tick(a)
		return
	}
	c.cancel()
	c.key = key
	h := c.view.host
	title := kit.Title(titleWords(a))
	mark := kit.NewPill()
	showSeverity(mark, a)
	c.facts = kit.NewFacts()
	state := c.facts.Text(lang.L("State"), stateWords(a.State))
	if a.State == alert.Open {
		state.TextStyle.Bold = true
	}
	c.facts.Text(lang.L("Profile"), c.view.profileName(a.Profile))
	c.first = c.facts.Text(lang.L("First"), h.Clock(a.First))
	c.last = c.facts.Text(lang.L("Last"), h.Clock(a.Last))
	c.facts.Text(lang.L("Fired"), lang.N("{{.Count}} times", a.Count, map[string]any{"Count": kit.Number(a.Count)}))
	c.facts.Text(lang.L("Alert id"), a.ID)
	if incident.ID != "" {
		c.facts.Text(lang.L("Incident"), incident.ID+": "+statusWords(incident.Status))
	}
	if a.Unverified {
		c.facts.Text(lang.L("Evidence"), lang.L("not verified: whoever can write the state folder may have put it there")).Importance = widget.WarningImportance
	}

	message := kit.Value(a.Message)
	advice := kit.Value(hint.Plain(a.Advice))
	advice.Hidden = a.State == alert.Resolved || advice.Text == ""
	c.evidence = container.NewVBox(kit.Muted(lang.L("Reading the log…")))
	heading := widget.NewLabel(lang.N("{{.Count}} events behind it", len(a.Evidence), map[string]any{"Count": kit.Number(len(a.Evidence))}))
	heading.TextStyle.Bold = true
	c.box.Objects = []fyne.CanvasObject{
		container.NewHBox(mark),
		kit.Tight(title, message, advice),
		c.facts.Object,
		kit.Inset(8, 0, c.actions(a)),
		widget.NewSeparator(),
		kit.Tight(heading),
		c.evidence,
	}
	c.box.Refresh()
	c.tick(a)
	c.load(a)
}

// actions returns the fields for an alert: a note to acknowledge an open one
// with, and the report.
func (c *card) actions(a alert.Alert) fyne.CanvasObject {
	v := c.view
	buttons := container.NewHBox()
	all := container.NewVBox()
	c.note = nil
	if a.State == alert.Open {
		c.note = v.host.Keys.NewEntry(lang.L("What it was, or what you did (optional)"))
		ack := func() { v.acknowledge(a, c.note.Text) }
		c.note.OnSubmitted = func(string) { ack() }
		c.note.OnEscape = v.focusList
		all.Add(c.note)
		buttons.Add(kit.Primary(lang.L("Acknowledge"), ack))
	}
	i := v.incidentOf(a)
	if v.incident != nil && (i.ID == "" || i.Status == auth.Resolved) { // one at a time
		buttons.Add(kit.Button(lang.L("Start incident report"), func() { v.report(a) }))
	}
	if folder := v.folder; folder != "" && i.ID != "" {
		buttons.Add(widget.NewButtonWithIcon(lang.L("Open its folder"), theme.FolderOpenIcon(), func() { v.host.OpenFolder(folder) }))
	}
	switch i.Status {
	case auth.Investigating:
		buttons.Add(kit.Button(lang.L("Incident is contained"), func() { v.moveOn(i, auth.Contained) }))
	case auth.Contained:
		buttons.Add(kit.Button(lang.L("Incident is resolved"), func() { v.moveOn(i, auth.Resolved) }))
	}
	all.Add(kit.Inset(4, 0, buttons))
	return all
}

// load reads the events behind the alert, and the note it was acknowledged with.
func (c *card) load(a alert.Alert) {
	type found struct {
		events []audit.Event
		ack    []audit.Event
	}
	k := c.view.keeper
	c.cancel = kit.Try(c.view.host, func(ctx context.Context) (f found, err error) {
		if f.events, err = k.Evidence(ctx, a); err != nil || a.State != alert.Acked {
			return f, err
		}
		f.ack, err = k.Events(ctx, audit.Query{Name: audit.AlertAcknowledged, Text: "alert=" + a.ID, Since: a.First, Limit: 1, Sealed: true})
		return f, err
	}, func(f found) {
		for _, e := range f.ack {
			c.facts.Text(lang.L("Acknowledged"), c.view.host.Clock(e.Time))
			if note, ok := e.Data["note"].(string); ok {
				c.facts.Text(lang.L("Note"), note)
			}
		}
		c.list(f.events)
		c.box.Refresh()
	})
}

// list shows the events, newest first, each to be opened.
func (c *card) list(events []audit.Event) {
	fold := widget.NewAccordion()
	fold.MultiOpen = true
	for i := len(events) - 1; i >= 0 && len(fold.Items) < shownEvidence; i-- {
		e := events[i]
		title := c.view.host.Clock(e.Time) + "   " + auditlog.Words(e.Name)
		facts := kit.NewFacts()
		facts.Text(lang.L("Line"), kit.Number(int(e.Seq)))
		profile := text.Line(e.ProfileName(c.view.profiles), 60)
		facts.Text(lang.L("Profile"), profile)
		fold.Append(widget.NewAccordionItem(title, container.NewVBox(facts.Object, auditlog.Recorded(e, profile))))
	}
	c.evidence.Objects = []fyne.CanvasObject{fold}
	if more := len(events) - len(fold.Items); more > 0 {
		c.evidence.Add(kit.Muted(lang.N("and {{.Count}} older ones, which the audit log has", more, map[string]any{"Count": kit.Number(more)})))
	}
	if len(events) == 0 {
		c.evidence.Objects = []fyne.CanvasObject{kit.Muted(lang.L("The log no longer has these events."))}
	}
	c.evidence.Refresh()
}

// tick keeps "3 min ago" true.
func (c *card) tick(a alert.Alert) {
	h := c.view.host
	c.first.SetText(h.Clock(a.First) + " (" + h.Relative(a.First) + ")")
	c.last.SetText(h.Clock(a.Last) + " (" + h.Relative(a.Last) + ")")
}

// clear forgets the alert.
func (c *card) clear() {
	c.cancel()
	c.key = shown{}
}
