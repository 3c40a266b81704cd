//go:build !lean

package book

import (
	"context"

	"fyne.io/fyne/v2/lang"

	"github.com/stagedoor-app/stagedoor/app/window/stage"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

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
	v.verifySoon()
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

// verify reads the whole log and shows what it finds.
func (v *view) verify() {
	v.badge.checking(0)
	began := v.host.Now()
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
		v.verifyTook = v.host.Now().Sub(began)
		v.badge.result(r, err)
		switch {
		case err != nil:
			v.host.Notice.Error(err)
		case !r.OK && r.Problem != nil && *r.Problem != v.told: // once is enough
			v.told = *r.Problem
			v.host.Notice.Error(hint.New(lang.L("The audit log does not verify"), r.Problem.Message))
		}
	})
}

// verifySoon verifies again once the log has been quiet for a while, if that is
// cheap. A large log is verified again when the user asks.
func (v *view) verifySoon() {
	v.stopVerify()
	if v.loaded && v.verifyTook < cheapVerify {
		v.stopVerify = v.host.Seam.After(quiet, v.verify)
	}
}
