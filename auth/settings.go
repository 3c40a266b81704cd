package auth

import (
	"context"
	"maps"
	"slices"

	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// NoteSettings writes a settings_changed event for each setting that differs from
// what the log says of it, whoever changed it and by which way: an editor, a
// restored backup, another program. Only sealed lines count as having said so.
func (k *Keeper) NoteSettings(ctx context.Context) error {
	if k.alarms.Settings == nil {
		return nil
	}
	now := map[string]string{}
	list := k.alarms.Settings()
	for _, s := range list {
		now[s.Key] = s.Value
	}
	k.settingsMu.Lock()
	defer k.settingsMu.Unlock()
	if len(list) == 0 || maps.Equal(now, k.settings) {
		return nil
	}
	defer k.briefly(ctx, "settings-noted.lock")()
	before, err := k.loggedSettings(ctx)
	if err != nil {
		return err
	}
	for _, s := range list {
		was, said := before[s.Key]
		if !said {
			was = s.Default
		}
		if was == s.Value {
			continue
		}
		weaker := s.Weaker(s.Key, was, s.Value)
		k.record(ctx, profile.Profile{}, audit.SettingsChanged, audit.OK, map[string]any{
			"key": s.Key, "before": was, "after": s.Value, "weaker": weaker, "grave": weaker && k.alarming(ctx),
		})
	}
	k.settings = now
	return nil
}

// carriedSetting is the "what" of a carried event about a setting.
const carriedSetting = "setting"

// loggedSettings are the settings as sealed lines tell of them.
func (k *Keeper) loggedSettings(ctx context.Context) (map[string]string, error) {
	told, err := k.rare(ctx, true, audit.SettingsChanged, audit.Carried)
	values := map[string]string{}
	for _, e := range told {
		if after, ok := e.Data["after"].(string); ok && (e.Name == audit.SettingsChanged || e.Data["what"] == carriedSetting) {
			key, _ := e.Data["key"].(string)
			values[key] = after
		}
	}
	return values, err
}

// alarming reports whether there was a sign of theft or tampering just now.
func (k *Keeper) alarming(ctx context.Context) bool {
	all, err := k.Alerts(ctx)
	changed, _ := alert.Find(k.Rules(), "settings_changed")
	return err == nil && slices.ContainsFunc(all, func(a alert.Alert) bool {
		r, _ := alert.Find(k.Rules(), a.Rule)
		return (r.Essential || r.ID == "ended_early") && a.Severity <= alert.P1 && k.now().Sub(a.Last).Abs() < changed.Window
	})
}
