//go:build !lean

package auditlog

import (
	"cmp"
	"slices"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

const (
	pageSize = 200
	// keepPages bounds the memory, whatever the length of the log: 4,800 events
	// are a few megabytes.
	keepPages = 24
)

// rows are the events that match, newest first, as the table numbers them. Only
// some pages of them are in memory. A page is asked for by a cursor: it has the
// newest events with smaller numbers. Numbers never change, so neither do pages
// while new events come in above them.
//
// until the log has been summarised, the table grows page by page as the user
// scrolls; then it has its full length and any page can be asked for.
type rows struct {
	head    []audit.Event // newer than all pages
	cursors []uint64      // of the pages known so far
	pages   map[int][]audit.Event
	total   int  // rows in pages
	counted bool // total is all there are
}

// replace starts over with the newest events.
func (r *rows) replace(page []audit.Event) {
	*r = rows{pages: map[int][]audit.Event{}, cursors: []uint64{0}}
	if len(page) > 0 {
		r.cursors[0] = page[0].Seq + 1
	}
	r.put(0, page)
}

// put takes page n as it was read, and forgets pages far from it.
func (r *rows) put(n int, page []audit.Event) {
	r.pages[n] = page
	if !r.counted && n == len(r.cursors)-1 { // the last one known
		r.total = n*pageSize + len(page)
		r.counted = len(page) < pageSize
		if !r.counted {
			r.cursors = append(r.cursors, page[len(page)-1].Seq)
		}
	}
	for len(r.pages) > keepPages {
		far := n
		for p := range r.pages {
			if distance(p, n) > distance(far, n) {
				far = p
			}
		}
		delete(r.pages, far)
	}
}

func distance(a, b int) int { return max(a, b) - min(a, b) }

// count takes the result of a summary: all the pages' cursors and the number of
// rows in them.
func (r *rows) count(cursors []uint64, total int) {
	if total > 0 {
		r.cursors, r.total, r.counted = cursors, total, true
	}
}

// prepend puts the events of page that are newer than all others on top and
// returns how many there were. It returns false, and changes nothing, if the page
// does not reach back to what is there: then there is a gap to fill.
func (r *rows) prepend(page []audit.Event) (added int, joined bool) {
	top := r.newest()
	added = slices.IndexFunc(page, func(e audit.Event) bool { return e.Seq <= top })
	if added < 0 {
		if len(page) >= pageSize {
			return 0, false
		}
		added = len(page)
	}
	if added > 0 {
		r.head = slices.Concat(page[:added], r.head)
		r.settle()
	}
	return added, true
}

// settle turns the older part of a long head into pages, which can be forgotten.
func (r *rows) settle() {
	for len(r.head) >= 2*pageSize {
		cut := len(r.head) - pageSize
		page := slices.Clone(r.head[cut:])
		r.head = r.head[:cut:cut]
		shifted := map[int][]audit.Event{0: page}
		for n, p := range r.pages {
			shifted[n+1] = p
		}
		r.pages, r.total = shifted, r.total+pageSize
		r.cursors = slices.Insert(r.cursors, 0, page[0].Seq+1)
		r.put(0, page)
	}
}

// len returns the number of rows.
func (r *rows) len() int { return len(r.head) + r.total }

// newest returns the number of the newest event, or 0.
func (r *rows) newest() uint64 {
	switch {
	case len(r.head) > 0:
		return r.head[0].Seq
	case len(r.cursors) > 0 && r.cursors[0] > 0:
		return r.cursors[0] - 1
	}
	return 0
}

// base returns the number of the newest event in the pages: what a summary counts
// from.
func (r *rows) base() uint64 {
	if len(r.cursors) == 0 || r.cursors[0] == 0 {
		return 0
	}
	return r.cursors[0] - 1
}

// at returns the event in row i, or false if it is not in memory.
func (r *rows) at(i int) (audit.Event, bool) {
	if i < 0 || i >= r.len() {
		return audit.Event{}, false
	}
	if i < len(r.head) {
		return r.head[i], true
	}
	i -= len(r.head)
	page := r.pages[i/pageSize]
	if i%pageSize >= len(page) {
		return audit.Event{}, false
	}
	return page[i%pageSize], true
}

// missing returns the first page that rows from to to need and that is not in
// memory; at the end of what is known that is the page after it.
func (r *rows) missing(from, to int) (page int, ok bool) {
	first, last := max(0, from-len(r.head))/pageSize, max(0, to-len(r.head))/pageSize
	for n := first; n <= last && n < len(r.cursors); n++ {
		if _, have := r.pages[n]; !have {
			return n, true
		}
	}
	return 0, false
}

// index returns the row of the event with that number, or -1 if it is not in
// memory.
func (r *rows) index(seq uint64) int {
	if i := find(r.head, seq); i >= 0 {
		return i
	}
	for n, page := range r.pages {
		if i := find(page, seq); i >= 0 {
			return len(r.head) + n*pageSize + i
		}
	}
	return -1
}

// pageOf returns the page that the event with that number is in, if it is in
// any.
func (r *rows) pageOf(seq uint64) int {
	// The cursors fall: the page is the last one whose cursor is above.
	n, _ := slices.BinarySearchFunc(r.cursors, seq, func(c, seq uint64) int {
		if c > seq {
			return -1
		}
		return 1
	})
	return n - 1
}

// find returns where the event with that number is, or -1. Numbers fall.
func find(events []audit.Event, seq uint64) int {
	i, ok := slices.BinarySearchFunc(events, seq, func(e audit.Event, seq uint64) int { return cmp.Compare(seq, e.Seq) })
	if !ok {
		return -1
	}
	return i
}
