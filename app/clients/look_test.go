package clients

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// What a client lost comes back as it was, in each format, and nothing else changes.
func TestPlanBack(t *testing.T) {
	for _, id := range []string{"claude-desktop", "codex", "goose"} {
		t.Run(id, func(t *testing.T) {
			dir := t.TempDir()
			configs, err := New(Params{Env: Env{GOOS: "linux", Home: dir}, Now: time.Now, BackupDir: filepath.Join(dir, "backups"), LockDir: filepath.Join(dir, "locks")})
			if err != nil {
				t.Fatal(err)
			}
			client, _ := Lookup(id)
			set := func(name string, e *Entry) {
				ch, err := configs.Plan(t.Context(), client, name, e)
				if err == nil {
					_, err = configs.Apply(t.Context(), ch)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			set("first", &Entry{Command: "/bin/first", Args: []string{"a"}})
			set("spotify", &Entry{Command: "/bin/stagedoor", Args: []string{"run", "--", "server"}, Env: map[string]string{"A": "b"}})
			whole, err := configs.Look(t.Context(), client)
			if err != nil || len(whole.Entries) != 2 || len(whole.Done) != 2 {
				t.Fatalf("%v, %v", whole.Entries, err)
			}
			if err := configs.Store(t.Context(), client, whole, filepath.Join(dir, "kept")); err != nil {
				t.Fatal(err)
			}
			set("spotify", nil)
			set("other", &Entry{Command: "/bin/other"})
			data, err := configs.Stored(t.Context(), filepath.Join(dir, "kept"))
			if err != nil {
				t.Fatal(err)
			}
			ch, err := configs.PlanBack(t.Context(), client, data, []string{"spotify", "first", "unknown"})
			if err == nil {
				_, err = configs.Apply(t.Context(), ch)
			}
			if err != nil {
				t.Fatal(err)
			}
			now, err := configs.Look(t.Context(), client)
			if err != nil || len(now.Entries) != 3 {
				t.Fatalf("%v, %v", now.Entries, err)
			}
			for _, e := range whole.Entries {
				if !slices.Contains(now.Entries, e) || e.Ours != (e.Name == "spotify") {
					t.Errorf("%v is not in %v", e, now.Entries)
				}
			}
			set("other", nil)
			if is, err := os.ReadFile(whole.Path); err != nil || !bytes.Equal(is, data) {
				t.Errorf("%v: it was\n%s\nand is\n%s", err, data, is)
			}
		})
	}
}
