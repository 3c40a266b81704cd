package migrate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

const (
	maxEvents = 2000 // the old program keeps a hundred
)

// Event is a line of the old program's log.
type Event struct {
	// ID tells it from every other line, so that a second import skips it: a
	// hash of what it says, and for lines that say the same a count of them.
	ID      string
	Time    time.Time // UTC; zero if the line has none
	Name    string
	Profile string         // as the old program calls it, or ""
	Data    map[string]any // plain words, numbers and booleans
	Flat    bool           // they stood beside the timestamp and not in data
}

// parseAudit reads .auth_audit.json: an array of {timestamp, event, data}, of
// which the newest 2000 count; what stands beside data is taken like what is in
// it. Only the members are taken that say what happened, and the others named in
// the notes: they may tell of a person, and the old log has the last eight
// characters of refresh tokens.
func parseAudit(data []byte, local *time.Location) (Document, error) {
	var entries []json.RawMessage
	if err := json.Unmarshal(data, &entries); err != nil {
		return Document{}, damaged(data, err)
	}
	d := Document{Format: AuthAudit}
	if n := len(entries) - maxEvents; n > 0 {
		d.Notes = append(d.Notes, fmt.Sprintf("the oldest %d of %d events are left out", n, len(entries)))
		entries = entries[n:]
	}
	seen, left := map[string]int{}, map[string]bool{}
	bad := 0
	for _, raw := range entries {
		e, ok := auditEvent(raw, local, left)
		if !ok {
			bad++
			continue
		}
		seen[e.ID]++
		if n := seen[e.ID]; n > 1 {
			e.ID = fmt.Sprintf("%s-%d", e.ID, n)
		}
		d.Events = append(d.Events, e)
	}
	if len(entries) > 0 && !slices.ContainsFunc(d.Events, func(e Event) bool { return !e.Time.IsZero() }) {
		return Document{}, hint.Wrap(fmt.Errorf("%w: its entries have no timestamp and event", ErrUnknown),
			"name the .auth_audit.json of the Spotify server")
	}
	if bad > 0 {
		d.Notes = append(d.Notes, fmt.Sprintf("left out: %d with no event, or with a timestamp that is none", bad))
	}
	if names := slices.Sorted(maps.Keys(left)); len(names) > 0 {
		d.Notes = append(d.Notes, "left out, since it may tell of a person or a token: "+strings.Join(names[:min(len(names), 9)], ", "))
	}
	slices.SortStableFunc(d.Events, func(a, b Event) int { return a.Time.Compare(b.Time) })
	return d, nil
}

// eventMembers are what an event is about; none of them names a person. Those
// behind the first ten tell no event from another, so that a file that was imported
// before there were more is known again.
var eventMembers = []string{
	"type", "severity", "storage", "reason", "error", "status", "success", "attempts", "count", "expires_at",
	"message", "timestamp",
}

// auditEvent reads an entry and adds the names of what it does not take to left.
func auditEvent(raw json.RawMessage, local *time.Location, left map[string]bool) (Event, bool) {
	var entry struct {
		Timestamp string         `json:"timestamp"`
		Event     string         `json:"event"`
		Data      map[string]any `json:"data"`
	}
	all := map[string]any{}
	if json.Unmarshal(raw, &entry) != nil || json.Unmarshal(raw, &all) != nil || !plainName(entry.Event) {
		return Event{}, false
	}
	t, ok := isoTime(entry.Timestamp, local)
	if _, has := all["timestamp"]; has && !ok {
		return Event{}, false
	}
	e := Event{Time: t, Name: entry.Event, Data: map[string]any{}, Flat: all["data"] == nil}
	e.take(entry.Data, eventMembers[:10])
	e.ID = eventID(entry.Timestamp, e)
	for _, own := range []string{"timestamp", "event", "data"} {
		delete(all, own)
	}
	maps.Copy(all, entry.Data)
	profile, _ := all["profile"].(string)
	e.Profile = shown(profile)
	e.take(all, eventMembers)
	for name := range all {
		if _, taken := e.Data[name]; !taken && name != "profile" {
			left[shown(name)] = true
		}
	}
	return e, true
}

// take takes the members that can hold neither a token nor a person's name.
func (e *Event) take(all map[string]any, members []string) {
	for _, name := range members {
		switch v := all[name].(type) {
		case string:
			if plainName(v) || name == "message" && plainWords(v) {
				e.Data[name] = v
			}
		case bool, float64:
			e.Data[name] = v
		}
	}
}

// plainWords reports whether a sentence names no file or address and holds nothing
// that a machine made up.
func plainWords(s string) bool {
	return s == text.Line(s, 200) && !strings.ContainsAny(s, `@/\`) && !slices.ContainsFunc(strings.Fields(s), func(word string) bool {
		return len(word) > 40 || len(word) >= 16 && strings.ContainsAny(word, "0123456789")
	})
}

func plainName(s string) bool {
	return s != "" && len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-' && r != '.'
	}) < 0
}

func eventID(timestamp string, e Event) string {
	h := sha256.New()
	data, _ := json.Marshal(e.Data) // sorted by name
	_, _ = fmt.Fprintf(h, "%q\n%q\n%s", timestamp, e.Name, data)
	return hex.EncodeToString(h.Sum(nil))[:16]
}
