package migrate

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/stagedoor-app/stagedoor/auth/secret"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

func TestJSONFormats(t *testing.T) {
	for name, c := range map[string]struct {
		base, file string
		want       Document
	}{
		"TIDAL server's session": {
			"session.json", `{
  "access_token": "canary-a", "refresh_token": "canary-r", "session_id": "canary-s", "user_id": "42",
  "country_code": "DE", "expires_at": "2025-11-05T18:30:00.123456", "saved_at": "2025-11-05T17:30:00"
}`,
			Document{Format: TidalSession, Logins: []Login{{
				Provider: "tidal", Access: "canary-a", Refresh: "canary-r",
				Expires: at("2025-11-05T17:30:00.123456Z"), Issued: at("2025-11-05T16:30:00Z"), // local is UTC+1
			}}},
		},
		"session without an end": {
			"session.json", `{"access_token":"canary-a","refresh_token":null,"session_id":null,"user_id":7,"country_code":null,"expires_at":null,"saved_at":null}`,
			Document{Format: TidalSession, Logins: []Login{{Provider: "tidal", Access: "canary-a"}}},
		},
		"tidalapi": {
			"tidal-session-oauth.json", `{"token_type":{"data":"Bearer"},"session_id":{"data":"s"},"access_token":{"data":"canary-a"},"refresh_token":{"data":"canary-r"},"is_pkce":{"data":false}}`,
			Document{Format: TidalAPI, Notes: []string{""}, Logins: []Login{{Provider: "tidal", Access: "canary-a", Refresh: "canary-r"}}},
		},
		"tidalapi with plain tokens": {
			"x.json", `{"token_type":{"data":"Bearer"},"session_id":"s","access_token":"canary-a","refresh_token":"canary-r","is_pkce":{"data":true}}`,
			Document{Format: TidalAPI, Notes: []string{""}, Logins: []Login{{Provider: "tidal", Access: "canary-a", Refresh: "canary-r"}}},
		},
		"tidalapi, flat": {
			"tidal.json", `{"token_type":"Bearer","session_id":"s","access_token":"canary-a","refresh_token":"canary-r","expiry_time":"2025-11-05T18:30:00+00:00","is_pkce":true}`,
			Document{Format: TidalAPI, Notes: []string{""}, Logins: []Login{{Provider: "tidal", Access: "canary-a", Refresh: "canary-r", Expires: at("2025-11-05T18:30:00Z")}}},
		},
		"spotipy": {
			".cache", `{"access_token": "BQcanary-a", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "AQcanary-r", "scope": "user-read-private user-top-read", "expires_at": 1762345678}`,
			Document{Format: Spotipy, Logins: []Login{{
				Provider: "spotify", Access: "BQcanary-a", Refresh: "AQcanary-r", Scopes: []string{"user-read-private", "user-top-read"},
				Expires: time.Unix(1762345678, 0).UTC(), Issued: time.Unix(1762342078, 0).UTC(),
			}}},
		},
		"spotipy for a user": {
			".cache-Ada L", `{"access_token":"BQcanary-a","refresh_token":"AQcanary-r","expires_in":3600,"expires_at":1762345678.5,"scope":null}`,
			Document{Format: Spotipy, Profile: "Ada L", Logins: []Login{{
				Provider: "spotify", Access: "BQcanary-a", Refresh: "AQcanary-r",
				Expires: time.Unix(1762345678, 5e8).UTC(), Issued: time.Unix(1762342078, 5e8).UTC(),
			}}},
		},
		"spotify-config": {
			"spotify-config.json", `{"clientId":"id","clientSecret":"canary-c","redirectUri":"http://127.0.0.1:8888/callback","accessToken":"canary-a","refreshToken":"canary-r","expiresAt":1762345678000}`,
			Document{Format: SpotifyConfig, Logins: []Login{{
				Provider: "spotify", ClientID: "id", ClientSecret: "canary-c", RedirectURI: "http://127.0.0.1:8888/callback",
				Access: "canary-a", Refresh: "canary-r", Expires: time.Unix(1762345678, 0).UTC(),
			}}},
		},
		"spotify-config before the login": {
			"spotify-config.json", `{"clientId":"id","clientSecret":"canary-c","redirectUri":"http://127.0.0.1:8888/callback","accessToken":"","refreshToken":"","expiresAt":0}`,
			Document{Format: SpotifyConfig, Logins: []Login{{Provider: "spotify", ClientID: "id", ClientSecret: "canary-c", RedirectURI: "http://127.0.0.1:8888/callback"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := parse(t, c.base, c.file)
			c.want.Name = c.base
			if len(d.Notes) != len(c.want.Notes) {
				t.Errorf("notes %q, want %d", d.Notes, len(c.want.Notes))
			}
			d.Notes, c.want.Notes = nil, nil
			same(t, c.want, d)

			w := d.Without([]string{d.Logins[0].Provider})
			if !json.Valid(w.Data) || strings.Contains(string(w.Data), "canary") || len(w.Changes) < 2 {
				t.Errorf("the file afterwards: %s (%q)", w.Data, w.Changes)
			}
			// The old program must take it for "not signed in", see the package's
			// comment: no token, no scope, no expiry.
			for _, gone := range []string{`"access_token"`, `"refresh_`, `"scope"`, `"expires_`, `"expiry`, `"session_id"`} {
				if strings.Contains(string(w.Data), gone) {
					t.Errorf("%s is still in %s", gone, w.Data)
				}
			}
			again := parse(t, c.base, string(w.Data))
			if len(again.Moved) != 1 || again.Without(again.Moved).Changes != nil {
				t.Errorf("a second time: %+v", again)
			}
			if w := d.Without([]string{"other"}); w.Changes != nil {
				t.Errorf("without another provider: %+v", w)
			}
		})
	}
}

// The server of this file wants its client id and redirect URI, and the user's
// own members are none of our business.
func TestSpotifyConfigKeepsTheRest(t *testing.T) {
	d := parse(t, "spotify-config.json", `{"clientId":"id","clientSecret":"canary","mine":[1, {"b":2}],"redirectUri":"http://127.0.0.1:1/callback","accessToken":"BQcanary-a","refreshToken":"AQcanary-r"}`)
	want := `{"SPOTIFY_USE_KEYCHAIN":true,"stagedoor":"the login is in the keychain now: stagedoor run starts the server with it",` +
		`"clientId":"id","mine":[1, {"b":2}],"redirectUri":"http://127.0.0.1:1/callback"}`
	if diff := cmp.Diff(want, string(d.Without([]string{"spotify"}).Data)); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
}

func TestAuditLog(t *testing.T) {
	d := parse(t, ".auth_audit.json", `[
  {"timestamp": "2025-11-05T10:30:16.5", "event": "tokens_saved", "data": {"storage": "keychain", "profile": "default", "expires_at": 1730806215}},
  {"timestamp": "2025-11-05T10:30:15", "event": "token_rotation", "data": {"profile": "default", "old_token_suffix": "canary01", "new_token_suffix": "canary02", "timestamp": 1762335015.25}},
  {"timestamp": "2025-11-05T10:30:16.5", "event": "tokens_saved", "data": {"storage": "keychain", "profile": "default", "expires_at": 1730806215}},
  {"timestamp": "2025-11-05T08:15:22", "event": "security_alert", "data": {"type": "token_reuse_detected", "severity": "warning", "email": "ada@example.org", "user": "ada", "storage": "ada@example.org", "message": "for ada@example.org", "nested": {"a": 1}, "list": [1], "nothing": null}},
  {"timestamp": "yesterday", "event": "tokens_saved", "data": {}},
  {"timestamp": "2025-11-05T08:15:22", "event": "an \u001b[31mevent"},
  "not an object",
  {"timestamp": "2025-11-05T08:15:23", "event": "keychain_clear"}
]`)
	var names []string
	ids := map[string]bool{}
	for _, e := range d.Events {
		names = append(names, e.Time.Format("15:04:05 ")+e.Name)
		ids[e.ID] = true
		for k, v := range e.Data {
			if s, ok := v.(string); ok && strings.Contains(s, "canary") {
				t.Errorf("%s holds a piece of a token", k)
			}
		}
	}
	want := []string{"07:15:22 security_alert", "07:15:23 keychain_clear", "09:30:15 token_rotation", "09:30:16 tokens_saved", "09:30:16 tokens_saved"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
	if len(ids) != 5 {
		t.Errorf("%d ids for 5 events", len(ids))
	}
	if len(d.Notes) != 2 || !strings.Contains(d.Notes[0], "left out: 3 with no event") || !strings.Contains(d.Notes[1], "email, list, message, nested, new_token_suffix") {
		t.Errorf("notes %q", d.Notes)
	}
	if diff := cmp.Diff(map[string]any{"type": "token_reuse_detected", "severity": "warning"}, d.Events[0].Data); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
	if w := d.Without([]string{"spotify"}); w.Data != nil || w.Changes != nil {
		t.Error("the log would be changed")
	}
}

// The examples of the Spotify server's own document have everything beside the
// timestamp; what they say must not be lost.
func TestFlatAuditLog(t *testing.T) {
	d := parse(t, ".auth_audit.json", `[
  {"event": "token_rotation", "old_token_suffix": "...canary", "new_token_suffix": "...canary", "timestamp": "2025-11-05T10:30:00"},
  {"timestamp": "2025-11-05T10:30:01", "event": "security_alert", "profile": "work", "type": "token_reuse_detected", "severity": "warning", "message": "Refresh token was not rotated during renewal"},
  {"timestamp": "2025-11-05T10:30:02", "event": "security_alert", "message": "it is BQD0123456789abcdefgh"},
  {"event": "security_alert", "type": "token_reuse_detected", "severity": "warning", "message": "Refresh token was not rotated during renewal"}
]`)
	want := []Event{
		{Name: "security_alert", Flat: true, Data: map[string]any{ // one of them has no time
			"type": "token_reuse_detected", "severity": "warning", "message": "Refresh token was not rotated during renewal",
		}},
		{Name: "token_rotation", Data: map[string]any{}, Flat: true},
		{Name: "security_alert", Profile: "work", Flat: true, Data: map[string]any{
			"type": "token_reuse_detected", "severity": "warning", "message": "Refresh token was not rotated during renewal",
		}},
		{Name: "security_alert", Data: map[string]any{}, Flat: true},
	}
	if diff := cmp.Diff(want, d.Events, cmpopts.IgnoreFields(Event{}, "ID", "Time")); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
	if len(d.Notes) != 1 || !strings.HasSuffix(d.Notes[0], "message, new_token_suffix, old_token_suffix") {
		t.Errorf("notes %q", d.Notes)
	}
}

func TestAuditLogOfAnySize(t *testing.T) {
	entry := `{"timestamp":"2025-11-05T10:30:16","event":"e","data":{"count":1}}`
	d := parse(t, ".auth_audit.json", "["+strings.Repeat(entry+",", 4999)+entry+"]")
	if len(d.Events) != maxEvents || len(d.Notes) != 1 {
		t.Errorf("%d events, notes %q", len(d.Events), d.Notes)
	}
	if d := parse(t, ".auth_audit.json", "[]"); len(d.Events) != 0 {
		t.Errorf("%d events in an empty log", len(d.Events))
	}
}

func TestKeyringItems(t *testing.T) {
	l, notes, err := FromKeyring(map[string]secret.String{
		"access_token": "canary-a", "refresh_token": "canary-r", "token_expires_at": "1762345678", "client_id": "your_client_id",
	}, berlin)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Login{Provider: "spotify", Access: "canary-a", Refresh: "canary-r", Expires: time.Unix(1762345678, 0).UTC()}, l); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
	if len(notes) != 1 {
		t.Errorf("notes %q", notes)
	}
	if got := KeyringUser("work", "access_token"); got != "work:access_token" {
		t.Errorf("user %q", got)
	}
	if l, _, _ := FromKeyring(nil, berlin); !l.Empty() {
		t.Errorf("nothing there: %+v", l)
	}
}

// Tokens of two logins do not mix, and a secret belongs to its client id.
func TestMerge(t *testing.T) {
	halfA := Login{Provider: "spotify", ClientID: "id", ClientSecret: "s"}
	halfB := Login{Provider: "spotify", Access: "a", Refresh: "r"}
	whole := Login{Provider: "spotify", ClientID: "id", ClientSecret: "s", Access: "a", Refresh: "r"}
	other := Login{Provider: "spotify", ClientID: "other", ClientSecret: "o", Access: "x", Refresh: "y"}
	for _, c := range []struct{ a, b, want Login }{
		{halfA, halfB, whole},
		{halfB, halfA, whole},
		{whole, other, whole},
		{Login{Provider: "spotify", ClientID: "id", Refresh: "r"}, other, Login{Provider: "spotify", ClientID: "id", Refresh: "r"}},
	} {
		if diff := cmp.Diff(c.want, c.a.Merge(c.b)); diff != "" {
			t.Error("(-want +got)\n" + diff)
		}
	}
}

func TestProfileName(t *testing.T) {
	for old, want := range map[string]string{
		"work": "work", "Work Laptop": "work-laptop", "ümlaut": "mlaut", "": "default", "---": "default", "../../etc": "etc",
		"a__b": "a__b", strings.Repeat("x", 90): strings.Repeat("x", 64), "live!!": "live", "_x": "x",
	} {
		if got := ProfileName(old, "default"); got != want {
			t.Errorf("%q becomes %q, want %q", old, got, want)
		}
	}
}
