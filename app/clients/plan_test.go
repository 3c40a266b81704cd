package clients

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tailscale/hujson"
)

func fixedClock() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 89e6, time.UTC) }

// world is a home folder of its own with a Configs on it.
type world struct {
	*Configs
	t      *testing.T
	home   string
	client Client
}

func newWorld(t *testing.T, id string) world {
	t.Helper()
	return worldAt(t, t.TempDir(), id)
}

func worldAt(t *testing.T, home, id string) world {
	t.Helper()
	client, err := Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Params{
		Env: Env{GOOS: "linux", Home: home}, Now: fixedClock,
		BackupDir: filepath.Join(home, "state", "backups"), LockDir: filepath.Join(home, "state", "locks"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return world{c, t, home, client}
}

func (w world) path() string {
	w.t.Helper()
	path, err := w.client.Path(w.Env)
	if err != nil {
		w.t.Fatal(err)
	}
	return path
}

func (w world) write(content string) {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(w.path()), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(w.path(), []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w world) read() string {
	w.t.Helper()
	data, err := os.ReadFile(w.path())
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}

func (w world) plan(name string, e *Entry) Change {
	w.t.Helper()
	ch, err := w.Plan(context.Background(), w.client, name, e)
	if err != nil {
		w.t.Fatalf("Plan: %v", err)
	}
	return ch
}

func (w world) apply(ch Change) string {
	w.t.Helper()
	backup, err := w.Apply(context.Background(), ch)
	if err != nil {
		w.t.Fatalf("Apply: %v", err)
	}
	return backup
}

// shortEntry is a short entry: what the tables write.
var shortEntry = Entry{Command: "/s", Args: []string{"run"}}

// change computes without files.
func change(t testing.TB, id, before string, e *Entry) Change {
	t.Helper()
	ch, err := compute(id, before, "our", e)
	if err != nil {
		t.Fatalf("compute: %v", err)
	}
	return ch
}

func compute(id, before, name string, e *Entry) (Change, error) {
	client, err := Lookup(id)
	if err != nil {
		return Change{}, err
	}
	ch := Change{Client: id, Path: "/f.json", Name: name, Entry: e, Exists: true, Before: []byte(before)}
	err = ch.compute(client)
	return ch, err
}

const twoSpaces = `"our": {
      "command": "/s",
      "args": [
        "run"
      ]
    }`

// TestSet writes an entry into every kind of file. OUR in want stands for the
// entry as it is written with two spaces at depth two.
func TestSet(t *testing.T) {
	t.Parallel()
	tight := `"our":{"command":"/s","args":["run"]}`
	wide := `"our": {"command": "/s", "args": ["run"]}`
	for _, tc := range []struct {
		name, client, before, want string
		again                      bool // removing the entry gives before: its map was there
	}{
		{"empty", "", "", "{\n  \"mcpServers\": {\n    OUR\n  }\n}\n", false},
		{"whitespace only", "", " \r\n\t\r\n", strings.ReplaceAll("{\n  \"mcpServers\": {\n    "+twoSpaces+"\n  }\n}\n", "\n", "\r\n"), false},
		{"byte order mark only", "", "\ufeff", "\ufeff{\n  \"mcpServers\": {\n    OUR\n  }\n}\n", false},
		{"empty object", "", `{}`, "{\n  \"mcpServers\": {\n    OUR\n  }\n}", false},
		{"empty object and newline", "", "{}\n", "{\n  \"mcpServers\": {\n    OUR\n  }\n}\n", false},
		{"no map", "", "{\n  \"theme\": 1\n}\n", "{\n  \"theme\": 1,\n  \"mcpServers\": {\n    OUR\n  }\n}\n", false},
		{"no map, one line", "", `{"theme":1}`, `{"theme":1,"mcpServers":{` + tight + `}}`, false},
		{"null map", "", "{\n  \"mcpServers\": null, // none\n  \"b\": 1\n}", "{\n  \"mcpServers\": {\n    OUR\n  }, // none\n  \"b\": 1\n}", false},
		{"null map, one line", "", `{"mcpServers": null}`, `{"mcpServers": {` + wide + `}}`, false},

		{"empty map", "", "{\n  \"mcpServers\": {}\n}", "{\n  \"mcpServers\": {\n    OUR\n  }\n}", true},
		{"empty map with a space", "", "{\n  \"mcpServers\": { }\n}", "{\n  \"mcpServers\": { \n    OUR\n  }\n}", true},
		{"empty map on two lines", "", "{\n  \"mcpServers\": {\n  }\n}", "{\n  \"mcpServers\": {\n\n    OUR\n  }\n}", true},
		{"empty map with an empty line", "", "{\n  \"mcpServers\": {\n\n  }\n}", "{\n  \"mcpServers\": {\n\n    OUR\n\n  }\n}", true},
		{"empty map with a comment", "", "{\n  \"mcpServers\": {\n    // servers go here \n  }\n}", "{\n  \"mcpServers\": {\n    // servers go here\n    OUR \n  }\n}", true},
		{"empty map with a block comment", "", "{\n  \"mcpServers\": { /* none */ }\n}", "{\n  \"mcpServers\": { /* none */ \n    OUR\n  }\n}", true},
		{"empty map, one line", "", `{"mcpServers":{}}`, `{"mcpServers":{` + tight + `}}`, true},
		{"empty map with a space, one line", "", `{ "mcpServers": { } }`, `{ "mcpServers": { ` + wide + `} }`, true},

		{"one server", "", "{\n  \"mcpServers\": {\n    \"a\": {}\n  }\n}\n", "{\n  \"mcpServers\": {\n    \"a\": {},\n    OUR\n  }\n}\n", true},
		{"one server, one line", "", "{\"mcpServers\":{\"a\":{}}}\n", "{\"mcpServers\":{\"a\":{}," + tight + "}}\n", true},
		{"one server, one wide line", "", `{"mcpServers": {"a": {} }}`, `{"mcpServers": {"a": {}, ` + wide + ` }}`, true},
		{"servers on one line of many", "", "{\n  \"mcpServers\": {\"a\": {}}\n}", "{\n  \"mcpServers\": {\"a\": {}, " + wide + "}\n}", true},
		{"server on the brace's line", "", "{\n  \"mcpServers\": {\"a\": {\n  }}\n}", "{\n  \"mcpServers\": {\"a\": {\n  },\n    OUR}\n}", true},
		{"trailing comma", "", "{\n  \"mcpServers\": {\n    \"a\": {},\n  },\n}", "{\n  \"mcpServers\": {\n    \"a\": {},\n    OUR,\n  },\n}", true},
		{"comment behind the last server", "", "{\n  \"mcpServers\": {\n    \"a\": {} // mine\n  }\n}", "{\n  \"mcpServers\": {\n    \"a\": {}, // mine\n    OUR\n  }\n}", true},
		{"comments behind the last server", "", "{\n  \"mcpServers\": {\n    \"a\": {} /* my */ // own \n    // \"b\": {}\n  }\n}", "{\n  \"mcpServers\": {\n    \"a\": {}, /* my */ // own\n    OUR \n    // \"b\": {}\n  }\n}", true},
		{"comment before the comma", "", "{\n  \"mcpServers\": {\n    \"a\": {} /* x */,\n  }\n}", "{\n  \"mcpServers\": {\n    \"a\": {} /* x */,\n    OUR,\n  }\n}", true},
		{"comment at the end without a newline", "", "{\n  \"mcpServers\": {\n    \"a\": {}\n  }\n} // end", "{\n  \"mcpServers\": {\n    \"a\": {},\n    OUR\n  }\n} // end", true},
		{"comments between name, colon and value", "", "{\n  \"mcpServers\" /*1*/ : /*2*/ {\n    \"a\"/*3*/:/*4*/{}/*5*/\n  } /*6*/\n}", "{\n  \"mcpServers\" /*1*/ : /*2*/ {\n    \"a\"/*3*/:/*4*/{},/*5*/\n    OUR\n  } /*6*/\n}", true},

		{"four spaces", "", "{\n    \"mcpServers\": {\n        \"a\": {}\n    }\n}", "{\n    \"mcpServers\": {\n        \"a\": {},\n        \"our\": {\n            \"command\": \"/s\",\n            \"args\": [\n                \"run\"\n            ]\n        }\n    }\n}", true},
		{"tabs", "", "{\n\t\"mcpServers\": {}\n}", "{\n\t\"mcpServers\": {\n\t\t\"our\": {\n\t\t\t\"command\": \"/s\",\n\t\t\t\"args\": [\n\t\t\t\t\"run\"\n\t\t\t]\n\t\t}\n\t}\n}", true},
		{"no indentation", "", "{\n\"mcpServers\": {\n\"a\": {}\n}\n}", "{\n\"mcpServers\": {\n\"a\": {},\n\"our\": {\n  \"command\": \"/s\",\n  \"args\": [\n    \"run\"\n  ]\n}\n}\n}", true},
		{"CRLF", "", "{\r\n  \"mcpServers\": {\r\n    \"a\": {}\r\n  }\r\n}\r\n", strings.ReplaceAll("{\n  \"mcpServers\": {\n    \"a\": {},\n    "+twoSpaces+"\n  }\n}\n", "\n", "\r\n"), true},
		{"CRLF and a comment", "", "{\r\n  \"mcpServers\": {\r\n    \"a\": {} // x\r\n  }\r\n}\r\n", strings.ReplaceAll("{\n  \"mcpServers\": {\n    \"a\": {}, // x\n    "+twoSpaces+"\n  }\n}\n", "\n", "\r\n"), true},
		{"CRLF, empty map", "", "{\r\n  \"mcpServers\": {}\r\n}\r\n", strings.ReplaceAll("{\n  \"mcpServers\": {\n    "+twoSpaces+"\n  }\n}\n", "\n", "\r\n"), true},
		{"byte order mark", "", "\ufeff{\n  \"mcpServers\": {}\n}", "\ufeff{\n  \"mcpServers\": {\n    OUR\n  }\n}", true},

		{"odd names, escapes and big numbers stay", "", "{\n  \"a/b~c\": 1e400, \"x\": \"\\u0041\\/\",\n  \"mcpServers\": {\n    \"we/ird~1 \\\"n\\u00e4me\\\"\": { \"args\" : [ ] },\n    \"our \": {}\n  }, \"mcpservers\": {\"our\": 1},\n  \"z\": {\"mcpServers\": {}, \"mcpServers\": 2}\n}", "{\n  \"a/b~c\": 1e400, \"x\": \"\\u0041\\/\",\n  \"mcpServers\": {\n    \"we/ird~1 \\\"n\\u00e4me\\\"\": { \"args\" : [ ] },\n    \"our \": {},\n    OUR\n  }, \"mcpservers\": {\"our\": 1},\n  \"z\": {\"mcpServers\": {}, \"mcpServers\": 2}\n}", true},
		{"escaped name of the map", "", "{\n  \"mcp\\u0053ervers\": {}\n}", "{\n  \"mcp\\u0053ervers\": {\n    OUR\n  }\n}", true},
		{"strings that look like comments", "", "{\n  \"mcpServers\": {\n    \"a\": \"// no /* \"\n  }\n}", "{\n  \"mcpServers\": {\n    \"a\": \"// no /* \",\n    OUR\n  }\n}", true},

		{"vscode", "vscode", "{\n  \"inputs\": [],\n  \"servers\": {}\n}", "{\n  \"inputs\": [],\n  \"servers\": {\n    \"our\": {\n      \"type\": \"stdio\",\n      \"command\": \"/s\",\n      \"args\": [\n        \"run\"\n      ]\n    }\n  }\n}", true},
		{"zed", "zed", "// Zed settings\n{\n  \"context_servers\": {}\n}", "// Zed settings\n{\n  \"context_servers\": {\n    \"our\": {\n      \"source\": \"custom\",\n      \"command\": \"/s\",\n      \"args\": [\n        \"run\"\n      ]\n    }\n  }\n}", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ch := change(t, tc.client, tc.before, &shortEntry)
			if ch.Action != Create {
				t.Errorf("action %s", ch.Action)
			}
			want := strings.ReplaceAll(tc.want, "OUR", twoSpaces)
			if diff := diffStrings(want, string(ch.After)); diff != "" {
				t.Errorf("set (-want +got):\n%s", diff)
			}
			back := change(t, tc.client, string(ch.After), nil)
			if back.Action != Remove {
				t.Errorf("action of the removal: %s", back.Action)
			}
			if diff := diffStrings(tc.before, string(back.After)); tc.again && diff != "" {
				t.Errorf("set and removed (-want +got):\n%s", diff)
			}
			// RFC 6902 as the parser's authors implement it means the same.
			if tc.again {
				agreesWithPatch(t, ch)
			}
		})
	}
}

// agreesWithPatch compares the meaning of a Create with hujson's own patch.
func agreesWithPatch(t testing.TB, ch Change) {
	t.Helper()
	client, err := Lookup(ch.Client)
	if err != nil {
		t.Fatal(err)
	}
	d, err := parse(ch.Path, ch.Before)
	if err != nil {
		t.Fatal(err)
	}
	l := layout{}
	patch := `[{"op":"add","path":"` + client.Servers + `/` + ch.Name + `","value":` + string(l.value(ch.Entry.members(client), "", true)) + `}]`
	if err := d.root.Patch([]byte(patch)); err != nil {
		t.Fatal(err)
	}
	after, err := parse(ch.Path, ch.After)
	if err != nil {
		t.Fatal(err)
	}
	minimal := func(v hujson.Value) string {
		v = v.Clone()
		v.Minimize()
		return string(v.Pack())
	}
	if diff := cmp.Diff(minimal(d.root), minimal(after.root)); diff != "" {
		t.Errorf("not what an RFC 6902 patch gives (-patch +ours):\n%s", diff)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, before, want string }{
		{"first of two", "{\"mcpServers\": {\n  \"our\": 1,\n  \"b\": 2\n}}", "{\"mcpServers\": {\n  \"b\": 2\n}}"},
		{"middle", "{\"mcpServers\": {\n  \"a\": 1,\n  \"our\": 1, // ours\n  \"b\": 2\n}}", "{\"mcpServers\": {\n  \"a\": 1, // ours\n  \"b\": 2\n}}"},
		{"last with a comment before it", "{\"mcpServers\": {\n  \"a\": 1,\n  // the launcher\n  \"our\": 1\n}}", "{\"mcpServers\": {\n  \"a\": 1\n  // the launcher\n}}"},
		{"line comment must not swallow the brace", "{\"mcpServers\": {\n  \"a\": 1, // x\n  \"our\": 1}}", "{\"mcpServers\": {\n  \"a\": 1 // x\n}}"},
		{"line comment must not swallow a sibling", "{\"mcpServers\": { // x\n  \"our\": 1, \"b\": 2}}", "{\"mcpServers\": { // x\n \"b\": 2}}"},
		{"comment before our comma", "{\"mcpServers\": {\"a\": 1, \"our\": 1 /* c */, \"b\": 2}}", "{\"mcpServers\": {\"a\": 1,  /* c */ \"b\": 2}}"},
		{"first on one line", `{"mcpServers": {"our": 1, "b": 2}}`, `{"mcpServers": {"b": 2}}`},
		{"middle on one line", `{"mcpServers": {"a": 1, "our": 1, "b": 2}}`, `{"mcpServers": {"a": 1, "b": 2}}`},
		{"only one, trailing comma", "{\"mcpServers\": {\n  \"our\": 1,\n}}", "{\"mcpServers\": {}}"},
		{"only one, comment after", "{\"mcpServers\": {\n  \"our\": 1 // x\n}}", "{\"mcpServers\": { // x\n}}"},
		{"escaped name", `{"mcpServers": {"a": 1, "\u006fur": {}}}`, `{"mcpServers": {"a": 1}}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ch := change(t, "", tc.before, nil)
			if diff := diffStrings(tc.want, string(ch.After)); diff != "" || ch.Action != Remove {
				t.Errorf("%s (-want +got):\n%s", ch.Action, diff)
			}
		})
	}
}

func TestNothingToRemove(t *testing.T) {
	t.Parallel()
	for _, before := range []string{"", " \n", "{}", `{"mcpServers": null}`, `{"mcpServers": {"a": {}}}`, "\ufeff// c\n{}"} {
		ch := change(t, "", before, nil)
		if ch.Action != Absent || string(ch.After) != before || ch.Writes() || ch.Diff() != "" {
			t.Errorf("%q: %s, after %q", before, ch.Action, ch.After)
		}
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, client, before string
		e                    Entry
		want                 string
		action               Action
	}{
		{
			"same meaning, other spelling", "", "{\"mcpServers\": {\"our\": { \"args\":[ \"r\\u0075n\",], /* x */ \"env\": {}, \"command\" : \"\\/s\" }}}",
			shortEntry, "{\"mcpServers\": {\"our\": { \"args\":[ \"r\\u0075n\",], /* x */ \"env\": {}, \"command\" : \"\\/s\" }}}", Unchanged,
		},
		{
			"the user's members stay", "", "{\n  \"mcpServers\": {\n    \"our\": {\n      \"disabled\": true, // for now\n      \"command\": \"/old\", \"args\": [\"run\"]\n    },\n    \"b\": {}\n  }\n}",
			shortEntry, "{\n  \"mcpServers\": {\n    \"our\": {\n      \"disabled\": true, // for now\n      \"command\": \"/s\", \"args\": [\"run\"]\n    },\n    \"b\": {}\n  }\n}", Update,
		},
		{
			"a secret in env goes", "", "{\"mcpServers\": {\"our\": {\"command\": \"/s\", \"args\": [\"run\"], \"env\": {\"T\": \"s3cret\"}}}}",
			shortEntry, "{\"mcpServers\": {\"our\": {\"command\": \"/s\", \"args\": [\"run\"]}}}", Update,
		},
		{
			"env is added", "", "{\n  \"mcpServers\": {\n    \"our\": {\n      \"command\": \"/s\",\n      \"args\": [\"run\"]\n    }\n  }\n}",
			Entry{Command: "/s", Args: []string{"run"}, Env: map[string]string{"B": "2", "A": "<&>"}},
			"{\n  \"mcpServers\": {\n    \"our\": {\n      \"command\": \"/s\",\n      \"args\": [\"run\"],\n      \"env\": {\n        \"A\": \"<&>\",\n        \"B\": \"2\"\n      }\n    }\n  }\n}", Update,
		},
		{
			"a remote server is replaced as a whole", "", "{\n  \"mcpServers\": {\n    \"our\": {\"type\": \"http\", \"url\": \"https://x\"}\n  }\n}",
			shortEntry, "{\n  \"mcpServers\": {\n    " + twoSpaces + "\n  }\n}", Update,
		},
		{"no object", "", `{"mcpServers":{"our":7}}`, shortEntry, `{"mcpServers":{"our":{"command":"/s","args":["run"]}}}`, Update},
		{"args of a wrong type", "", `{"mcpServers":{"our":{"command":"/s","args":"run"}}}`, shortEntry, `{"mcpServers":{"our":{"command":"/s","args":["run"]}}}`, Update},
		{"command twice", "", `{"mcpServers":{"our":{"command":"/s","args":["run"],"command":"/s"}}}`, shortEntry, `{"mcpServers":{"our":{"command":"/s","args":["run"]}}}`, Update},
		{"missing constant member", "vscode", `{"servers":{"our":{"command":"/s","args":["run"]}}}`, shortEntry, `{"servers":{"our":{"command":"/s","args":["run"],"type":"stdio"}}}`, Update},
		{"no args", "", `{"mcpServers":{"our":{"command":"/s"}}}`, Entry{Command: "/s"}, `{"mcpServers":{"our":{"command":"/s"}}}`, Unchanged},
		{"empty args", "", `{"mcpServers":{}}`, Entry{Command: "/s"}, `{"mcpServers":{"our":{"command":"/s","args":[]}}}`, Create},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ch := change(t, tc.client, tc.before, &tc.e)
			if diff := diffStrings(tc.want, string(ch.After)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if ch.Action != tc.action {
				t.Errorf("action %s, want %s", ch.Action, tc.action)
			}
			if again := change(t, tc.client, string(ch.After), &tc.e); again.Action != Unchanged {
				t.Errorf("planned once more: %s", again.Action)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, before string
		line, column int
		reason       string
	}{
		{"a missing brace", "{\n  \"a\": {\n", 2, 9, "ends in the middle"},
		{"a missing comma", "{\n  \"ä\": 1 \"b\": 2}", 2, 10, "invalid character"},
		{"a half string", `{"a": "ghp_secret`, 1, 18, "ends in the middle"},
		{"a wrong escape", `{"a": "ghp_secret\x"}`, 1, 7, "invalid literal"},
		{"a bare word", `{"a": ghp_secret}`, 1, 7, "invalid literal"},
		{"two values", `{} {}`, 1, 4, "invalid character"},
		{"only a comment", "// later", 1, 9, "ends in the middle"},
		{"an endless comment", "{} /* x", 1, 4, "ends in the middle"},
		{"a single quote", `{'a': 1}`, 1, 2, "invalid"},
		{"an array", "\n []", 2, 2, "top level is an array"},
		{"null", "null", 1, 1, "top level is null"},
		{"map is a string", `{"mcpServers": "x"}`, 1, 16, `"mcpServers" is a string`},
		{"map is an array", `{"mcpServers": []}`, 1, 16, `"mcpServers" is an array`},
		{"map is false", `{"mcpServers": false}`, 1, 16, `"mcpServers" is a boolean`},
		{"map is a number", `{"mcpServers": -1}`, 1, 16, `"mcpServers" is a number`},
		{"map twice", "{\"mcpServers\": {},\n \"mcp\\u0053ervers\": null}", 2, 2, "there twice"},
		{"entry twice", `{"mcpServers": {"our": {}, "our": {}}}`, 1, 28, "twice"},
		{"UTF-16 with a mark", "\xff\xfe{\x00}\x00", 0, 0, "UTF-16"},
		{"UTF-16 big-endian with a mark", "\xfe\xff\x00{\x00}", 0, 0, "UTF-16"},
		{"UTF-16 without", "{\x00}\x00", 0, 0, "UTF-16"},
		{"UTF-16 big-endian without", "\x00{\x00}", 0, 0, "UTF-16"},
		{"Latin-1", "{\n \"a\": \"\xe4\"}", 2, 8, "invalid UTF-8"},
		{"too deep", strings.Repeat("[", 1001), 1, 1001, "1000 deep"},
		{"far too deep", `{"a":` + strings.Repeat(`{"a":`, 1<<20), 1, 5001, "1000 deep"},
		{"too deep between comments", strings.Repeat("/**/[//[\n", 1001), 1001, 5, "1000 deep"},
		{"too large", `{"mcpServers":"` + strings.Repeat("a", maxParsed) + `"}`, 0, 0, "larger than 64 MB"},
		{"two marks", "\ufeff\ufeff{}", 1, 1, "invalid"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, e := range []*Entry{&shortEntry, nil} {
				_, err := compute("", tc.before, "our", e)
				r, ok := errorsAsRefused(err)
				if !ok {
					t.Fatalf("error %v, want a RefusedError", err)
				}
				if r.Line != tc.line || r.Column != tc.column || !strings.Contains(r.Reason, tc.reason) {
					t.Errorf("%d:%d %q, want %d:%d %q", r.Line, r.Column, r.Reason, tc.line, tc.column, tc.reason)
				}
				checkRefusal(t, err)
			}
		})
	}
}

func TestDeepButNotTooDeep(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("[", 2000)
	for _, before := range []string{
		`{"a":` + strings.Repeat("[", 999) + strings.Repeat("]", 999) + `,"mcpServers":{}}`,
		`{"a":"\"` + many + `","mcpServers":{}}`,
		`{/*` + many + "*/ //" + many + "\n" + `"mcpServers":{}}`,
		`{"a":[` + strings.Repeat("[],", 2000) + `1],"mcpServers":{}}`,
	} {
		if ch := change(t, "", before, &shortEntry); ch.Action != Create {
			t.Error(ch.Action)
		}
	}
}
