package auth_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
)

// with opens the folder with a settings file that has these values.
func (w *world) with(values map[string]string) *auth.Keeper {
	w.t.Helper()
	p := w.params(&http.Client{})
	p.Alarms.Settings = func() (list []auth.SettingValue) {
		for _, key := range []string{"alerts.failed_auth.enabled", "notifications.enabled"} {
			v := auth.SettingValue{Key: key, Value: "true", Default: "true", Weaker: func(_, _, after string) bool { return after == "false" }}
			if value, ok := values[key]; ok {
				v.Value = value
			}
			list = append(list, v)
		}
		return list
	}
	k, err := auth.New(w.t.Context(), p)
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

// Whoever edits the settings file, or puts an older one back, turns nothing off in
// silence: it is on the log once, and an alert.
func TestEditedSettingsAreAnAlert(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	if _, err := w.with(nil).WatchOnce(t.Context(), false); err != nil || len(w.told(audit.SettingsChanged)) != 0 {
		t.Fatalf("nothing was changed: %v, %v", w.told(audit.SettingsChanged), err)
	}
	off := map[string]string{"alerts.failed_auth.enabled": "false"}
	for range 3 { // in three processes
		if _, err := w.with(off).WatchOnce(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	events := w.told(audit.SettingsChanged)
	if len(events) != 1 || events[0].Data["before"] != "true" || events[0].Data["after"] != "false" || events[0].Data["grave"] != false {
		t.Errorf("on the log: %+v", events)
	}
	look := func(want alert.Severity) {
		t.Helper()
		for _, a := range w.alerts(w.open()) {
			if a.Rule == "settings_changed" && a.State == alert.Open && a.Severity == want {
				return
			}
		}
		t.Errorf("no %v alert: %+v", want, w.alerts(w.open()))
	}
	look(alert.P2)

	// A line that anybody may have written does not say that it was told.
	w.set(append(w.lines(), w.lines()[len(w.lines())-1]))
	w.clock.Advance(time.Minute)
	if _, err := w.with(nil).WatchOnce(t.Context(), false); err != nil && len(w.told(audit.SettingsChanged)) < 2 {
		t.Errorf("turned on again: %v", err)
	}

	// Close to a sign of theft it is graver.
	w = newWorld(t, authtest.Params{})
	p := w.create("work")
	w.keeper.Record(t.Context(), p, audit.ReuseDetected, audit.Failed, map[string]any{"kind": "invalid_grant_on_current"})
	w.clock.Advance(10 * time.Minute)
	if _, err := w.with(off).WatchOnce(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	look(alert.P1)

	// Also if the sign comes afterwards.
	w = newWorld(t, authtest.Params{})
	p = w.create("work")
	if _, err := w.with(off).WatchOnce(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	look(alert.P2)
	w.clock.Advance(10 * time.Minute)
	w.keeper.Record(t.Context(), p, audit.RefreshFailed, audit.Failed, map[string]any{"needs_login": true, "early": true})
	look(alert.P1)
}
