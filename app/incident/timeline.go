package incident

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

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
	everyone bool     // it is about all profiles
	more     []string // names of profiles that it is about, too

	events   []audit.Event
	notified bool // the log says when the user was notified
}

// The events in which somebody did something about it, by the kinds of the policy's
// template.
var (
	containment = []string{audit.TokensRevoked, audit.ProfileDeleted, audit.SecretsRemoved, audit.ConfigRemoved, audit.ClaimsAccepted, audit.AlertAcknowledged, audit.IncidentUpdated}
	remediation = []string{
		audit.LoginSucceeded, audit.CredentialStored, audit.CredentialRotated, audit.ConfigWritten, audit.PermissionsFixed, audit.LogRecovered, audit.LogAccepted,
	}
	prevention = []string{audit.LogExported, audit.SettingsChanged}
)

// noise are events that say no more than that all is as usual.
var noise = map[string]bool{audit.KeychainAccess: true, audit.KeychainSave: true, audit.CertificateSeen: true}

// add takes the next event of the log.
func (t *timeline) add(e audit.Event) {
	mine := t.evidence[e.Seq]
	if id, ok := e.Data["alert"].(string); ok && t.ids[id] {
		mine = true
		told := e.Time
		if e.Name == audit.Carried { // in place of the line that was removed
			told, _ = time.Parse(time.RFC3339, fmt.Sprint(e.Data["told_at"]))
		}
		if (e.Name == audit.SecurityAlert || e.Name == audit.Carried) && !told.IsZero() && (!t.notified || told.Before(t.report.Found)) {
			t.report.Found, t.notified = told.UTC(), true
		}
	}
	if t.concerns(e.Profile) && !e.Time.Before(t.report.Since) {
		t.scope(e)
	}
	if !mine && (e.Time.Before(t.report.Since) || noise[e.Name] || !t.concerns(e.Profile)) {
		return
	}
	t.events = append(t.events, e)
}

// concerns reports whether a profile's events belong here. What is about none
// always does.
func (t *timeline) concerns(id string) bool {
	return id == "" || t.everyone || slices.Contains(t.more, t.names[id]) || slices.ContainsFunc(t.report.Alerts, func(a alert.Alert) bool { return a.Profile == id })
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
	for _, name := range t.more {
		profiles[printable(name)] = true
	}
	for _, a := range r.Alerts {
		if a.Profile != "" {
			profiles[printable(audit.Event{Profile: a.Profile}.ProfileName(t.names))] = true
		}
	}
	// What was done before anything was odd is no answer to it. Of what no alert tells of
	// nobody knows when it was: what repairs comes after the report, or what contains.
	begin := uint64(0)
	if len(t.evidence) > 0 {
		begin = slices.Min(slices.Collect(maps.Keys(t.evidence)))
	}
	drop := len(t.events) - maxTimeline
	for _, e := range t.events {
		entry := t.entry(e)
		if e.Name == audit.TokensRevoked { // the login that was taken back has repaired nothing
			r.Remediation = slices.DeleteFunc(r.Remediation, func(a Entry) bool { return a.name == audit.LoginSucceeded && a.Profile == entry.Profile })
		}
		for _, kind := range []struct {
			events []string
			list   *[]Entry
		}{{containment, &r.Containment}, {remediation, &r.Remediation}, {prevention, &r.Prevention}} {
			answer := begin > 0 || !e.Time.Before(r.Found) || len(r.Containment) > 0 || kind.list == &r.Containment
			answer = answer && e.Data["weaker"] != true // a rule that was turned off prevents nothing
			if answer && slices.Contains(kind.events, e.Name) && !entry.Failed && e.Seq >= begin {
				act := entry
				act.Event = audit.WordingOf(e.Name).Words
				*kind.list = append(*kind.list, act)
			}
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

// scope collects what a login could reach, and who used it.
func (t *timeline) scope(e audit.Event) {
	r := t.report
	add := func(list *[]string, words ...string) {
		for _, w := range words {
			if w = printable(w); w != "" && !slices.Contains(*list, w) && len(*list) < 50 {
				*list = append(*list, w)
			}
		}
	}
	word := func(key string) string { s, _ := e.Data[key].(string); return s }
	switch e.Name {
	case audit.LoginSucceeded:
		add(&r.Scopes, strings.Fields(word("scope"))...)
	case audit.Launched:
		add(&r.Servers, word("program"))
	case audit.ConfigWritten:
		add(&r.Clients, word("client"))
	}
	if e.Name == audit.Launched || e.Name == audit.KeychainAccess || e.Name == audit.AccessRefused {
		add(&r.Programs, word("asked_by"))
	}
}

func (t *timeline) entry(e audit.Event) Entry {
	return Entry{
		Seq: e.Seq, Time: e.Time.UTC(), Profile: printable(e.ProfileName(t.names)), Event: printable(e.Name), name: e.Name, Failed: e.Outcome == audit.Failed,
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
