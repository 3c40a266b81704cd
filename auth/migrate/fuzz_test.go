package migrate

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var files = map[string]string{
	".env":                `SPOTIFY_CLIENT_ID=a` + "\n" + `SPOTIFY_CLIENT_SECRET='canary-c'` + "\nSPOTIFY_REFRESH_TOKEN=\"canary-r\"\r\n# x\n",
	".env.work":           "\ufeffexport TIDAL_CLIENT_SECRET=canary-t # x\nSPOTIFY_USE_KEYCHAIN=false\nSPOTIFY_TOKEN_EXPIRES_AT=1\n",
	".cache":              `{"access_token":"BQcanary-access","token_type":"Bearer","expires_in":3600,"refresh_token":"AQcanary-refresh","scope":"user-read-private","expires_at":1762345678}`,
	".cache-ada":          `{"refresh_token":"canary-r"}`,
	"session.json":        `{"access_token":"canary-a","refresh_token":null,"session_id":"s","user_id":1,"country_code":"DE","expires_at":"2025-11-05T18:30:00.1","saved_at":"x"}`,
	"tidal.json":          `{"token_type":{"data":"Bearer"},"session_id":{"data":"s"},"refresh_token":{"data":"canary-r"},"access_token":{"data":"canary-a"},"is_pkce":{"data":false}}`,
	"spotify-config.json": `{"clientId":"id","clientSecret":"canary-c","redirectUri":"","refreshToken":"AQcanary-refresh","expiresAt":1762345678000}`,
	".auth_audit.json":    `[{"timestamp":"2025-11-05T10:30:16.5","event":"e","data":{"a":1,"token":"x","b":"c"}},{}]`,
}

// FuzzParse: no file makes it panic, and what a file is left with afterwards
// can be read again, has no token and needs no second change.
func FuzzParse(f *testing.F) {
	for name, file := range files {
		f.Add(name, []byte(file))
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		d, err := Parse(name, data, Options{Local: time.UTC})
		if err != nil {
			if strings.Contains(err.Error(), "canary-") {
				t.Fatalf("the error repeats a secret: %v", err)
			}
			return
		}
		checkDocument(t, name, d)
	})
}

func checkDocument(t *testing.T, name string, d Document) {
	t.Helper()
	var providers, secrets []string
	for _, l := range d.Logins {
		providers = append(providers, l.Provider)
		for _, token := range []string{l.ClientSecret.Reveal(), l.Access.Reveal(), l.Refresh.Reveal(), l.ClientID} {
			if !visible(token) {
				t.Fatalf("a token with white space or control characters")
			}
			if strings.Contains(token, "canary-") && len(token) > 7 && token != l.ClientID {
				secrets = append(secrets, token)
			}
		}
		if y := l.Expires.Year(); !l.Expires.IsZero() && (y < firstYear || y >= lastYear) {
			t.Fatalf("an expiry in the year %d", y)
		}
	}
	w := d.Without(providers)
	if said := strings.Join(slices.Concat(w.Changes, w.Left, d.Notes), "\n"); holds(said, secrets) {
		t.Fatalf("what is said of the file shows a secret: %s", said)
	}
	if len(w.Changes) == 0 {
		return
	}
	after, err := Parse(name, w.Data, Options{Local: time.UTC})
	if err != nil {
		t.Fatalf("the file afterwards cannot be read: %v\n%q", err, w.Data)
	}
	for _, p := range providers {
		if !slices.Contains(after.Moved, p) {
			t.Fatalf("the marker of %s is missing in %q", p, w.Data)
		}
	}
	for _, l := range after.Logins {
		if slices.Contains(providers, l.Provider) && (l.HasTokens() || !l.ClientSecret.Empty()) {
			t.Fatalf("there is still a secret in %q", w.Data)
		}
	}
	if again := after.Without(providers); len(again.Changes) != 0 {
		t.Fatalf("a second import would change %q in %q", again.Changes, w.Data)
	}
}

// FuzzEnv: the lines that hold no secret stay byte for byte and in order.
func FuzzEnv(f *testing.F) {
	for name, file := range files {
		if strings.HasPrefix(name, ".env") {
			f.Add(file)
		}
	}
	f.Add("A='\\'\nSPOTIFY_CLIENT_ID=x\r")
	f.Add("SPOTIFY_CLIENT_SECRET=${A:-canary-c}\nA=canary-c")
	f.Fuzz(func(t *testing.T, file string) {
		var whole strings.Builder
		for _, b := range bindings(file) {
			whole.WriteString(b.text)
		}
		if whole.String() != file {
			t.Fatal("taking the file apart lost something")
		}
		d, err := Parse(".env", []byte(file), Options{Local: time.UTC})
		if err != nil || d.Format != DotEnv {
			return
		}
		w := d.Without([]string{"spotify"})
		rest := regexp.MustCompile(`SPOTIFY_USE_KEYCHAIN=true(\r\n|\n|\r|$)`).ReplaceAllString(string(w.Data), "")
		at := 0
		for _, line := range strings.FieldsFunc(rest, func(r rune) bool { return r == '\r' || r == '\n' }) {
			i := strings.Index(file[at:], line)
			if i < 0 {
				t.Fatalf("%q is not in the file as it was, or not in order", line)
			}
			at += i
		}
	})
}

// FuzzAudit: events have plain names and values, ids that differ, and an order.
func FuzzAudit(f *testing.F) {
	f.Add([]byte(files[".auth_audit.json"]))
	f.Add([]byte(`[{"timestamp":"2025-11-05","event":"e","data":{"profile":"\u001b"}},{"timestamp":"2025-11-05","event":"e","data":{"profile":"\u001b"}}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := parseAudit(data, time.UTC)
		if err != nil {
			return
		}
		ids := map[string]bool{}
		for i, e := range d.Events {
			if ids[e.ID] || !plainName(e.Name) || i > 0 && e.Time.Before(d.Events[i-1].Time) {
				t.Fatalf("event %+v", e)
			}
			ids[e.ID] = true
			if _, err := json.Marshal(e.Data); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzObject: the members of an object survive, and nothing makes it hang.
func FuzzObject(f *testing.F) {
	for _, file := range files {
		if bytes.HasPrefix([]byte(file), []byte("{")) {
			f.Add([]byte(file))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 || data[0] != '{' {
			return
		}
		o, err := decodeObject(data)
		if err != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatalf("encoding/json does not take it: %v", err)
		}
		for _, m := range o.members {
			delete(want, m.name)
			if !json.Valid(m.raw) {
				t.Fatalf("%q is %q", m.name, m.raw)
			}
		}
		if len(want) != 0 {
			t.Fatalf("%v got lost", want)
		}
	})
}

// FuzzProfileName: whatever the old program called it, the name is allowed.
func FuzzProfileName(f *testing.F) {
	f.Add("Work Laptop")
	f.Add("../..")
	f.Fuzz(func(t *testing.T, old string) {
		if name := ProfileName(old, "default"); !regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`).MatchString(name) {
			t.Fatalf("%q becomes %q", old, name)
		}
	})
}
