package audit

import (
	"os"
	"strconv"
)

const (
	lostPrefix = "lost."
	lostCount  = "count" // member of an events_lost event's data
	// mostLost bounds how many marks one append counts and removes.
	mostLost = 1000
)

// Lost counts an event that happened and that Append could not write. The next
// append says how many there were, whichever process makes it: the count is
// kept as one empty file for each in the audit folder, so that it needs no lock
// and outlives this process; where that fails, it is kept in memory.
func (l *Log) Lost() {
	f, err := os.CreateTemp(l.p.Dir, lostPrefix+strconv.Itoa(l.p.PID)+".*")
	if err != nil {
		l.forgotten.Add(1)
		return
	}
	_ = f.Close()
}

// lostEvents is what a line says of lost events, if it is about them.
func (f frame) lostEvents() uint64 {
	if string(rawName(f.bytes)) != EventsLost {
		return 0
	}
	e, err := f.decode()
	n, ok := e.Data[lostCount].(float64)
	if err != nil || !ok || n < 1 || n > maxSeq {
		return 0
	}
	return uint64(n)
}
