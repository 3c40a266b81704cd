package auth

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// PastProfile is a profile as the list and the log know it: there is one for each
// that there is or was.
type PastProfile struct {
	ID     string
	Name   string   // as it is called now, or was last
	Names  []string // all that it ever had
	Exists bool     // it is in profiles.json
	// Deleted is when the user deleted it. It is zero if no line with the log's MAC
	// says so: then somebody may have taken it out of profiles.json.
	Deleted time.Time
}

// Words says what became of a profile of which a name is not the one in the list.
func (p PastProfile) Words() string {
	switch {
	case p.Exists:
		return "called " + p.Name + " now"
	case p.Deleted.IsZero():
		return "no longer in profiles.json"
	}
	return "deleted " + p.Deleted.Local().Format(time.DateOnly)
}

// PastProfiles returns the profiles that there are and those that there were, as far
// as the log goes back. Lines without a MAC count too: such a line can add a name
// and take none away, so that nobody's history can be hidden. It reads the
// whole log, several hundred megabytes a second.
func (k *Keeper) PastProfiles(ctx context.Context) ([]PastProfile, error) {
	list, err := k.profiles.Load()
	if err != nil {
		return nil, err
	}
	proven, _ := k.audit.Query(ctx, audit.Query{Name: audit.ProfileDeleted, Sealed: true}) // without the log's key nobody knows
	return pastProfiles(ctx, k.audit.Dir(), list, proven)
}

// ProfilesCalled returns the profiles that have or ever had a name, or that have it
// as their id.
func (k *Keeper) ProfilesCalled(ctx context.Context, name string) ([]PastProfile, error) {
	all, err := k.PastProfiles(ctx)
	found := slices.DeleteFunc(all, func(p PastProfile) bool { return p.ID != name && !slices.Contains(p.Names, name) })
	if err != nil || len(found) > 0 {
		return found, err
	}
	if profile.ValidID(name) {
		if events, err := k.audit.Query(ctx, audit.Query{Profile: name, Limit: 1}); err != nil || len(events) > 0 {
			return []PastProfile{{ID: name, Name: name}}, err
		}
	}
	_, err = k.find(name)
	return nil, err
}

// EveryName returns the names that profiles of a state folder have or had, for
// completion: it creates nothing and asks no vault.
func EveryName(ctx context.Context, dir string, list profile.List) (names []string) {
	past, _ := pastProfiles(ctx, filepath.Join(dir, "audit"), list, nil) // what cannot be read has no names
	for _, p := range past {
		names = append(names, p.Names...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// pastProfiles reads a log. deleted are the deletions that have its MAC.
func pastProfiles(ctx context.Context, dir string, list profile.List, deleted []audit.Event) ([]PastProfile, error) {
	past := map[string]*PastProfile{}
	called := func(id, name string) {
		if past[id] == nil {
			past[id] = &PastProfile{ID: id, Exists: list.Has(id)}
		}
		if p := past[id]; profile.CheckName(name) == nil {
			if p.Name = name; !slices.Contains(p.Names, name) {
				p.Names = append(p.Names, name)
			}
		}
	}
	for _, event := range []string{audit.ProfileCreated, audit.ProfileRenamed, audit.ProfileDeleted} { // in which the newest name is last
		found, err := audit.Search(ctx, dir, audit.Query{Name: event})
		if err != nil {
			return nil, err
		}
		for _, e := range slices.Backward(found) {
			for _, key := range []string{"from", "name", "to"} {
				if name, ok := e.Data[key].(string); ok && profile.ValidID(e.Profile) {
					called(e.Profile, name)
				}
			}
		}
	}
	for _, p := range list.Profiles {
		called(p.ID, p.Name)
	}
	for _, e := range deleted {
		if p := past[e.Profile]; p != nil && !p.Exists {
			p.Deleted = e.Time
		}
	}
	var all []PastProfile
	for _, id := range slices.Sorted(maps.Keys(past)) {
		all = append(all, *past[id])
	}
	return all, nil
}
