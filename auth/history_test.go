package auth_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// called returns the ids and words of the profiles that a name finds.
func (w *world) called(name string) (ids, words []string) {
	w.t.Helper()
	list, err := w.keeper.ProfilesCalled(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range list {
		ids, words = append(ids, p.ID), append(words, p.Words())
	}
	return ids, words
}

// past has two profiles that were deleted with the name work, one that has it, and
// one that had it before it was renamed.
func past(t *testing.T) (w *world, deleted []string, renamed, now string) {
	t.Helper()
	w = newWorld(t, authtest.Params{})
	for range 2 {
		deleted = append(deleted, w.create("work").ID)
		w.login("work")
		if _, err := w.keeper.DeleteProfile(t.Context(), "work"); err != nil {
			t.Fatal(err)
		}
	}
	renamed = w.create("work").ID
	if err := w.keeper.Rename(t.Context(), "work", "home"); err != nil {
		t.Fatal(err)
	}
	return w, deleted, renamed, w.create("work").ID
}

// The history of every profile that ever had a name is found by it, and by its id.
func TestHistoryIsFoundByEveryName(t *testing.T) {
	w, deleted, renamed, now := past(t)
	ids, words := w.called("work")
	if want := append(slices.Clone(deleted), renamed, now); !same(ids, want) {
		t.Errorf("work: %q, want %q", ids, want)
	}
	day := "deleted " + w.clock.Now().Local().Format("2006-01-02")
	if !same(words, []string{"called work now", "called home now", day, day}) {
		t.Errorf("work: %q", words)
	}
	if ids, words := w.called("home"); !slices.Equal(ids, []string{renamed}) || words[0] != "called home now" {
		t.Errorf("home: %q %q", ids, words)
	}
	if ids, words := w.called(deleted[0]); !slices.Equal(ids, deleted[:1]) || words[0] != day {
		t.Errorf("by id: %q %q", ids, words)
	}
	events, err := w.keeper.Events(t.Context(), audit.Query{Profile: strings.Join(deleted, ","), Name: audit.LoginSucceeded})
	if err != nil || len(events) != 2 {
		t.Errorf("%d logins of the deleted ones, want 2 (%v)", len(events), err)
	}
	for _, unknown := range []string{"nobody", "0123456789abcdef"} {
		if _, err := w.keeper.ProfilesCalled(t.Context(), unknown); !errors.Is(err, profile.ErrNotFound) || hint.Of(err) == "" {
			t.Errorf("%s: %v", unknown, err)
		}
	}
}

func same(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// Whoever can write the log and has not its key can hide nobody's history with a
// line, whatever it says, nor have it said that the user deleted a profile.
func TestForgedLineHidesNoHistory(t *testing.T) {
	for name, forgery := range map[string]func(l []string, id string) string{
		"renamed": func(l []string, id string) string {
			return forge(l, "", audit.ProfileRenamed, id, map[string]any{"from": "work", "to": "x", "name": "x"})
		},
		"created anew": func(l []string, id string) string {
			return forge(l, "", audit.ProfileCreated, id, map[string]any{"name": "x"})
		},
		"deleted": func(l []string, id string) string {
			return forge(l, "", audit.ProfileDeleted, id, map[string]any{"name": "x"})
		},
		"a made-up seal": func(l []string, id string) string {
			return forge(l, strings.Repeat("ab", 32), audit.ProfileDeleted, id, nil)
		},
		"nonsense": func(l []string, id string) string {
			return forge(l, "", audit.ProfileRenamed, id, map[string]any{"from": 7, "to": "\x1b[2J"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, deleted, _, now := past(t)
			before, words := w.called("work")
			for _, id := range append(deleted, now) {
				l := w.lines()
				w.set(append(l, forgery(l, id)))
			}
			ids, after := w.called("work")
			if !same(ids, before) || !same(after, words) {
				t.Errorf("%q %q, before %q %q", ids, after, before, words)
			}
		})
	}
	t.Run("of a profile that was taken out of profiles.json", func(t *testing.T) {
		w, _, _, now := past(t)
		w.rewrite(func(list *profile.List) {
			list.Profiles = slices.DeleteFunc(list.Profiles, func(p profile.Profile) bool { return p.ID == now })
		})
		l := w.lines()
		w.set(append(l, forge(l, "", audit.ProfileDeleted, now, map[string]any{"name": "work"})))
		ids, words := w.called("work")
		if i := slices.Index(ids, now); i < 0 || words[i] != "no longer in profiles.json" {
			t.Errorf("%q %q", ids, words)
		}
	})
}

// Without the log's key the history is found, and not said to be deleted.
func TestHistoryNeedsNoKeychain(t *testing.T) {
	w, deleted, _, _ := past(t)
	w.vault.Fail(vault.ErrLocked)
	w.keeper = w.open()
	ids, words := w.called("work")
	if i := slices.Index(ids, deleted[0]); i < 0 || words[i] != "no longer in profiles.json" {
		t.Errorf("%q %q", ids, words)
	}
}

// The TAB key offers names of deleted profiles, and creates nothing.
func TestEveryNameCreatesNothing(t *testing.T) {
	w, _, _, _ := past(t)
	if _, err := w.keeper.DeleteProfile(t.Context(), "home"); err != nil {
		t.Fatal(err)
	}
	if got := auth.EveryName(t.Context(), w.dir, profile.List{}); !slices.Equal(got, []string{"home", "work"}) {
		t.Errorf("%q", got)
	}
	dir := filepath.Join(t.TempDir(), "state")
	if got := auth.EveryName(t.Context(), dir, profile.List{}); len(got) != 0 {
		t.Errorf("%q", got)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder is there now")
	}
}
