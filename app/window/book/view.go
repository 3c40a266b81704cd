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
	"context"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/keeper"
	"github.com/stagedoor-app/stagedoor/app/window/stage"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Sizes of what is asked for at once.
const (
	firstPage = 200
	nextPage  = 500
	ahead     = 40 // rows from the end at which the next page is fetched
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
	filtering  int    // counts the changes of the filters
	failed     bool   // the notice tells why events could not be loaded
	loading    bool   // of an older page
	loaded     bool   // the first page is there
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
	v := &view{host: h, keeper: k, profiles: map[string]string{}, cancelPage: func() {}}
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

// reload asks for the newest events that match the filters.
func (v *view) reload() {
	v.cancelPage()
	v.filtering++
	v.loading = false
	q := v.query(firstPage)
	v.cancelPage = stage.Load(v.host.Seam, func(ctx context.Context) ([]audit.Event, error) {
		return v.keeper.Events(ctx, q)
	}, func(page []audit.Event, err error) {
		if v.report(err) {
			return
		}
		v.rows.replace(page, firstPage)
		v.table.Shift(-1)
		v.table.ScrollToTop()
		v.keepChoice()
		v.refresh()
		if !v.loaded {
			v.loaded = true
			v.verify()
		}
	})
}

// report shows why events could not be loaded, and takes the message back once
// they can. It reports whether there was an error.
func (v *view) report(err error) bool {
	if err != nil {
		v.host.Notice.Error(err)
	} else if v.failed {
		v.host.Notice.Clear()
	}
	v.failed = err != nil
	return v.failed
}

// changed fetches what is new since the last look.
func (v *view) changed() {
	v.loadProfiles()
	v.badge.stale()
	asked := v.filtering
	q := v.query(firstPage)
	stage.Load(v.host.Seam, func(ctx context.Context) ([]audit.Event, error) {
		return v.keeper.Events(ctx, q)
	}, func(page []audit.Event, err error) {
		if v.report(err) {
			return
		}
		if asked != v.filtering { // the filters changed meanwhile, and have a load of their own
			return
		}
		added, joined := v.rows.prepend(page, firstPage)
		switch {
		case !joined:
			v.rows.replace(page, firstPage)
			v.table.Shift(-1)
			v.keepChoice()
		case added == 0:
			return
		default:
			v.shift(added)
		}
		v.refresh()
	})
}

// shift keeps the selection and what is in view where they are while rows come
// in above. A user at the top sees the new ones.
func (v *view) shift(added int) {
	offset := v.table.GetScrollOffset()
	if v.table.Selected() >= 0 {
		v.table.Shift(v.table.Selected() + added)
	}
	v.table.Refresh()
	if offset > 0 {
		v.table.ScrollToOffset(offset + float32(added)*v.table.Pitch())
	}
}

// older fetches the next page.
func (v *view) older() {
	if v.loading || !v.rows.more || len(v.rows.events) == 0 {
		return
	}
	v.loading = true
	seen := v.rows // only read, and never written in place
	q := v.query(nextPage)
	// Until is exclusive, and events may share a time: ask for that time once
	// more and drop what is known already.
	q.Until = seen.events[len(seen.events)-1].Time.Add(1)
	type result struct {
		page []audit.Event
		full bool
	}
	v.cancelPage = stage.Load(v.host.Seam, func(ctx context.Context) (result, error) {
		for {
			page, err := v.keeper.Events(ctx, q)
			full := len(page) >= q.Limit
			if err != nil || !full || len(seen.older(page)) > 0 {
				return result{page, full}, err
			}
			q.Limit *= 2 // a whole page of one instant: look further
		}
	}, func(r result, err error) {
		v.loading = false
		if v.report(err) {
			return
		}
		v.rows.append(r.page, r.full)
		v.refresh()
	})
}

func (v *view) query(limit int) audit.Query {
	return v.filter.query(v.host.Now().In(v.host.Location), limit)
}

func (v *view) loadProfiles() {
	stage.Load(v.host.Seam, v.keeper.State, func(s auth.State, err error) {
		if err != nil {
			v.host.Notice.Error(err)
			return
		}
		clear(v.profiles)
		for _, p := range s.Profiles {
			v.profiles[p.ID] = p.Name
		}
		v.filter.setProfiles(s.Profiles)
		v.refresh()
	})
}

func (v *view) verify() {
	v.badge.checking(0)
	shown := 0
	stage.Load(v.host.Seam, func(ctx context.Context) (audit.Report, error) {
		return v.keeper.VerifyLog(ctx, func(done, total int64) {
			if total <= 0 {
				return
			}
			// One message per percent: the UI's queue is not for every line.
			if percent := int(100 * done / total); percent > shown {
				shown = percent
				v.host.Seam.Do(func() { v.badge.checking(percent) })
			}
		})
	}, func(r audit.Report, err error) {
		v.badge.result(r, err)
		switch {
		case err != nil:
			v.host.Notice.Error(err)
		case !r.OK && r.Problem != nil:
			v.host.Notice.Error(hint.New(lang.L("The audit log does not verify"), r.Problem.Message))
		}
	})
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
