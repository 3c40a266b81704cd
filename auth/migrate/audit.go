package migrate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

const (
	maxEvents = 2000 // the old program keeps a hundred
)

// Event is a line of the old program's log.
type Event struct {
	// ID tells it from every other line, so that a second import skips it: a
	// hash of what it says, and for lines that say the same a count of them.
	ID      string
	Time    time.Time // UTC
	Name    string
	Profile string         // as the old program calls it, or ""
	Data    map[string]any // plain words, numbers and booleans
}

// parseAudit reads .auth_audit.json: an array of {timestamp, event, data}, of
// which the newest 2000 count. Of data only the members are taken that say what
// happened: others may name a person, and the old log has the last eight
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
	seen := map[string]int{}
	bad := 0
	for _, raw := range entries {
		e, ok := auditEvent(raw, local)
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
	if len(d.Events) == 0 && bad > 0 {
		return Document{}, hint.Wrap(fmt.Errorf("%w: its entries have no timestamp and event", ErrUnknown),
			"name the .auth_audit.json of the Spotify server")
	}
	if bad > 0 {
		d.Notes = append(d.Notes, fmt.Sprintf("%d entries have no timestamp or no event and are left out", bad))
	}
	slices.SortStableFunc(d.Events, func(a, b Event) int { return a.Time.Compare(b.Time) })
	return d, nil
}

// eventMembers are what an event is about; none of them names a person.
var eventMembers = []string{"type", "severity", "storage", "reason", "error", "status", "success", "attempts", "count", "expires_at"}

func auditEvent(raw json.RawMessage, local *time.Location) (Event, bool) {
	var entry struct {
		Timestamp string         `json:"timestamp"`
		Event     string         `json:"event"`
		Data      map[string]any `json:"data"`
	}
	if json.Unmarshal(raw, &entry) != nil || !plainName(entry.Event) {
		return Event{}, false
	}
	t, ok := isoTime(entry.Timestamp, local)
	if !ok {
		return Event{}, false
	}
	e := Event{Time: t, Name: entry.Event, Data: map[string]any{}}
	e.Profile, _ = entry.Data["profile"].(string)
	e.Profile = shown(e.Profile)
	for _, key := range eventMembers {
		switch v := entry.Data[key].(type) {
		case string:
			if plainName(v) {
				e.Data[key] = v
			}
		case bool, float64:
			e.Data[key] = v
		}
	}
	e.ID = eventID(entry.Timestamp, e)
	return e, true
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
