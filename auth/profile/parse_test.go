package profile_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

const goodEntry = `{"id": "0123456789abcdef", "name": "home", "provider": "spotify", "client_id": "x", "created": "2026-01-02T03:04:05Z"}`

// entry is an entry named work, with one member set to something else.
func entry(t *testing.T, member string, value any) string {
	t.Helper()
	e := map[string]any{"id": "00112233445566aa", "name": "work", "provider": "oidc", "client_id": "x", "created": "2026-01-02T03:04:05Z"}
	e[member] = value
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Whoever can write profiles.json must not lead us to another file by it, nor
// take the other accounts away; and an entry that is not understood is not lost.
func TestEntryThatIsNotOurs(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	for name, bad := range map[string]string{
		"an id that leads out":   entry(t, "id", "../../victim"),
		"an id in capitals":      entry(t, "id", "00112233445566AA"),
		"an id too long":         entry(t, "id", "00112233445566aa0"),
		"no id":                  entry(t, "id", ""),
		"an id of two lines":     entry(t, "id", "00112233445566aa\n"),
		"an id that is a number": entry(t, "id", 1),
		"a name in capitals":     entry(t, "name", "Work"),
		"a name with a slash":    entry(t, "name", "a/b"),
		"a name too long":        entry(t, "name", long),
		"no name":                entry(t, "name", nil),
		"a provider":             entry(t, "provider", "../x"),
		"a client id":            entry(t, "client_id", "a b"),
		"an invisible client id": entry(t, "client_id", "a\u200bb"),
		"a port":                 entry(t, "redirect_port", 70000),
		"a negative port":        entry(t, "redirect_port", -1),
		"a trust":                entry(t, "trust", "sha256/x"),
		"a redirect path":        entry(t, "redirect_path", "/x\"y"),
		"a scope":                entry(t, "scopes", []string{"a\u202eb"}),
		"scopes too long":        entry(t, "scopes", []string{long}),
		"an issuer":              entry(t, "issuer", "file:///etc/passwd"),
		"an issuer with a name":  entry(t, "issuer", "https://a@b.example"),
		"an endpoint":            entry(t, "endpoints", map[string]string{"authorization": "https://a.example", "token": "javascript:x"}),
		"a method":               entry(t, "endpoints", map[string]string{"auth_method": "none; x"}),
		"a time":                 entry(t, "created", "yesterday"),
		"a list":                 `[]`,
		"nothing":                `null`,
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := newStore(t)
			path := filepath.Join(dir, "profiles.json")
			if err := os.WriteFile(path, []byte(`{"version": 1, "active": "", "profiles": [`+bad+",\n"+goodEntry+`]}`), 0o600); err != nil {
				t.Fatal(err)
			}
			l := load(t, s)
			if diff := cmp.Diff([]string{"home"}, l.Names()); diff != "" || len(l.Refused) != 1 {
				t.Fatalf("%s, refused %v", diff, l.Refused)
			}
			if err := l.Refused[0].Err; !errors.Is(err, profile.ErrRefused) || hint.Of(err) == "" || !strings.Contains(err.Error(), path+" line 1") || len(err.Error()) > 400 {
				t.Errorf("it says %v", err)
			}
			if _, err := l.Find("work"); err == nil {
				t.Error("it can be used")
			}
			if _, err := s.Use(t.Context(), "home"); err != nil { // writes the file
				t.Fatal(err)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if again := load(t, s); again.Active != "0123456789abcdef" || len(again.Refused) != 1 || !contains(t, data, bad) {
				t.Errorf("the entry is lost: %s", data)
			}
		})
	}
}

// contains reports whether the entry is in the file, but for white space.
func contains(t *testing.T, file []byte, entry string) bool {
	t.Helper()
	var have struct{ Profiles []any }
	var want any
	if err := errors.Join(json.Unmarshal(file, &have), json.Unmarshal([]byte(entry), &want)); err != nil {
		t.Fatal(err)
	}
	for _, p := range have.Profiles {
		if cmp.Equal(p, want) {
			return true
		}
	}
	return false
}

// Of two entries with one id or name, nobody can tell which is the user's: the
// tokens of one must not go where the other says.
func TestTwoEntriesOfOneIdentity(t *testing.T) {
	for name, second := range map[string]string{
		"id":   entry(t, "id", "0123456789abcdef"),
		"name": entry(t, "name", "home"),
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := newStore(t)
			content := `{"version": 1, "active": "0123456789abcdef", "profiles": [` + goodEntry + "," + second + `]}`
			if err := os.WriteFile(filepath.Join(dir, "profiles.json"), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			l := load(t, s)
			if _, err := l.ActiveProfile(); len(l.Profiles) != 0 || !errors.Is(err, profile.ErrRefused) {
				t.Errorf("%v, %v", l.Names(), err)
			}
			if _, err := s.Create(t.Context(), profile.Profile{Name: "home"}); !errors.Is(err, profile.ErrExists) {
				t.Errorf("a third one: %v", err)
			}
		})
	}
}

// A file with many bad entries, each named with its line, takes no command's time.
func TestManyBadEntries(t *testing.T) {
	const n = 60_000
	s, dir := newStore(t)
	var bad strings.Builder
	for i := range n {
		fmt.Fprintf(&bad, "{\"id\":\n\"%d\"},\n\n", max(i, 1)) // the first two are the same
	}
	if err := os.WriteFile(filepath.Join(dir, "profiles.json"), []byte(`{"version": 1, "active": "", "profiles": [`+bad.String()+goodEntry+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	l := load(t, s)
	if took := time.Since(start); took > 8*time.Second {
		t.Errorf("it takes %v", took)
	}
	if len(l.Refused) != n || len(l.Profiles) != 1 {
		t.Fatalf("%d refused, %d are used", len(l.Refused), len(l.Profiles))
	}
	for i, want := range map[int]string{0: " line 1:", 1: " line 4:", n - 1: fmt.Sprintf(" line %d:", 3*n-2)} {
		if err := l.Refused[i].Err; !strings.Contains(err.Error(), want) {
			t.Errorf("entry %d: %v, want %s", i, err, want)
		}
	}
}

// Whatever the file says: what is used has our form, and what is written back
// says the same.
func FuzzProfiles(f *testing.F) {
	f.Add([]byte(`{"version":1,"active":"","profiles":[` + goodEntry + `]}`))
	f.Add([]byte(`{"version":1,"profiles":[{"id":"../x"},null,{"id":"0123456789abcdef","name":"a"}],"recent":{"spotify":"0123456789abcdef"}}`))
	f.Add([]byte(`{"profiles":[{"id":"0123456789abcdef","name":"a","issuer":"https://[::1]:0/"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, dir := newStore(t)
		path := filepath.Join(dir, "profiles.json")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := s.Load()
		if err != nil {
			return
		}
		for _, p := range l.Profiles {
			if !profile.ValidID(p.ID) || profile.CheckName(p.Name) != nil {
				t.Fatalf("%q, %q", p.ID, p.Name)
			}
		}
		l.Version = 1
		out, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, out, 0o600); err != nil {
			t.Fatal(err)
		}
		again, err := s.Load()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(l.Profiles, again.Profiles); diff != "" || len(l.Refused) != len(again.Refused) {
			t.Fatalf("%s\n%v\n%v", diff, l.Refused, again.Refused)
		}
	})
}
