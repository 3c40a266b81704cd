//go:build !lean

// Package auditlog is the window on the audit log: a table of events, newest first,
// with filters, the details of one event, and whether the log verifies.
//
// The table holds only the rows that are visible, and of the events only the
// pages around them are in memory, so the window opens as fast on a million
// events as on ten and needs no more memory. A pass over the log in the background then says
// how many there are, and feeds the chart. New events appear on top as they
// happen, without moving the selection.
//
// All of it belongs to the UI goroutine; the keeper is asked through kit.Load.
package auditlog

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// ahead is how many rows outside the view are loaded too.
const ahead = 40

const (
	// painted is how long rows take to get onto the screen.
	painted = 100 * time.Millisecond
	// quiet is how long the log rests before what came in is verified.
	quiet = 1500 * time.Millisecond
)

// view is the window's content and what it shows.
type view struct {
	host   *kit.Host
	keeper Keeper

	rows     rows
	profiles map[string]string  // names by id
	past     []auth.PastProfile // as of when the window was opened
	chosen   uint64             // number of the selected event; 0 if none

	filter  *filter
	table   *kit.List
	chart   *chart
	tally   tally
	details *details
	export  *exporter
	badge   *badge
	follow  *widget.Check
	status  *widget.Label
	empty   *kit.Empty

	cancelPage    func() // stops the load under way
	cancelSummary func()
	stopVerify    func()         // calls off the verification to come
	noticed       verify.Problem // what the notice has shown already
	filtering     int            // counts the changes of the filters
	above         int            // rows that came in above while the user read
	target        uint64         // number of the event to jump to; 0 if none
	failed        bool           // the notice says why events could not be loaded
	loading       bool           // of another page
	loaded        bool           // the first page is there
	verified      bool           // the first verification has begun
}

// Show builds the window's content in h and starts loading. A nil write hides
// the export.
func Show(h *kit.Host, k Keeper, write Export) {
	v := newView(h, k, write)
	h.SetTitle(v.title())
	h.Window.SetContent(v.layout())
	h.Window.Resize(fyne.NewSize(1180, 720))
	v.start()
}

func newView(h *kit.Host, k Keeper, write Export) *view {
	nothing := func() {}
	v := &view{
		host: h, keeper: k, profiles: map[string]string{},
		cancelPage: nothing, cancelSummary: nothing, stopVerify: nothing,
	}
	v.filter = newFilter(h.Keys, h.Tasks, v.reload)
	v.table = kit.NewList(func() int { return v.rows.len() },
		func() fyne.CanvasObject { return newRow() },
		func(i int, o fyne.CanvasObject) { v.updateRow(i, o.(*row)) }, v.choose)
	v.table.HideSeparators = true
	v.details = newDetails(h, v.jump)
	v.chart = newChart(h, v.filter.narrow)
	v.follow = widget.NewCheck(lang.L("Follow"), v.followChanged)
	v.follow.Checked = true
	v.export = newExporter(v, write)
	v.badge = newBadge(v.verify)
	v.status = widget.NewLabel("")
	v.status.Importance, v.status.SizeName = widget.LowImportance, theme.SizeNameCaptionText
	v.empty = kit.NewEmpty(lang.L("Show all events"), v.filter.clear)

	focusTable := func() { h.Window.Canvas().Focus(v.table) }
	v.filter.search.OnDown = focusTable
	v.filter.search.OnSubmitted = func(string) { focusTable() }
	v.filter.search.OnEscape = func() {
		if v.filter.search.Text == "" {
			focusTable()
			return
		}
		v.filter.search.SetText("")
	}
	v.chart.OnEscape = focusTable
	v.table.OnEscape = func() { // once for the filters, then for the selection
		if v.filter.active() {
			v.filter.clear()
			return
		}
		v.unchoose()
	}
	h.Keys.Bind(fyne.KeyF, func() { h.Window.Canvas().Focus(v.filter.search) })
	if write != nil {
		h.Keys.Bind(fyne.KeyE, v.export.open)
	}
	h.Keys.Bind(fyne.KeyR, func() { v.reload(); v.verify() })
	return v
}

func (v *view) layout() fyne.CanvasObject {
	export := widget.NewButtonWithIcon(lang.L("Export…"), theme.DownloadIcon(), v.export.open)
	export.Hidden = v.export.write == nil
	top := kit.Inset(8, 14, container.NewVBox(
		container.NewBorder(nil, nil, kit.Heading(lang.L("Audit log")), container.NewHBox(v.badge.box, v.follow, export)),
		v.filter.box,
		v.chart.box(),
	))
	header := kit.NewPane(theme.ColorNameHeaderBackground, newHeader())
	list := container.NewBorder(header, nil, nil, nil, container.NewStack(v.table, v.empty.Box))
	panes := container.NewHSplit(kit.NewPane(kit.ColorSurface, list), container.NewStack(v.details.box, v.export.box))
	panes.SetOffset(0.7)
	bottom := container.NewVBox(kit.Inset(0, 14, v.host.Notice), kit.Inset(-4, 10, v.status))
	return container.NewBorder(top, bottom, nil, nil, panes)
}

// start asks for the first rows before anything else: they are what the user
// waits for. The summary comes after them, and the verification last: both read
// the whole log.
func (v *view) start() {
	v.host.Window.Canvas().Focus(v.table)
	v.loadProfiles() // one small file, and so the rows have names at once
	v.reload()
	v.host.Tasks.Follow(v.keeper.Watch, v.changed, v.host.Notice.Error)
	v.host.Tasks.Every(30*time.Second, v.tick)
}

// profileName returns the name of the profile of an event. What a deleted one
// was called is remembered for events that do not say it.
func (v *view) profileName(e audit.Event) string {
	name := text.Line(e.ProfileName(v.profiles), 60)
	if name != "" && name != e.Profile {
		v.profiles[e.Profile] = name
	}
	return name
}

func (v *view) updateRow(i int, r *row) {
	if i >= v.rows.len() {
		return // Fyne may ask for a row of before a reload
	}
	if e, ok := v.rows.at(i); ok {
		r.show(v.host, e, v.profileName(e))
	} else {
		r.clear()
	}
	if _, ok := v.rows.missing(i-ahead, i+ahead); ok && !v.loading {
		v.host.Tasks.Soon(v.fetch) // not now: the list is being laid out
	}
}

func (v *view) choose(i int) {
	e, ok := v.rows.at(i)
	if !ok { // shown once its page is there
		v.chosen = 0
		v.details.none()
		return
	}
	v.chosen = e.Seq
	v.details.show(e, v.profileName(e))
}

func (v *view) unchoose() {
	v.chosen = 0
	v.table.Shift(-1)
	v.details.none()
}

// keepChoice selects the event that was selected before the rows changed. It
// stays in the details pane even if the filters hide its row.
func (v *view) keepChoice() {
	if i := v.rows.index(v.chosen); v.chosen != 0 && i >= 0 {
		v.table.Shift(i)
	}
}

// refresh repaints the table, its empty state, the status line and the title.
func (v *view) refresh() {
	v.table.Refresh()
	if i := v.table.Selected(); i >= 0 && v.chosen == 0 {
		v.choose(i) // its page came just now
	}
	n := v.rows.len()
	switch {
	case !v.loaded || n > 0:
		v.empty.Box.Hide()
	case v.filter.active():
		v.empty.Say(lang.L("No event matches"), lang.L("Nothing in the log fits these filters."), true)
	default:
		v.empty.Say(lang.L("Nothing has happened yet"),
			lang.L("Every login, refresh and revocation will be written down here, from the first one on."), false)
	}
	count := map[string]any{"Count": kit.Number(n)}
	text := ""
	switch {
	case n == 0:
	case !v.rows.counted:
		text = lang.L("Newest {{.Count}} events shown; counting the older ones…", count)
	default:
		text = lang.N("{{.Count}} events, newest first", n, count)
	}
	if v.above > 0 {
		text += " · " + lang.N("{{.Count}} new above", v.above, map[string]any{"Count": kit.Number(v.above)})
	}
	v.status.SetText(text)
	v.host.SetTitle(v.title())
}

// title names the window and, once rows are there, how many events were ever
// written down.
func (v *view) title() string {
	title := lang.L("Audit log")
	if newest := int(v.rows.newest()); newest > 0 && !v.filter.active() {
		title += " — " + lang.N("{{.Count}} events recorded", newest, map[string]any{"Count": kit.Number(newest)})
	}
	return title
}

// following reports whether the table stays at the newest events.
func (v *view) following() bool { return v.follow.Checked }

func (v *view) followChanged(on bool) {
	if on {
		v.above = 0
		v.table.ScrollToTop()
		v.refresh()
	}
}

// drawChart arranges the tally over the time that the filter leaves.
func (v *view) drawChart() {
	now := v.host.Now().In(v.host.Location)
	q := v.query(0)
	from, to := q.Since, q.Until
	if to.IsZero() {
		to = now
		if v.tally.to.After(to) { // a clock that was set back
			to = v.tally.to.In(v.host.Location).Add(1)
		}
	}
	if from.IsZero() {
		from = v.tally.from.In(v.host.Location)
		if v.tally.from.IsZero() {
			from = now
		}
		from = from.Add(-max(0, leastBars*time.Minute-to.Sub(from)))
	}
	v.chart.show(v.tally.bars(from.In(v.host.Location), to), v.tally.all)
}

// tick keeps "3 min ago" true.
func (v *view) tick() {
	v.details.tick()
	v.drawChart()
}
