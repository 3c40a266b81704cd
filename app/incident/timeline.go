package incident

import (
	"maps"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// timeline collects a report's events.
type timeline struct {
	report   *Report
	names    map[string]string
	ids      map[string]bool // of the alerts
	evidence map[uint64]bool
	everyone bool // it is about all profiles

	events   []audit.Event
	notified bool // the log says when the user was notified
}

// actions are the events in which somebody did something about it.
var actions = []string{
	audit.TokensRevoked, audit.LoginSucceeded, audit.ClaimsAccepted, audit.AlertAcknowledged, audit.ProfileDeleted, audit.CredentialStored,
	audit.ConfigWritten, audit.ConfigRemoved, audit.PermissionsFixed, audit.LogRecovered, audit.LogAccepted, audit.LogExported, audit.IncidentOpened,
}

// noise are events that say no more than that all is as usual.
var noise = map[string]bool{audit.KeychainAccess: true, audit.KeychainSave: true, audit.CertificateSeen: true}

// add takes the next event of the log.
func (t *timeline) add(e audit.Event) {
	mine := t.evidence[e.Seq]
	if id, ok := e.Data["alert"].(string); ok && t.ids[id] {
		mine = true
		if e.Name == audit.SecurityAlert && !t.notified {
			t.report.Found, t.notified = e.Time.UTC(), true
		}
	}
	if !mine && (e.Time.Before(t.report.Since) || noise[e.Name] || !t.concerns(e.Profile)) {
		return
	}
	t.events = append(t.events, e)
}

// concerns reports whether a profile's events belong here. What is about none
// always does.
func (t *timeline) concerns(id string) bool {
	return id == "" || t.everyone || slices.ContainsFunc(t.report.Alerts, func(a alert.Alert) bool { return a.Profile == id })
}

// finish writes the entries.
func (t *timeline) finish() {
	r := t.report
	profiles := map[string]bool{}
	for _, e := range t.events { // a deleted profile's alert and events must not count as two profiles
		if name := e.ProfileName(t.names); name != e.Profile && e.Profile != "" && t.names[e.Profile] == "" {
			t.names[e.Profile] = name
		}
	}
	for _, a := range r.Alerts {
		if a.Profile != "" {
			profiles[printable(audit.Event{Profile: a.Profile}.ProfileName(t.names))] = true
		}
	}
	// What was done before anything was odd is no answer to it.
	begin := uint64(0)
	if len(t.evidence) > 0 {
		begin = slices.Min(slices.Collect(maps.Keys(t.evidence)))
	}
	drop := len(t.events) - maxTimeline
	for _, e := range t.events {
		entry := t.entry(e)
		if slices.Contains(actions, e.Name) && !entry.Failed && e.Seq >= begin {
			act := entry
			act.Event = audit.WordingOf(e.Name).Words
			r.Actions = append(r.Actions, act)
		}
		if t.everyone && entry.Profile != "" {
			profiles[entry.Profile] = true
		}
		if drop > 0 && !entry.Evidence {
			drop--
			r.Omitted++
			continue
		}
		r.Timeline = append(r.Timeline, entry)
	}
	r.Profiles = slices.Sorted(maps.Keys(profiles))
}

func (t *timeline) entry(e audit.Event) Entry {
	return Entry{
		Seq: e.Seq, Time: e.Time.UTC(), Profile: printable(e.ProfileName(t.names)), Event: printable(e.Name), Failed: e.Outcome == audit.Failed,
		Data: describe(e), Evidence: t.evidence[e.Seq],
	}
}

// address is an e-mail address, or what looks like one.
var address = text.Pattern(`[^\s"'<>=,;:]+@[^\s"'<>=,;:]+`)

// foreign are the members that are shown of another program's event, in which an
// account may stand anywhere.
var foreign = []string{"original_event", "original_time", "type", "severity"}

// describe writes the data of an event on one line. Accounts are left out: a
// report is passed on.
func describe(e audit.Event) string {
	line := text.Pairs(e.Data, maxText, func(key string) bool {
		return key == "name" || strings.Contains(key, "account") || e.Name == audit.ImportedEvent && !slices.Contains(foreign, key)
	})
	return plain(address().ReplaceAllString(line, "[address]"))
}

const maxText = 200 // characters of a text that somebody else may have chosen

// printable is such a text on one line, to stand between back quotes.
func printable(s string) string { return plain(text.Line(s, maxText)) }

func plain(s string) string { return strings.ReplaceAll(s, "`", "'") }
