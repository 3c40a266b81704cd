//go:build !lean

// Package book is the window on the audit log: a table of events, newest first,
// with filters, the details of one event, and whether the log verifies.
//
// The table holds only the rows that are visible, and the events are loaded page
// by page as the user scrolls, so the window opens as fast on a million events as
// on ten. New events appear on top as they happen, without moving the selection.
//
// All of it belongs to the UI goroutine; the keeper is asked through stage.Load.
package book

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/keeper"
	"github.com/stagedoor-app/stagedoor/app/window/stage"
	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// Sizes of what is asked for at once.
const (
	firstPage = 200
	nextPage  = 500
	ahead     = 40 // rows from the end at which the next page is fetched
)

// When to verify again by itself after a change.
const (
	quiet       = 1500 * time.Millisecond
	cheapVerify = 500 * time.Millisecond
)

// view is the window's content and what it shows.
type view struct {
	host   *stage.Host
	keeper keeper.Book

	rows     rows
	profiles map[string]string // names by id
	chosen   uint64            // number of the selected event; 0 if none

	filter  *filter
	table   *stage.List
	details *details
	badge   *badge
	status  *widget.Label
	empty   *emptyState

	cancelPage func() // stops the load under way
	stopVerify func() // calls off the verification to come
	verifyTook time.Duration
	told       audit.Problem // what the notice has shown already
	filtering  int           // counts the changes of the filters
	failed     bool          // the notice tells why events could not be loaded
	loading    bool          // of an older page
	loaded     bool          // the first page is there
}

// Show builds the window's content in h and starts loading.
func Show(h *stage.Host, k keeper.Book) {
	v := newView(h, k)
	h.Window.SetTitle(lang.L("Audit log") + " — Stagedoor")
	h.Window.SetContent(v.layout())
	h.Window.Resize(fyne.NewSize(1180, 720))
	v.start()
}

func newView(h *stage.Host, k keeper.Book) *view {
	v := &view{host: h, keeper: k, profiles: map[string]string{}, cancelPage: func() {}, stopVerify: func() {}}
	v.filter = newFilter(h.Keys, h.Seam, v.reload)
	v.table = stage.NewList(func() int { return len(v.rows.events) },
		func() fyne.CanvasObject { return newRow() },
		func(i int, o fyne.CanvasObject) { v.updateRow(i, o.(*row)) }, v.choose)
	v.table.HideSeparators = true
	v.details = newDetails(h)
	v.badge = newBadge(v.verify)
	v.status = widget.NewLabel("")
	v.status.Importance, v.status.SizeName = widget.LowImportance, theme.SizeNameCaptionText
	v.empty = newEmptyState(v.filter.clear)

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
	v.table.OnEscape = func() { // once for the filters, then for the selection
		if v.filter.active() {
			v.filter.clear()
			return
		}
		v.unchoose()
	}
	h.Keys.Bind(fyne.KeyF, func() { h.Window.Canvas().Focus(v.filter.search) })
	h.Keys.Bind(fyne.KeyR, func() { v.reload(); v.verify() })
	return v
}

func (v *view) layout() fyne.CanvasObject {
	top := stage.Inset(8, 14, container.NewVBox(
		container.NewBorder(nil, nil, stage.Heading(lang.L("Audit log")), v.badge.box),
		v.filter.box,
		v.host.Notice,
	))
	header := stage.NewPane(theme.ColorNameHeaderBackground, newHeader())
	list := container.NewBorder(header, nil, nil, nil, container.NewStack(v.table, v.empty.box))
	panes := container.NewHSplit(stage.NewPane(stage.ColorSurface, list), v.details.box)
	panes.SetOffset(0.7)
	return container.NewBorder(top, stage.Inset(-4, 10, v.status), nil, nil, panes)
}

// start asks for the first rows before anything else: they are what the user
// waits for. The verification reads the whole log and comes last.
func (v *view) start() {
	v.host.Window.Canvas().Focus(v.table)
	v.reload()
	v.loadProfiles()
	v.host.Seam.Follow(v.keeper.Watch, v.changed, v.host.Notice.Error)
	v.host.Seam.Every(30*time.Second, v.tick)
}

// profileName returns the name of the profile of an event. A deleted profile is
// known by its id alone.
func (v *view) profileName(id string) string {
	if name, ok := v.profiles[id]; ok {
		return name
	}
	return id
}

func (v *view) updateRow(i int, r *row) {
	if i >= len(v.rows.events) {
		return // Fyne may ask for a row of before a reload
	}
	e := v.rows.events[i]
	r.show(v.host, e, v.profileName(e.Profile))
	if i >= len(v.rows.events)-ahead && v.rows.more && !v.loading {
		v.host.Seam.Soon(v.older) // not now: the list is being laid out
	}
}

func (v *view) choose(i int) {
	e := v.rows.events[i]
	v.chosen = e.Seq
	v.details.show(e, v.profileName(e.Profile))
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

// refresh repaints the table, its empty state and the status line.
func (v *view) refresh() {
	v.table.Refresh()
	n := len(v.rows.events)
	v.empty.show(v.loaded && n == 0, v.filter.active())
	count := map[string]any{"Count": stage.Number(n)}
	switch {
	case n == 0:
		v.status.SetText("")
	case v.rows.more:
		v.status.SetText(lang.L("Newest {{.Count}} events shown; scroll down for older ones", count))
	default:
		v.status.SetText(lang.N("{{.Count}} events, newest first", n, count))
	}
}

// tick keeps "3 min ago" true.
func (v *view) tick() { v.details.tick() }
