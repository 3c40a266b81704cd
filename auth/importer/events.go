package importer

import (
	"context"
	"maps"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// importEvents takes the lines of another program's log over into the audit log, as
// imported_event with the original's name and time in the data. They stand
// where they were imported, since the audit log's order and times are its own, and
// no rule looks at them. A line that is there already is skipped. The old log
// has no secret and stays as it is.
func (i *Importer) importEvents(ctx context.Context, s *source, r Request) error {
	if len(s.doc.Events) == 0 {
		return nil
	}
	list, err := i.Profiles.Load()
	if err != nil {
		return err
	}
	before, err := i.Log.Query(ctx, audit.Query{Name: audit.ImportedEvent})
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, e := range before {
		if id, ok := e.Data["origin"].(string); ok {
			known[id] = true
		}
	}
	for _, e := range s.doc.Events {
		if known[e.ID] {
			s.Known++
			continue
		}
		if !r.DryRun {
			if _, err := i.Log.Append(ctx, importedEvent(e, list)); err != nil {
				return err
			}
		}
		s.Events++
	}
	return nil
}

func importedEvent(e migrate.Event, list profile.List) audit.Event {
	data := maps.Clone(e.Data)
	data["origin"] = e.ID
	data["original_event"] = e.Name
	if !e.Time.IsZero() {
		data["original_time"] = e.Time.UTC().Format(time.RFC3339Nano)
	}
	if e.Flat {
		data["original_shape"] = "flat"
	}
	out := audit.Event{Name: audit.ImportedEvent, Outcome: audit.OK, Data: data}
	if e.Profile != "" {
		if p, err := list.Find(migrate.ProfileName(e.Profile, "default")); err == nil {
			out.Profile, data["name"] = p.ID, p.Name
		}
		if data["name"] != e.Profile {
			data["original_profile"] = e.Profile
		}
	}
	return out
}
