package settings_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/app/settings"
)

// A slip here would throw away a log that was to be kept.
func TestHowMuchOfTheLogIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), settings.FileName)
	if err := os.Mkdir(filepath.Join(filepath.Dir(path), "locks"), 0o700); err != nil {
		t.Fatal(err)
	}
	set := func(key, value string) error {
		_, err := settings.Open(path, nil).Set(t.Context(), key, value)
		return err
	}
	for _, c := range []struct {
		key, value string
		ok         bool
		want       settings.Log
	}{
		{"log.keep_days", "90", true, settings.Log{KeepDays: 90}},
		{"log.keep_megabytes", "2000", true, settings.Log{KeepDays: 90, KeepMegabytes: 2000}},
		{"log.keep_days", "0", false, settings.Log{KeepDays: 90, KeepMegabytes: 2000}},
		{"log.keep_days", "-1", false, settings.Log{KeepDays: 90, KeepMegabytes: 2000}},
		{"log.keep_days", "1", false, settings.Log{KeepDays: 90, KeepMegabytes: 2000}},
		{"log.keep_megabytes", "20", true, settings.Log{KeepDays: 90, KeepMegabytes: 20}},
		{"log.keep_megabytes", "19", false, settings.Log{KeepDays: 90, KeepMegabytes: 20}},
		{"log.keep_megabytes", "2000", true, settings.Log{KeepDays: 90, KeepMegabytes: 2000}},
		{"log.keep_megabytes", "many", false, settings.Log{KeepDays: 90, KeepMegabytes: 2000}},
		{"log.keep_days", "default", true, settings.Log{KeepMegabytes: 2000}},
	} {
		if err := set(c.key, c.value); (err == nil) != c.ok {
			t.Errorf("%s=%s: %v", c.key, c.value, err)
		}
		s, err := settings.Load(path)
		if err != nil || s.Log != c.want {
			t.Errorf("after %s=%s: %+v, %v; want %+v", c.key, c.value, s.Log, err, c.want)
		}
	}
	if err := os.WriteFile(path, []byte("{\n  \"log\": { \"keep_days\": 2 }\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := settings.Load(path); err == nil || !strings.Contains(err.Error(), ":2:25:") {
		t.Errorf("two days: %v; want the place", err)
	}
}
