package audit

import (
	"os"
	"path/filepath"
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

// owed is what the next append has to say of lost events.
type owed struct {
	marks  []string
	memory int64
}

// lost returns what is owed, of the marks in the folder. The lock is held.
func (w *writer) lost(marks []string) owed {
	return owed{marks: marks[:min(len(marks), mostLost)], memory: w.forgotten.Load()}
}

func (o owed) count() int { return len(o.marks) + int(o.memory) }

// said removes what was written down.
func (w *writer) said(o owed) {
	w.forgotten.Add(-o.memory)
	for _, name := range o.marks {
		_ = os.Remove(filepath.Join(w.p.Dir, name))
	}
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
