package settings

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

func ptr[T any](v T) *T { return &v }

// What a file does not say is as built in.
func TestSettingsFilesArePartlyWritten(t *testing.T) {
	for name, tt := range map[string]struct {
		file string
		want Settings
	}{
		"nothing":           {"", Defaults()},
		"white space":       {" \n\t", Defaults()},
		"an empty object":   {"{}", Defaults()},
		"a byte order mark": {"\ufeff{}", Defaults()},
		"notifications off": {`{"notifications":{"enabled":false}}`, Settings{Version: 1}},
		"quiet hours": {
			`{"version":1,"notifications":{"quiet_hours":{"from":"22:00","to":"7:00"}}}`,
			Settings{Version: 1, Notifications: Notifications{Enabled: true, Quiet: &Quiet{From: 22 * 60, To: 7 * 60}}},
		},
		"no quiet hours": {`{"notifications":{"quiet_hours":null}}`, Defaults()},
		"a rule": {
			`{"alerts":{"failed_auth":{"enabled":true,"muted":true,"threshold":10,"window":"1h","cooldown":"2d","severity":"P3"}}}`,
			Settings{Version: 1, Notifications: Notifications{Enabled: true}, Alerts: map[string]Rule{"failed_auth": {
				Enabled: ptr(true), Muted: ptr(true), Threshold: ptr(10), Window: ptr(Duration(time.Hour)),
				Cooldown: ptr(Duration(48 * time.Hour)), Severity: ptr(alert.P3),
			}}},
		},
		"a rule with nothing in it": {`{"alerts":{"rate_limit":{}}}`, Settings{Version: 1, Notifications: Notifications{Enabled: true}, Alerts: map[string]Rule{"rate_limit": {}}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parse("settings.json", []byte(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Who edits by hand must be told where, and what was probably meant.
func TestAMistakeInTheFileIsShownWhereItIs(t *testing.T) {
	for name, tt := range map[string]struct{ file, want, hint string }{
		"a rule misspelt":       {"{\n  \"alerts\": {\n    \"failed_aut\": {}\n  }\n}", `settings.json:3:5: alerts has no "failed_aut"`, `did you mean "failed_auth"?`},
		"a setting misspelt":    {"{\n\t\"notification\": {}\n}", `settings.json:2:2: the settings has no "notification"`, `did you mean "notifications"?`},
		"a setting of no rule":  {`{"alerts":{"rate_limit":{"colour":1}}}`, `settings.json:1:26: rate_limit has no "colour"`, "there is cooldown, enabled, muted, severity, threshold, window"},
		"columns in characters": {`{"alerts":{"rate_limit":{"größe":1}}}`, `settings.json:1:26: rate_limit has no "größe"`, ""},
		"later in the line":     {"{\"notifications\": {\"enabled\": true}, \"ä\": 1}", `settings.json:1:38: the settings has no "ä"`, ""},
		"twice":                 {"{\"version\": 1,\n \"version\": 1}", `settings.json:2:2: "version" is there twice`, ""},
		"not JSON":              {"{\n  \"version\": 1,\n}", `settings.json:2:15: not JSON: invalid character ',' at start of value`, ""},
		"cut off":               {"{\n  \"version\": 1", `settings.json:2:15: not JSON: unexpected EOF`, ""},
		"a comment":             {"{\n  // mine\n}", `settings.json:2:3: not JSON: invalid character '/' at start of value`, ""},
		"something after it":    {"{}\n{}", `settings.json:2:1: not JSON: invalid character '{' after top-level value`, ""},
		"not an object":         {"\n[]", `settings.json:2:1: the settings must be an object, in braces`, ""},
		"not UTF-8":             {"{\n\"\xff\": 1}", `settings.json:2:2: not JSON: invalid UTF-8`, ""},
		"a newer version":       {`{"version": 2}`, `settings.json:1:13: version 2 of the settings is not known to this Stagedoor`, "update Stagedoor, or delete the file to have the defaults"},
		"a version of text":     {`{"version": "1"}`, `settings.json:1:13: this must be a whole number`, ""},
		"half a number":         {`{"alerts":{"rate_limit":{"threshold":2.5}}}`, `settings.json:1:38: this must be a whole number`, ""},
		"a huge number":         {`{"alerts":{"rate_limit":{"threshold":1e99}}}`, `settings.json:1:38: this must be a whole number`, ""},
		"a text for a switch":   {"{\"alerts\":{\"rate_limit\":{\n\"muted\":\"yes\"}}}", `settings.json:2:9: this must be true or false`, ""},
		"null for a switch":     {`{"notifications":{"enabled":null}}`, `settings.json:1:29: this must be true or false`, ""},
		"no length of time":     {`{"alerts":{"rate_limit":{"window":"ten minutes"}}}`, `settings.json:1:35: "ten minutes" is no length of time like "90s", "10m", "12h" or "14d"`, ""},
		"a number of what":      {`{"alerts":{"rate_limit":{"window":10}}}`, `settings.json:1:35: this must be a text, in quotes`, ""},
		"a window too short":    {`{"alerts":{"rate_limit":{"window":"5s"}}}`, `settings.json:1:35: a window is from 1 minute to 366 days`, ""},
		"no severity":           {`{"alerts":{"rate_limit":{"severity":"P9"}}}`, `settings.json:1:37: severity "P9": not one of P0 to P3`, ""},
		"no threshold":          {`{"alerts":{"tls_failed":{"threshold":3}}}`, `settings.json:1:38: tls_failed has no threshold`, ""},
		"what cannot be off":    {"{\"alerts\": {\n \"audit_tamper\": {\n  \"muted\": true,\n  \"enabled\": false}}}", `settings.json:4:14: audit_tamper cannot be turned off`, `set "muted" to true to have no notification of what is below P0`},
		"half of quiet hours":   {`{"notifications":{"quiet_hours":{"from":"22:00"}}}`, `settings.json:1:33: quiet_hours needs "from" and "to"`, ""},
		"no hours at all":       {`{"notifications":{"quiet_hours":{"from":"22:00","to":"22:00"}}}`, `settings.json:1:33: quiet_hours begin and end at the same time`, ""},
		"no way to guard":       {`{"guard":"on"}`, `settings.json:1:10: this must be "wipes", "ask" or "off"`, ""},
		"no time of day":        {`{"notifications":{"quiet_hours":{"from":"24:00","to":"07:00"}}}`, `settings.json:1:41: "24:00" is no time of day like "22:00"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse("settings.json", []byte(tt.file))
			if err == nil || err.Error() != tt.want {
				t.Fatalf("%v\nwant %s", err, tt.want)
			}
			if h := hint.Of(err); h == "" || tt.hint != "" && h != tt.hint {
				t.Errorf("hint %q, want %q", h, tt.hint)
			}
		})
	}
}

// A file that cannot be understood is left as it is, and the defaults are in
// effect.
func TestABrokenFileIsNeverOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	if err := os.Mkdir(filepath.Join(filepath.Dir(path), "locks"), 0o700); err != nil {
		t.Fatal(err)
	}
	const broken = `{"alerts": {"failed_auth": {"threshold": 10}}, "notifications": }`
	if err := os.WriteFile(path, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(path)
	var e *Error
	if !errors.As(err, &e) || e.Line != 1 || !cmp.Equal(s, Defaults()) {
		t.Errorf("%v, %v", s, err)
	}
	if _, err := Open(path, nil).Set(t.Context(), "notifications.enabled", "off"); err == nil {
		t.Error("a broken file was changed")
	}
	store := Open(path, time.UTC)
	if _, err := store.Settings(); err == nil {
		t.Error("the store does not tell")
	}
	if r, _ := alert.Find(store.Rules(), "failed_auth"); r.N != 6 {
		t.Errorf("a threshold from a broken file: %d", r.N)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != broken {
		t.Errorf("the file is now %s, %v", data, err)
	}
}

func TestSettingsAreChangedByName(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	if err := os.Mkdir(filepath.Join(filepath.Dir(path), "locks"), 0o700); err != nil {
		t.Fatal(err)
	}
	set := func(key, value string) error {
		_, err := Open(path, nil).Set(t.Context(), key, value)
		return err
	}
	for _, kv := range [][2]string{
		{"notifications.enabled", "off"},
		{"notifications.quiet_hours", "22:30-6:00"},
		{"alerts.concurrency.muted", "on"},
		{"alerts.concurrency.threshold", "9"},
		{"alerts.concurrency.window", "20m"},
		{"alerts.concurrency.cooldown", "1d"},
		{"alerts.concurrency.severity", "P3"},
		{"alerts.unusual_hour.enabled", "true"},
	} {
		if err := set(kv[0], kv[1]); err != nil {
			t.Fatalf("%v: %v", kv, err)
		}
	}
	s, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"notifications.enabled": "false", "notifications.quiet_hours": "22:30-06:00", "alerts.concurrency.muted": "true",
		"alerts.concurrency.threshold": "9", "alerts.concurrency.window": "20m", "alerts.concurrency.cooldown": "1d",
		"alerts.concurrency.severity": "P3", "alerts.unusual_hour.enabled": "true", "alerts.failed_auth.threshold": "6",
	} {
		if got, err := s.Get(key); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", key, got, err, want)
		}
	}
	for _, key := range Names() {
		if err := set(key, "default"); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	if s, err := Load(path); err != nil || !cmp.Equal(s, Defaults()) {
		t.Errorf("all back to the defaults: %+v, %v", s, err)
	}
	for _, kv := range [][2]string{
		{"nonsense", "1"},
		{"alerts.concurrency.threshold", "many"},
		{"alerts.audit_tamper.enabled", "off"},
		{"notifications.quiet_hours", "22-7"},
		{"notifications.quiet_hours", "22:00"},
		{"notifications.enabled", "maybe"},
		{"alerts.concurrency.window", "1"},
		{"alerts.concurrency.severity", "bad"},
	} {
		if err := set(kv[0], kv[1]); !errors.Is(err, ErrInvalid) || hint.Of(err) == "" {
			t.Errorf("%v: %v, hint %q; want it refused with a hint", kv, err, hint.Of(err))
		}
	}
}

// A process that was stopped while it changed the settings holds up no other for
// longer than a user waits.
func TestAStoppedProcessHoldsUpNoChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings.json")
	synctest.Test(t, func(t *testing.T) {
		if err := os.Mkdir(filepath.Join(filepath.Dir(path), "locks"), 0o700); err != nil {
			t.Fatal(err)
		}
		held, err := durable.TryAcquire(filepath.Join(filepath.Dir(path), "locks", "settings.lock"))
		if err != nil {
			t.Fatal(err)
		}
		defer held.Release()
		began := time.Now()
		_, err = Open(path, nil).Set(context.Background(), "notifications.enabled", "off")
		if !errors.Is(err, durable.ErrLocked) || time.Since(began) > 15*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

// The tray follows a file that another process replaces, and gives the same
// slice of rules for as long as nothing changed.
func TestStoreFollowsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	store := Open(path, time.UTC)
	first := store.Rules()
	if &first[0] != &store.Rules()[0] {
		t.Error("other rules without a change")
	}
	if err := os.WriteFile(path, []byte(`{"alerts":{"failed_auth":{"threshold":3}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, _ := alert.Find(store.Rules(), "failed_auth"); r.N != 3 {
		t.Errorf("the threshold is %d", r.N)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if r, _ := alert.Find(store.Rules(), "failed_auth"); r.N != 6 {
		t.Errorf("without a file the threshold is %d", r.N)
	}
}

func TestQuietHoursFollowTheClockOnTheWall(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here")
	}
	night := &Quiet{From: 22 * 60, To: 7 * 60}
	noon := &Quiet{From: 12 * 60, To: 13*60 + 30}
	at := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2026, month, day, hour, minute, 0, 0, berlin)
	}
	for name, tt := range map[string]struct {
		q    *Quiet
		at   time.Time
		want bool
	}{
		"none":                      {nil, at(1, 1, 0, 0), false},
		"before":                    {night, at(1, 1, 21, 59), false},
		"the first minute":          {night, at(1, 1, 22, 0), true},
		"midnight":                  {night, at(1, 2, 0, 0), true},
		"the last minute":           {night, at(1, 2, 6, 59), true},
		"afterwards":                {night, at(1, 2, 7, 0), false},
		"at noon":                   {noon, at(1, 2, 12, 30), true},
		"at night, quiet at noon":   {noon, at(1, 2, 0, 30), false},
		"the night that is shorter": {night, at(3, 29, 3, 30), true},
		"its morning":               {night, time.Date(2026, 3, 29, 5, 0, 0, 0, time.UTC).In(berlin), false}, // 07:00 there, six hours after 22:00 CET and a jump
		"half an hour before that":  {night, time.Date(2026, 3, 29, 4, 30, 0, 0, time.UTC).In(berlin), true},
		"the night that is longer":  {night, time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC).In(berlin), true}, // 02:30 for the second time
		"its morning, in winter":    {night, time.Date(2026, 10, 25, 6, 0, 0, 0, time.UTC).In(berlin), false}, // 07:00
		"and before":                {night, time.Date(2026, 10, 25, 5, 59, 0, 0, time.UTC).In(berlin), true},
	} {
		if got := tt.q.Has(tt.at); got != tt.want {
			t.Errorf("%s (%v): %v", name, tt.at, got)
		}
	}
}

func TestNotificationsAreHeldBackAsTheUserChose(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	store := Open(path, time.UTC)
	night, noon := time.Date(2026, 1, 1, 23, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	write := func(file string) {
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string, want bool, a alert.Alert, now time.Time) {
		t.Helper()
		if got := store.MayNotify(a, now); got != want {
			t.Errorf("%s: %v", what, got)
		}
	}
	check("by default", true, alert.Alert{Severity: alert.P3}, night)
	write(`{"notifications":{"quiet_hours":{"from":"22:00","to":"07:00"}}}`)
	check("P1 in quiet hours", false, alert.Alert{Severity: alert.P1}, night)
	check("P0 in quiet hours", true, alert.Alert{Severity: alert.P0}, night)
	check("P1 at noon", true, alert.Alert{Severity: alert.P1}, noon)
	check("P1 at noon, muted", false, alert.Alert{Severity: alert.P1, Muted: true}, noon)
	check("P0 at noon, muted", true, alert.Alert{Severity: alert.P0, Muted: true}, noon)
	write(`{"notifications":{"enabled":false}, "version": 1}`)
	check("P0, all off", false, alert.Alert{Severity: alert.P0}, noon)
}

// Whatever is in the file: an error with a place in it, or settings that can
// be saved and read back as the same.
func FuzzParse(f *testing.F) {
	f.Add(`{"version":1,"notifications":{"enabled":false,"quiet_hours":{"from":"22:00","to":"07:00"}},"alerts":{"failed_auth":{"threshold":3,"window":"1h"}}}`)
	f.Add(`{"alerts":{"failed_auth":{"severity":"P1"},"failed_auth":{}}}`)
	f.Add("{\n\"\\u0000\":[[[1e999]]]}")
	f.Fuzz(func(t *testing.T, file string) {
		s, err := parse("f", []byte(file))
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Line < 1 || e.Column < 1 || e.Line > 1+strings.Count(file, "\n") || e.Hint() == "" {
				t.Fatalf("%q: %#v", file, err)
			}
			return
		}
		data, err := s.encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := parse("f", data)
		if err != nil || !cmp.Equal(s, back) {
			t.Fatalf("%q becomes %s: %v\n%s", file, data, err, cmp.Diff(s, back))
		}
	})
}
