package auth

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// PastProfile is a profile as the list and the log know it: there is one for each
// that there is or was.
type PastProfile struct {
	ID     string
	Name   string   // as it is called now, or was last
	Names  []string // all that it ever had, sorted
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
	past, err := pastProfiles(ctx, k.audit.Dir(), list)
	if err != nil {
		return nil, err
	}
	deleted, err := k.audit.Query(ctx, audit.Query{Name: audit.ProfileDeleted, Sealed: true})
	if err != nil {
		return past, nil //nolint:nilerr // without the log's key nobody knows
	}
	for i := range past {
		at := slices.IndexFunc(deleted, func(e audit.Event) bool { return e.Profile == past[i].ID })
		if at >= 0 && !past[i].Exists {
			past[i].Deleted = deleted[at].Time
		}
	}
	return past, nil
}

// ProfilesCalled returns the profiles that have or ever had a name, or that have it
// as their id: the one that is called so now comes first.
func (k *Keeper) ProfilesCalled(ctx context.Context, name string) ([]PastProfile, error) {
	all, err := k.PastProfiles(ctx)
	if err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(all, func(p PastProfile) bool { return p.ID != name && !slices.Contains(p.Names, name) })
	if len(found) == 0 && profile.ValidID(name) {
		if events, err := k.audit.Query(ctx, audit.Query{Profile: name, Limit: 1}); err != nil || len(events) > 0 {
			return []PastProfile{{ID: name, Name: name}}, err
		}
	}
	if len(found) == 0 {
		_, err = k.find(name)
	}
	slices.SortStableFunc(found, func(a, b PastProfile) int {
		switch now := func(p PastProfile) bool { return p.Exists && p.Name == name }; {
		case now(a):
			return -1
		case now(b):
			return 1
		}
		return 0
	})
	return found, err
}

// EveryName returns the names that profiles of a state folder have or had, for
// completion: it creates nothing and asks no vault.
func EveryName(ctx context.Context, dir string, list profile.List) (names []string) {
	past, _ := pastProfiles(ctx, filepath.Join(dir, "audit"), list) // what cannot be read has no names
	for _, p := range past {
		names = append(names, p.Names...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func pastProfiles(ctx context.Context, dir string, list profile.List) ([]PastProfile, error) {
	past := map[string]*PastProfile{}
	called := func(id, name string) {
		if past[id] == nil {
			past[id] = &PastProfile{ID: id, Exists: list.Has(id)}
		}
		if p := past[id]; profile.CheckName(name) == nil {
			p.Name, p.Names = name, append(p.Names, name)
		}
	}
	var events []audit.Event
	for _, name := range []string{audit.ProfileCreated, audit.ProfileRenamed, audit.ProfileDeleted} {
		found, err := audit.Search(ctx, dir, audit.Query{Name: name})
		if err != nil {
			return nil, err
		}
		events = append(events, found...)
	}
	slices.SortFunc(events, func(a, b audit.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, e := range events {
		for _, key := range []string{"from", "name", "to"} {
			if name, ok := e.Data[key].(string); ok && profile.ValidID(e.Profile) {
				called(e.Profile, name)
			}
		}
	}
	for _, p := range list.Profiles {
		called(p.ID, p.Name)
	}
	all := make([]PastProfile, 0, len(past))
	for _, p := range past {
		slices.Sort(p.Names)
		p.Names = slices.Compact(p.Names)
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b PastProfile) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) })
	return all, nil
}
