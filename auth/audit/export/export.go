// Package export writes copies of an audit log for others to read, and checks
// such a copy.
package export

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Format is a way to write the log's events to a file for others to read.
type Format string

// The formats. None but the bundle can be checked by somebody without the key.
const (
	JSONLines Format = "jsonl"  // the log's own lines, byte for byte but for what is invisible: see text.JSON
	CSV       Format = "csv"    // a table for a spreadsheet
	Legacy    Format = "legacy" // the JSON array of the Spotify server's .auth_audit.json
	Bundle    Format = "bundle" // all segments with a signed statement: see WriteBundle
)

// ErrFormat says that there is no such format.
var ErrFormat = errors.New("no such export format")

// Options say how events are written.
type Options struct {
	Format Format
	Query  audit.Query // Limit has no meaning
	// Local is the time zone for the legacy format, which has none in its
	// timestamps; nil for the system's.
	Local *time.Location
	// NameOf gives a profile's name as it is now; nil leaves the names out that
	// the events do not say themselves.
	NameOf func(id string) string
}

// Write writes the selected events to w, oldest first, in constant memory, and
// returns how many. Like Log.Query it checks nothing. Bundle is not for it.
func Write(ctx context.Context, l *audit.Log, w io.Writer, o Options) (events int, err error) {
	if o.Local == nil {
		o.Local = time.Local
	}
	if o.NameOf == nil {
		o.NameOf = func(string) string { return "" }
	}
	buf := bufio.NewWriterSize(w, 64<<10)
	var each func(audit.Event, []byte) error
	end := func() error { return nil }
	switch o.Format {
	case JSONLines:
		each = func(_ audit.Event, line []byte) error {
			_, err := buf.WriteString(text.JSON(string(line)) + "\n")
			return err
		}
	case CSV:
		each, end = exportCSV(buf, o)
	case Legacy:
		each, end = exportLegacy(buf, o)
	default:
		return 0, fmt.Errorf("%w: %q", ErrFormat, o.Format)
	}
	err = l.Each(ctx, o.Query, func(e audit.Event, line []byte) error {
		events++
		return each(e, line)
	})
	if err == nil {
		err = end()
	}
	if err == nil {
		err = buf.Flush()
	}
	if err != nil {
		return events, fmt.Errorf("export audit log: %w", err)
	}
	return events, nil
}

// exportCSV writes a header and a row for each event, as RFC 4180 has it but
// with plain line ends.
func exportCSV(w io.Writer, o Options) (each func(audit.Event, []byte) error, end func() error) {
	table := csv.NewWriter(w)
	_ = table.Write([]string{"seq", "time", "event", "outcome", "severity", "profile", "profile_name", "actor", "pid", "data"})
	each = func(e audit.Event, _ []byte) error {
		severity, _ := e.Data["severity"].(string)
		row := []string{
			strconv.FormatUint(e.Seq, 10), e.Time.Format(audit.TimeLayout), e.Name, e.Outcome, severity,
			e.Profile, nameOf(e, o), e.Actor, strconv.Itoa(e.PID), e.DataText(),
		}
		for i := range row {
			row[i] = harmless(text.Exact(row[i])) // a terminal may be the reader
		}
		return table.Write(row)
	}
	return each, func() error {
		table.Flush()
		return table.Error() // of the header's row, too
	}
}

// harmless keeps a spreadsheet from taking a cell for a formula: names of
// accounts and profiles come from others. An apostrophe before it says "text".
func harmless(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return cell
	}
	return "'" + cell
}

// legacyEvent is an entry of the Spotify server's audit log.
type legacyEvent struct {
	Timestamp string         `json:"timestamp"`
	Event     string         `json:"event"`
	Data      map[string]any `json:"data"`
}

// legacyTime is how Python's datetime.now().isoformat() writes a moment: local
// time without a zone, and no fraction if there is none.
func legacyTime(t time.Time, in *time.Location) string {
	t = t.In(in).Truncate(time.Microsecond)
	if t.Nanosecond() == 0 {
		return t.Format("2006-01-02T15:04:05")
	}
	return t.Format("2006-01-02T15:04:05.000000")
}

// exportLegacy writes one JSON array. An event that was imported from such a file
// comes out as it was there: its name, its moment in o.Local, its profile, and the
// same members in the same place, but for those that the import left out and named.
func exportLegacy(w io.Writer, o Options) (each func(audit.Event, []byte) error, end func() error) {
	before := "[\n  "
	each = func(e audit.Event, _ []byte) error {
		old := legacyEvent{Timestamp: legacyTime(e.Time, o.Local), Event: e.Name, Data: map[string]any{}}
		maps.Copy(old.Data, e.Data)
		if name := nameOf(e, o); name != "" {
			delete(old.Data, "name")
			old.Data["profile"] = name
		}
		var entry any = old
		if e.Name == audit.ImportedEvent {
			entry = o.original(old)
		}
		data, err := json.MarshalIndent(entry, "  ", "  ")
		if err == nil {
			_, err = io.WriteString(w, before+text.JSON(string(data)))
		}
		before = ",\n  "
		return err
	}
	return each, func() error {
		tail := "\n]\n"
		if before == "[\n  " {
			tail = "[]\n"
		}
		_, err := io.WriteString(w, tail)
		return err
	}
}

// original is an imported event as its file had it.
func (o Options) original(old legacyEvent) any {
	taken := func(name string) any {
		v := old.Data[name]
		delete(old.Data, name)
		return v
	}
	taken("origin")
	if name, ok := taken("original_event").(string); ok {
		old.Event = name
	}
	at, err := time.Parse(time.RFC3339, fmt.Sprint(taken("original_time")))
	if err == nil {
		old.Timestamp = legacyTime(at, o.Local)
	}
	if name, ok := taken("original_profile").(string); ok {
		old.Data["profile"] = name
	}
	if taken("original_shape") != "flat" {
		return old
	}
	old.Data["event"] = old.Event
	if err == nil { // or the line had no time
		old.Data["timestamp"] = old.Timestamp
	}
	return old.Data
}

// nameOf is the profile's name as the event tells it, or as it is now.
func nameOf(e audit.Event, o Options) string {
	if name, ok := e.Data["name"].(string); ok && e.Profile != "" {
		return name
	}
	if e.Profile == "" {
		return ""
	}
	return o.NameOf(e.Profile)
}
