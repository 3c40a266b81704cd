//go:build !lean

package auditlog

import (
	"context"
	"maps"
	"slices"

	"fyne.io/fyne/v2/lang"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// reload asks for the newest events that match the filters, and gives up what
// was asked before.
func (v *view) reload() {
	v.cancelPage()
	v.cancelSummary()
	v.filtering++
	v.loading = false
	q := v.query(pageSize)
	v.cancelPage = kit.Load(v.host.Tasks, func(ctx context.Context) ([]audit.Event, error) {
		return v.keeper.Events(ctx, q)
	}, func(page []audit.Event, err error) {
		if v.report(err) {
			return
		}
		v.rows.replace(page)
		v.above = 0
		v.table.Shift(-1)
		v.table.ScrollToTop()
		v.keepChoice()
		v.loaded = true
		v.refresh()
		v.host.Tasks.Soon(v.summariseSoon)
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

// summariseSoon summarises once the rows are on the screen. On a busy machine with few
// cores it would otherwise keep them from it.
func (v *view) summariseSoon() {
	v.cancelSummary()
	v.cancelSummary = v.host.Tasks.After(painted, v.summarise)
}

// summarise finds out how much there is beyond the first page. The verification
// reads the whole log as well and waits for it.
func (v *view) summarise() {
	asked, q := v.filtering, v.query(0)
	if base := v.rows.base(); base > 0 {
		q.Before = base + 1
	}
	v.cancelSummary = kit.Load(v.host.Tasks, func(ctx context.Context) (summary, error) {
		return summarise(ctx, v.keeper, q)
	}, func(s summary, err error) {
		if asked != v.filtering || v.report(err) {
			return
		}
		v.rows.count(s.cursors, s.total)
		v.tally = s.tally
		for _, e := range v.rows.head { // came in meanwhile
			v.tally.add(audit.Summary{Seq: e.Seq, Time: e.Time, Name: e.Name, Failed: e.Outcome == audit.Failed})
		}
		v.refresh()
		v.drawChart()
		v.reachTarget()
		if !v.verified {
			v.verified = true
			v.loadFormer()
			v.verify()
		}
	})
}

// changed fetches what is new since the last look.
func (v *view) changed() {
	v.loadProfiles()
	v.badge.stale()
	v.verifySoon()
	asked := v.filtering
	q := v.query(pageSize)
	kit.Load(v.host.Tasks, func(ctx context.Context) ([]audit.Event, error) {
		return v.keeper.Events(ctx, q)
	}, func(page []audit.Event, err error) {
		if v.report(err) {
			return
		}
		if asked != v.filtering { // the filters changed meanwhile, and have a load of their own
			return
		}
		added, joined := v.rows.prepend(page)
		switch {
		case !joined: // more than a page at once
			v.reload()
			return
		case added == 0:
			return
		}
		for _, e := range page[:added] {
			v.tally.add(audit.Summary{Seq: e.Seq, Time: e.Time, Name: e.Name, Failed: e.Outcome == audit.Failed})
		}
		v.shift(added)
		v.refresh()
		v.drawChart()
	})
}

// shift keeps the selection and, unless the table follows the newest events,
// what is in view where they are while rows come in above.
func (v *view) shift(added int) {
	offset := v.table.GetScrollOffset()
	if v.table.Selected() >= 0 {
		v.table.Shift(v.table.Selected() + added)
	}
	v.table.Refresh()
	if offset > 0 && v.following() {
		v.follow.SetChecked(false) // the user has scrolled away to read
	}
	if !v.following() {
		v.above += added
		v.table.ScrollToOffset(offset + float32(added)*v.table.Pitch())
	}
}

// fetch loads the first page that is in view and not in memory, and the next
// one after that.
func (v *view) fetch() {
	if v.loading || !v.loaded {
		return
	}
	from, to := v.inView()
	n, ok := v.rows.missing(from-ahead, to+ahead)
	if !ok {
		return
	}
	v.loading = true
	before := v.rows.cursors[n]
	q := v.query(pageSize)
	q.Before = before
	v.cancelPage = kit.Load(v.host.Tasks, func(ctx context.Context) ([]audit.Event, error) {
		return v.keeper.Events(ctx, q)
	}, func(page []audit.Event, err error) {
		v.loading = false
		if v.report(err) {
			return
		}
		// New events above may have made it another page meanwhile.
		if n := slices.Index(v.rows.cursors, before); n >= 0 {
			v.rows.put(n, page)
		}
		v.refresh()
		v.reachTarget()
		v.host.Tasks.Soon(v.fetch)
	})
}

// inView returns the first and the last row that the user sees.
func (v *view) inView() (from, to int) {
	from = int(v.table.GetScrollOffset() / v.table.Pitch())
	return from, from + int(v.table.Size().Height/v.table.Pitch())
}

func (v *view) query(limit int) audit.Query {
	return v.filter.query(v.host.Now().In(v.host.Location), limit)
}

func (v *view) loadProfiles() {
	kit.Try(v.host, v.keeper.ProfileNames, func(names map[string]string) {
		maps.Copy(v.profiles, names)
		v.filter.setProfiles(names, v.former(names))
		v.refresh()
	})
}

// loadFormer finds out which profiles there were.
func (v *view) loadFormer() {
	kit.Try(v.host, v.keeper.PastProfiles, func(list []auth.PastProfile) {
		v.past = list
		v.loadProfiles()
	})
}

// former are the ids of the profiles that are no more, by each name that they had.
// Any line of the log can add a name, and none takes one away.
func (v *view) former(names map[string]string) map[string][]string {
	ids := map[string][]string{}
	add := func(id, name string) {
		if names[id] == "" && name != "" && !slices.Contains(ids[name], id) {
			ids[name] = append(ids[name], id)
		}
	}
	for _, p := range v.past {
		for _, name := range p.Names {
			add(p.ID, name)
		}
	}
	for id, name := range v.profiles { // deleted while the window is open
		add(id, name)
	}
	return ids
}

// verify reads the whole log and shows what it finds.
func (v *view) verify() {
	shown := 0
	v.check(func(ctx context.Context) (verify.Report, error) {
		return v.keeper.VerifyLog(ctx, func(done, total int64) {
			if total <= 0 {
				return
			}
			// One message per percent: the UI's queue is not for every line.
			if percent := int(100 * done / total); percent > shown {
				shown = percent
				v.host.Tasks.Do(func() { v.badge.checking(percent) })
			}
		})
	})
}

// verifySoon verifies what came in once the log has been quiet for a while.
func (v *view) verifySoon() {
	v.stopVerify()
	if v.verified {
		v.stopVerify = v.host.Tasks.After(quiet, func() { v.check(v.keeper.VerifyIncremental) })
	}
}

func (v *view) check(work func(context.Context) (verify.Report, error)) {
	v.badge.checking(0)
	kit.Load(v.host.Tasks, work, func(r verify.Report, err error) {
		v.badge.result(r, err)
		switch {
		case err != nil:
			v.host.Notice.Error(err)
		case r.OK && v.noticed.Kind != "": // it was accepted or put back
			v.noticed = verify.Problem{}
			if shown, _ := v.host.Notice.Text(); shown == lang.L("The audit log does not verify") {
				v.host.Notice.Clear()
			}
			v.reload()
		case !r.OK && r.Problem != nil && *r.Problem != v.noticed: // once is enough
			v.noticed = *r.Problem
			v.host.Notice.Error(hint.New(lang.L("The audit log does not verify"), r.Problem.Message))
		}
	})
}
