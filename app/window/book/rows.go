//go:build !lean

package book

import (
	"slices"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// rows are the events loaded so far, newest first. More of the log is loaded
// page by page, so that a log of a million lines opens as fast as a short one.
type rows struct {
	events []audit.Event
	more   bool // the log has older events that match
}

// replace starts over with the first page.
func (r *rows) replace(page []audit.Event, limit int) {
	r.events, r.more = page, len(page) >= limit
}

// prepend puts the events of page that are newer than all others on top and
// returns how many there were. It returns false, and changes nothing, if the page
// does not reach back to what is loaded: then there is a gap to fill.
func (r *rows) prepend(page []audit.Event, limit int) (added int, joined bool) {
	if len(r.events) > 0 {
		top := r.events[0].Seq
		added = slices.IndexFunc(page, func(e audit.Event) bool { return e.Seq <= top })
	} else {
		added = -1
	}
	if added < 0 {
		if len(page) >= limit {
			return 0, false
		}
		added = len(page)
	}
	if added > 0 {
		r.events = slices.Concat(page[:added], r.events)
	}
	return added, true
}

// append adds the events of page that are older than all others, and returns how
// many there were. Full says that the page held as many events as were asked for.
func (r *rows) append(page []audit.Event, full bool) int {
	page = r.older(page)
	r.events = append(r.events, page...)
	r.more = full
	return len(page)
}

// older returns the events of page that are older than all that are loaded.
func (r *rows) older(page []audit.Event) []audit.Event {
	if len(r.events) == 0 {
		return page
	}
	bottom := r.events[len(r.events)-1].Seq
	return slices.DeleteFunc(slices.Clone(page), func(e audit.Event) bool { return e.Seq >= bottom })
}

// index returns where the event with that number is, or -1.
func (r *rows) index(seq uint64) int {
	// Newest first: the numbers fall.
	i, ok := slices.BinarySearchFunc(r.events, seq, func(e audit.Event, seq uint64) int {
		switch {
		case e.Seq > seq:
			return -1
		case e.Seq < seq:
			return 1
		}
		return 0
	})
	if !ok {
		return -1
	}
	return i
}
