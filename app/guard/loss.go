package guard

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Why the user is asked.
type Why string

// The reasons.
const (
	Gone   Why = "gone"   // an entry alone is gone: it may have been the user
	Lost   Why = "lost"   // the client wiped it, and the setting says to ask
	Again  Why = "again"  // the client goes on wiping it
	Failed Why = "failed" // it could not be put back
	Others Why = "others" // Stagedoor's are back, and other servers are gone
)

// Loss is what the user is asked about one client.
type Loss struct {
	Client  string   // id
	Name    string   // for people
	Entries []string // that are gone
	Why     Why
}

// Open are the losses that wait for an answer, as a folder of a Guard has them.
func Open(dir string) (list []Loss) {
	for _, c := range clients.All() {
		if m := load(filepath.Join(dir, c.ID+memoryFile)); m != nil && len(m.Missing) > 0 {
			list = append(list, Loss{c.ID, c.Name, m.Missing, m.Why})
		}
	}
	return list
}

// Open are the losses that wait for an answer.
func (g *Guard) Open() []Loss { return Open(g.Dir) }

// Changed signals that Open may be another than before.
func (g *Guard) Changed() <-chan struct{} { return g.changed }

// Title says what is gone, in a line.
func (l Loss) Title() string {
	if l.Why == Others {
		return fmt.Sprintf("%s lost other servers: %s", l.Name, names(l.Entries))
	}
	return fmt.Sprintf("%s lost %s", l.Name, names(l.Entries))
}

// Words say what is known about it, in a sentence.
func (l Loss) Words() string {
	switch l.Why {
	case Gone:
		return "It is gone from the config and the other servers are there. Stagedoor did not take it out"
	case Again:
		return fmt.Sprintf("%s has wiped its config %d times within an hour, so Stagedoor stopped putting it back", l.Name, restores+1)
	case Failed:
		return "The config was wiped, and putting it back did not work"
	case Others:
		return "They were wiped together with Stagedoor's, which are back"
	default:
		return "The config was wiped"
	}
}

// notice is the notification that asks.
func (l Loss) notice() (title, body string) {
	return l.Title(), l.Words() + ". Stagedoor's menu has: put back, or leave out."
}

// restored is the notification about entries that are back, while others are not.
func restored(c clients.Client, back, others []string) (title, body string) {
	body = fmt.Sprintf("Stagedoor put %s back. To use it: %s.", names(back), c.Reload)
	if len(others) > 0 {
		body += fmt.Sprintf(" Also gone: %s; Stagedoor's menu puts them back.", names(others))
	}
	return c.Name + " lost its servers", body
}

// names are some names of entries, for people.
func names(list []string) string {
	const shown = 3
	var out []string
	for _, name := range slices.Sorted(slices.Values(list)) {
		out = append(out, text.Name(name))
	}
	if rest := len(out) - shown; rest > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(out[:shown], ", "), rest)
	}
	return strings.Join(out, ", ")
}
