package settings_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// Who reads that calls are watched does not look at them.
func TestARuleThatCannotFireIsNotOffered(t *testing.T) {
	all := alert.Defaults()
	var left []string
	for _, r := range all {
		if _, ok := alert.Find(settings.Watching(all), r.ID); !ok {
			left = append(left, r.ID)
		}
	}
	if want := []string{"config_drift"}; len(left) != len(want) {
		t.Errorf("left out: %q, want %q", left, want)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "locks"), 0o700); err != nil {
		t.Fatal(err)
	}
	store := settings.Open(filepath.Join(dir, settings.FileName), nil)
	for _, id := range left {
		if slices.Contains(settings.Names(), "alerts."+id+".muted") {
			t.Errorf("%s is offered as a setting", id)
		}
		if _, err := store.Set(t.Context(), "alerts."+id+".muted", "on"); err != nil { // of a file that has it already
			t.Errorf("%s can no longer be set: %v", id, err)
		}
	}
}

// A rule comes back to the lists with the first part that writes its event.
func TestAnEventThatIsWrittenIsWatched(t *testing.T) {
	silent := map[string]string{"audit.ConfigDrift": audit.ConfigDrift}
	readers := []string{"/alert/", "/audit/", "/metrics/", "/auditlog/", "/settings/", "_test.go"}
	for _, root := range []string{"../../app", "../../auth"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			path = filepath.ToSlash(path)
			if err != nil || !strings.HasSuffix(path, ".go") || slices.ContainsFunc(readers, func(r string) bool { return strings.Contains(path, r) }) {
				return err
			}
			text, err := os.ReadFile(path)
			for name, event := range silent {
				if strings.Contains(string(text), name) && !settings.Written(event) {
					t.Errorf("%s writes %s, whose rules are in no list", path, event)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
