//go:build !lean

// Package alerts is the window on what was odd: a list of alerts, the worst
// first, and for each the events behind it, a field to acknowledge it with a
// note, and the start of an incident report.
//
// All of it belongs to the UI goroutine; the keeper is asked through kit.Load.
package alerts

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
)

// Incident begins an incident report about an alert and returns the file that it
// was written to.
type Incident func(ctx context.Context, alertID string) (path string, err error)

// view is the window's content and what it shows.
type view struct {
	host     *kit.Host
	keeper   Keeper
	incident Incident

	all      []alert.Alert
	listed   []alert.Alert // those that the filter leaves
	profiles map[string]string
	reported []auth.Incident
	chosen   string // id of the selected alert
	folder   string // that the last report was written to
	loaded   bool

	turnedDown func() string
	down       *widget.Label // what it says
	state      *kit.Choice[alert.State]
	list       *kit.List
	card       *card
	pane       *fyne.Container
	empty      *kit.Empty
}

// Show builds the window's content in h and starts loading. A nil incident hides
// the reports.
// turnedDown, which may be nil, says what the user turned off or down.
func Show(h *kit.Host, k Keeper, incident Incident, turnedDown func() string) {
	v := newView(h, k, incident)
	v.turnedDown = turnedDown
	h.SetTitle(lang.L("Alerts"))
	h.Window.SetContent(v.layout())
	h.Window.Resize(fyne.NewSize(1020, 640))
	v.start()
}

func newView(h *kit.Host, k Keeper, incident Incident) *view {
	v := &view{host: h, keeper: k, incident: incident, profiles: map[string]string{}, pane: container.NewStack()}
	v.list = kit.NewList(func() int { return len(v.listed) },
		func() fyne.CanvasObject { return kit.NewItem() },
		func(i int, o fyne.CanvasObject) {
			if i < len(v.listed) { // Fyne may ask for a row of before a reload
				v.showItem(o.(*kit.Item), v.listed[i])
			}
		}, v.choose)
	v.list.OnEnter = v.write
	v.card = newCard(v)
	v.state = kit.NewChoice(v.refresh, v.filters()...)
	v.empty = kit.NewEmpty("", nil)
	v.down = kit.Muted("")
	v.down.Hide()
	h.Keys.Bind(fyne.KeyR, v.reload)
	return v
}

// filters are the choices of the list's filter, with how many there are of each.
func (v *view) filters() []kit.Option[alert.State] {
	count := map[alert.State]int{}
	for _, a := range v.all {
		count[a.State]++
	}
	option := func(text string, state alert.State, n int) kit.Option[alert.State] {
		if n > 0 {
			text += " (" + kit.Number(n) + ")"
		}
		return kit.Option[alert.State]{Words: text, Value: state}
	}
	return []kit.Option[alert.State]{
		option(lang.L("Open"), alert.Open, count[alert.Open]),
		option(lang.L("Acknowledged"), alert.Acked, count[alert.Acked]),
		option(lang.L("Resolved"), alert.Resolved, count[alert.Resolved]),
		option(lang.L("All"), "", len(v.all)),
	}
}

func (v *view) layout() fyne.CanvasObject {
	pane := container.NewStack(container.NewVScroll(kit.Inset(8, 22, v.pane)), v.empty.Box)
	return v.host.Panes(0.42, lang.L("Alerts"), v.state, v.list, v.down, pane)
}

func (v *view) start() {
	v.focusList()
	v.reload()
	v.host.Tasks.Follow(v.keeper.Watch, v.reload, v.host.Notice.Error)
	v.host.Tasks.Every(15*time.Second, v.refresh)
}

func (v *view) focusList() { v.host.Window.Canvas().Focus(v.list) }

// reload asks for the alerts anew.
func (v *view) reload() {
	type state struct {
		alerts []alert.Alert
		names  map[string]string
		down   string
		open   []auth.Incident
	}
	kit.Try(v.host, func(ctx context.Context) (s state, err error) {
		if s.alerts, err = v.keeper.Alerts(ctx); err != nil {
			return s, err
		}
		if v.turnedDown != nil {
			s.down = v.turnedDown()
		}
		if s.open, err = v.keeper.Incidents(ctx); err != nil {
			return s, err
		}
		s.names, err = v.keeper.ProfileNames(ctx)
		return s, err
	}, func(s state) {
		v.all, v.profiles, v.reported, v.loaded = s.alerts, s.names, s.open, true
		v.down.SetText(lang.L("Turned down: {{.What}}", map[string]any{"What": s.down}))
		v.down.Hidden = s.down == ""
		v.refresh()
	})
}

// refresh lists what the filter leaves and shows the selected alert.
func (v *view) refresh() {
	v.listed = nil
	for _, a := range v.all {
		if w := v.state.Value(); w == "" || a.State == w {
			v.listed = append(v.listed, a)
		}
	}
	v.state.SetOptions(v.filters())
	v.list.Refresh()
	row := slices.IndexFunc(v.listed, func(a alert.Alert) bool { return a.ID == v.chosen })
	if row < 0 && len(v.listed) > 0 {
		row = min(max(v.list.Selected(), 0), len(v.listed)-1) // the next one moves up
	}
	if v.list.Selected() != row {
		v.list.Shift(row)
	}
	if row >= 0 {
		v.choose(row)
		return
	}
	v.chosen = ""
	v.card.clear()
	v.pane.Objects = nil
	v.pane.Refresh()
	v.showEmpty()
}

// showEmpty says why there is nothing in the list.
func (v *view) showEmpty() {
	if !v.loaded {
		return
	}
	title, text := lang.L("Nothing to worry about"), lang.L("When something odd happens to a login or a token, it shows here, with the events behind it.")
	for _, i := range v.reported {
		if i.Status != auth.Resolved {
			title, text = lang.L("No open alerts"), lang.L("Still to be finished: {{.Incident}}", map[string]any{"Incident": i.ID + ", " + statusWords(i.Status)})
		}
	}
	if v.state.Value() != alert.Open {
		title, text = lang.L("No such alert"), ""
	}
	v.empty.Say(title, text, false)
}

func (v *view) choose(i int) {
	a := v.listed[i]
	v.chosen = a.ID
	v.empty.Box.Hide()
	v.card.show(a)
	if len(v.pane.Objects) == 0 {
		v.pane.Objects = []fyne.CanvasObject{v.card.box}
		v.pane.Refresh()
	}
}

// write leads from the list to the note.
func (v *view) write() {
	if v.chosen != "" && v.card.note != nil {
		v.host.Window.Canvas().Focus(v.card.note)
	}
}

// profileName returns a profile's name. A deleted one is known by its id alone.
func (v *view) profileName(id string) string { return cmp.Or(v.profiles[id], id) }

// incidentOf is the newest incident that an alert belongs to, or the zero one.
func (v *view) incidentOf(a alert.Alert) (found auth.Incident) {
	for _, i := range v.reported {
		if slices.Contains(strings.Fields(i.Alerts), a.ID) {
			found = i
		}
	}
	return found
}

// moveOn gives an incident another status.
func (v *view) moveOn(i auth.Incident, status auth.IncidentStatus) {
	v.host.Try(func(ctx context.Context) error { return v.keeper.UpdateIncident(ctx, i.ID, status, "") }, func() {
		v.host.Notice.Done(i.ID+": "+statusWords(status), "")
		v.reload()
	})
}

// acknowledge writes down that the user has seen an alert.
func (v *view) acknowledge(a alert.Alert, note string) {
	v.host.Try(func(ctx context.Context) error { return v.keeper.AckAlert(ctx, a.ID, note) }, func() {
		v.host.Notice.Done(lang.L("{{.Title}}: acknowledged", map[string]any{"Title": titleWords(a)}), "")
		v.focusList()
		v.reload()
	})
}

// report begins an incident report.
func (v *view) report(a alert.Alert) {
	v.host.Notice.Busy(lang.L("Writing the incident report…"), "")
	kit.Try(v.host, func(ctx context.Context) (string, error) { return v.incident(ctx, a.ID) }, func(path string) {
		v.host.Notice.Done(lang.L("The incident report is started. Fill in what only you know."), path)
		v.folder = filepath.Dir(path)
		v.reload()
	})
}
