package auth

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

const (
	// recordWait bounds how long an event waits for its line: as long as a token
	// for its lock. A log that does not move is given up on sooner.
	recordWait = 30 * time.Second
	// endWait is what the log may take when a process ends.
	endWait = time.Second
)

// Record writes to the log for the user interfaces: what they do themselves, such as
// writing a client's config. p may be the zero Profile.
func (k *Keeper) Record(ctx context.Context, p profile.Profile, event, outcome string, data map[string]any) {
	k.record(ctx, p, event, outcome, data)
}

// record writes one event. What happened has happened, so a log that cannot
// be written fails nobody's use case; it is said on the log instead, and the
// event is counted. It waits for no prompt, and a caller that was cancelled is
// written down all the same.
func (k *Keeper) record(caller context.Context, p profile.Profile, event, outcome string, data map[string]any) {
	k.recordAll(caller, p, audit.Event{Name: event, Outcome: outcome, Data: data})
}

// recordAll is record for events that belong together and cost no more than one.
func (k *Keeper) recordAll(caller context.Context, p profile.Profile, events ...audit.Event) {
	ctx, cancel := context.WithTimeout(vault.WithWait(context.WithoutCancel(caller), 0), recordWait)
	defer cancel()
	defer context.AfterFunc(caller, func() { time.AfterFunc(endWait, cancel) })()
	for i := range events {
		e := &events[i]
		e.Profile = p.ID
		if p.Name != "" {
			if e.Data = maps.Clone(e.Data); e.Data == nil {
				e.Data = map[string]any{}
			}
			e.Data["name"] = p.Name // as it is called now; the id alone says little to people
		}
	}
	_, err := k.audit.Append(ctx, events...)
	for _, e := range events {
		k.Written(e) // also if it is not in the log: that it is missing there is an alert
		if err != nil {
			k.audit.Lost()
			k.log.ErrorContext(ctx, "the audit log could not be written", "event", e.Name, "error", err)
		}
	}
}

type profileKey struct{}

// about tells recordID which profile the use case is about.
func about(ctx context.Context, p profile.Profile) context.Context {
	return context.WithValue(ctx, profileKey{}, p)
}

// recordID is record for callers that know the id only. It reads the list where
// nobody said before which profile it is about.
func (k *Keeper) recordID(ctx context.Context, id, event, outcome string, data map[string]any) {
	if p, ok := ctx.Value(profileKey{}).(profile.Profile); ok && p.ID == id {
		k.record(ctx, p, event, outcome, data)
		return
	}
	p := profile.Profile{ID: id}
	if list, err := k.profiles.Load(); err == nil {
		if found, ok := list.ByID(id); ok {
			p = found
		}
	}
	k.record(ctx, p, event, outcome, data)
}

// Events returns what the log says, newest first.
func (k *Keeper) Events(ctx context.Context, q audit.Query) ([]audit.Event, error) {
	return k.audit.Query(ctx, q)
}

// ProfileNames returns the profiles' names by id, for showing events. It reads
// one small file; State asks the vault and the whole log besides.
func (k *Keeper) ProfileNames(context.Context) (map[string]string, error) {
	list, err := k.profiles.Load()
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(list.Profiles))
	for _, p := range list.Profiles {
		names[p.ID] = p.Name
	}
	return names, nil
}

// Summaries calls each for every event that matches, newest first, without its
// data: enough for a chart.
func (k *Keeper) Summaries(ctx context.Context, q audit.Query, each func(audit.Summary)) error {
	return k.audit.Summaries(ctx, q, each)
}

// rare returns the events of these names, the oldest first, sealed ones only if that is
// asked for. It looks for what is rare by a byte search, a fraction of what reading
// the log costs, and says nothing of the chain.
func (k *Keeper) rare(ctx context.Context, sealed bool, names ...string) (list []audit.Event, err error) {
	for _, name := range names {
		found, failed := k.audit.Query(ctx, audit.Query{Name: name, Sealed: sealed})
		list, err = append(list, found...), errors.Join(err, failed)
	}
	slices.SortFunc(list, func(a, b audit.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	return list, err
}

// EachEvent calls each for every event of the log that has one of the names, or
// for all of them without names, oldest first. Lines of other names are not
// taken apart, so that it is cheap to look for what is rare.
func (k *Keeper) EachEvent(ctx context.Context, names []string, each func(audit.Event)) error {
	var want func([]byte, bool) bool
	if len(names) > 0 {
		want = func(name []byte, _ bool) bool { return slices.Contains(names, string(name)) }
	}
	k.awaitKey(ctx)
	_, err := k.audit.Read(ctx, audit.Cursor{}, want, each)
	return err
}

// awaitKey lets a caller who has a user wait for the log's key.
func (k *Keeper) awaitKey(ctx context.Context) {
	if vault.Wait(ctx) > 0 {
		k.audit.AwaitKey(ctx)
	}
}
