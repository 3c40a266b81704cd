//go:build !lean

package auditlog

import (
	"strconv"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// jump shows the event with that number among its neighbours, wherever it is in
// the log. Filters would hide the neighbours, so they are cleared.
func (v *view) jump(seq uint64) {
	v.follow.SetChecked(false)
	v.target = seq
	if v.filter.active() {
		v.filter.clear() // and with it comes a summary, which calls reachTarget
		return
	}
	v.reachTarget()
}

// reachTarget goes on with a jump once what it waits for is there.
func (v *view) reachTarget() {
	if v.target == 0 || v.filter.active() {
		return
	}
	if i := v.rows.index(v.target); i >= 0 {
		v.target = 0
		v.table.Highlight(i)
		v.table.Select(i)
		v.host.Window.Canvas().Focus(v.table)
		return
	}
	n := v.rows.pageOf(v.target)
	if !v.rows.counted || n < 0 || len(v.rows.pages[n]) > 0 {
		if v.rows.counted {
			v.target = 0 // pruned, or a line that cannot be read
		}
		return
	}
	v.table.ScrollToOffset(float32(len(v.rows.head)+n*pageSize) * v.table.Pitch())
	v.host.Tasks.Soon(v.fetch)
}

// evidence returns the line that an event about other events begins with: the
// first one behind an alert, or the last one that a seal covers.
func evidence(e audit.Event) uint64 {
	if id, ok := e.Data["alert"].(string); ok {
		seq, _ := strconv.ParseUint(id[strings.LastIndex(id, "-")+1:], 10, 64)
		return seq
	}
	if through, ok := e.Data["through"].(float64); ok && e.Name == audit.Sealed && through >= 1 {
		return uint64(through)
	}
	return 0
}
