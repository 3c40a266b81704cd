package guard

import (
	"slices"

	"github.com/stagedoor-app/stagedoor/app/clients"
)

// Verdict is what became of a client's file.
type Verdict string

// The verdicts.
const (
	Fine    Verdict = "fine"    // Stagedoor's entries are there, or were taken out through Stagedoor
	Wait    Verdict = "wait"    // the file is not understood: it may be being written
	Wiped   Verdict = "wiped"   // the client, or what befell it, took them away
	Removed Verdict = "removed" // somebody may have taken them out on purpose
)

// Now is a client's file as it is, and what tells a wipe from what a person does.
type Now struct {
	clients.Look

	NoFolder bool // nor is the folder there
	Moved    bool // the file was moved away or is beside its place under another name
	Stale    bool // the client has run since before the entries were written and knows an older file
}

// Decision is what Decide found out.
type Decision struct {
	Verdict      Verdict
	Ours, Others []string // the entries that are gone
}

// Decide compares a file with what is remembered of it. It is pure.
func Decide(m Memory, now Now) Decision {
	wanted := slices.Clone(m.Entries)
	for _, b := range now.Done {
		switch {
		case b.ID <= m.Change:
		case b.Change.After == now.Sum:
			return Decision{Verdict: Fine} // Stagedoor made it what it is
		case b.Change.Action == clients.Remove:
			wanted = slices.DeleteFunc(wanted, func(e clients.Present) bool { return e.Name == b.Change.Entry })
		}
	}
	if !slices.ContainsFunc(wanted, ours) {
		return Decision{Verdict: Fine}
	}
	if now.Broken != nil && !now.Zeros || now.NoFolder {
		return Decision{Verdict: Wait}
	}
	var d Decision
	for _, e := range wanted {
		switch {
		case has(now.Entries, e.Name):
		case e.Ours:
			d.Ours = append(d.Ours, e.Name)
		default:
			d.Others = append(d.Others, e.Name)
		}
	}
	renamed := slices.DeleteFunc(slices.Clone(now.Entries), func(e clients.Present) bool { return !e.Ours || has(m.Entries, e.Name) })
	switch {
	case len(d.Ours) <= len(renamed):
		d.Verdict = Fine
	case now.Moved && !now.Exists:
		d.Verdict = Removed
	case len(now.Entries) == 0, len(d.Others) > 0, now.Stale:
		d.Verdict = Wiped
	default:
		d.Verdict = Removed
	}
	return d
}

func ours(e clients.Present) bool { return e.Ours }

func has(list []clients.Present, name string) bool {
	return slices.ContainsFunc(list, func(e clients.Present) bool { return e.Name == name })
}
