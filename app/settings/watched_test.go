package settings

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What the log says of a change decides whether it is an alarm.
func TestWhatIsTurnedDown(t *testing.T) {
	for _, tt := range []struct {
		key, before, after string
		want               bool
	}{
		{"alerts.failed_auth.enabled", "true", "false", true},
		{"alerts.failed_auth.enabled", "false", "true", false},
		{"alerts.failed_auth.muted", "false", "true", true},
		{"alerts.failed_auth.threshold", "6", "1000", true},
		{"alerts.failed_auth.threshold", "6", "3", false},
		{"alerts.failed_auth.window", "10m", "1m", true},
		{"alerts.failed_auth.cooldown", "30m", "2d", true},
		{"alerts.failed_auth.cooldown", "30m", "1m", false},
		{"alerts.failed_auth.severity", "P1", "P3", true},
		{"alerts.failed_auth.severity", "P2", "P1", false},
		{"notifications.enabled", "true", "false", true},
		{"notifications.quiet_hours", "off", "00:00-23:59", true},
		{"notifications.quiet_hours", "off", "22:00-07:00", false},
		{"notifications.quiet_hours", "22:00-07:00", "off", false},
		{"guard", "wipes", "off", true},
		{"guard", "wipes", "ask", false},
		{"guard", "off", "wipes", false},
		{"log.keep_days", "default", "7", true},
		{"log.keep_days", "7", "default", false},
		{"log.keep_days", "30", "7", true},
		{"log.keep_megabytes", "500", "900", false},
	} {
		if got := weaker(tt.key, tt.before, tt.after); got != tt.want {
			t.Errorf("%s from %s to %s: %v", tt.key, tt.before, tt.after, got)
		}
	}
}

// Nobody overlooks for ever that something was turned off.
func TestTurnedDownIsSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	store := Open(path, time.UTC)
	if s, err := store.Settings(); err != nil || s.TurnedDown() != "" {
		t.Errorf("built in: %q, %v", s.TurnedDown(), err)
	}
	text := `{"version": 1, "notifications": {"enabled": false, "quiet_hours": {"from": "22:00", "to": "07:00"}},
		"alerts": {"failed_auth": {"enabled": false}, "refresh_failed": {"enabled": false}, "unauthorized": {"muted": true}}}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := store.Settings()
	if want := "2 rules are off, 1 rule is muted, notifications are off, quiet hours are 22:00-07:00"; err != nil || s.TurnedDown() != want {
		t.Errorf("%q, %v; want %q", s.TurnedDown(), err, want)
	}
}
