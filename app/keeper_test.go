package app

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// A tray runs for weeks. What the user keeps of the log must count at once, and
// a file that cannot be read must not remove anything.
func TestRetentionFollowsTheSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), settings.FileName)
	store := settings.Open(path, time.UTC)
	const day = 24 * time.Hour
	for _, c := range []struct {
		file string
		want audit.Retention
	}{
		{`{"log":{"keep_days":20}}`, audit.Retention{MaxAge: 20 * day}},
		{`{"log":{"keep_days":90}}`, audit.Retention{MaxAge: 90 * day}}, // as long as the one before, and as new
		{`{"log":{"keep_days":`, audit.Retention{MaxBytes: -1}},
		{`{"log":{"keep_megabytes":2000}}`, audit.Retention{MaxBytes: 2_000_000_000}},
	} {
		next := path + ".next"
		if err := os.WriteFile(next, []byte(c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		if err := os.Chtimes(next, at, at); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, path); err != nil {
			t.Fatal(err)
		}
		if got := retention(store); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.file, got, c.want)
		}
	}
}
