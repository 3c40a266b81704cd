package clients

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/stagedoor-app/stagedoor/app/clients/clientstest"
)

func goose(t rapid.TB) Client {
	t.Helper()
	c, err := Lookup("goose")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// yamlParts are what documents are put together from; %d keeps keys apart.
var yamlParts = []string{
	"", "# a comment", "   # extensions:", "k%d: 1", "k%d: 'it''s # no comment'   # c", "\"quoted %d\": \"a: b \\\" \\u00e9\"", "k%d: |\n  extensions:\n    s:\n      cmd: x\n",
	"k%d: >+\n  folded\n\n  text\n\n", "k%d: [a, {b: c},\n  'd']", "k%d: {x: 1, \"y\": [2]}", "k%d:\n- a\n-  b: 1\n   c: 2", "k%d: &anchor%d\n  deep:\n    deeper: true\nalias%d: *anchor%d",
	"k%d: plain text\n  on two lines", "k%d: ~", "? complex%d\n: value", "k%d: |+\n  kept\n\n\n", "k%d:\n- >-\n  stripped", "k%d: !!str 5", "k%d:\n    far: in\n    # a comment within",
}

var yamlExtensions = []string{
	"", "extensions:\n  developer:\n    enabled: true\n    type: builtin # mine\n", "# about\nextensions: # here\n\n    # first\n    other:\n      cmd: npx\n      args:\n      - -y\n      - \"x\"\n      envs: {TOKEN: made-up}\n    last:\n      type: stdio\n",
	"extensions:\n  a: {type: builtin}\n\n  b:\n    description: >-\n      several\n\n      lines\n",
}

func yamlDocument() *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		nl := rapid.SampledFrom([]string{"\n", "\n", "\r\n"}).Draw(t, "newline")
		parts := rapid.SliceOfN(rapid.SampledFrom(yamlParts), 0, 8).Draw(t, "parts")
		own := rapid.IntRange(0, len(parts)).Draw(t, "where")
		var doc strings.Builder
		for i := range len(parts) + 1 {
			if i == own {
				doc.WriteString(rapid.SampledFrom(yamlExtensions).Draw(t, "extensions"))
			}
			if i < len(parts) {
				doc.WriteString(strings.ReplaceAll(parts[i], "%d", fmt.Sprint(i)) + "\n")
			}
		}
		text := strings.ReplaceAll(doc.String(), "\n", nl)
		if rapid.Bool().Draw(t, "open end") {
			text = strings.TrimSuffix(text, nl)
		}
		return []byte(text)
	})
}

// yamlOthers is all that another reader of the file finds, but for our entry.
func yamlOthers(t rapid.TB, text []byte) map[string]any {
	t.Helper()
	all := map[string]any{}
	if err := yaml.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return withoutOurs(all, "extensions")
}

// For any document, a set-up and its removal give back the bytes, and nothing but the
// entry is ever touched.
func TestYAMLProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		client, before := goose(t), yamlDocument().Draw(t, "document")
		do := func(data []byte, e *Entry) Change {
			ch := Change{Client: client.ID, Path: "/config.yaml", Name: "s", Entry: e, Before: data, Exists: true}
			if err := ch.compute(client); err != nil {
				t.Fatalf("%v\n%s", err, data)
			}
			_ = ch.Diff()
			return ch
		}
		first, second := tomlEntries.Draw(t, "first"), tomlEntries.Draw(t, "second")
		set := do(before, &first)
		if !clientstest.Inserted(before, set.After) {
			t.Fatalf("more than the entry has changed\n%s", cmp.Diff(string(before), string(set.After)))
		}
		if diff := cmp.Diff(yamlOthers(t, before), yamlOthers(t, set.After)); diff != "" {
			t.Fatalf("others read -before +set\n%s", diff)
		}
		if again := do(set.After, &first); again.Action != Unchanged || !bytes.Equal(again.After, set.After) {
			t.Fatalf("a second time it is %s:\n%s", again.Action, again.After)
		}
		if gone := do(set.After, nil); !bytes.Equal(gone.After, before) {
			t.Fatalf("-before +removed\n%s", cmp.Diff(string(before), string(gone.After)))
		}
		other := do(set.After, &second)
		if gone := do(other.After, nil); !bytes.Equal(gone.After, before) {
			t.Fatalf("after an update: -before +removed\n%s", cmp.Diff(string(before), string(gone.After)))
		}
		var read struct {
			Extensions map[string]struct {
				Name, Type, Cmd string
				Enabled         bool
				Args            []string
				Envs            map[string]string
			}
		}
		if err := yaml.Unmarshal(other.After, &read); err != nil {
			t.Fatal(err)
		}
		is := read.Extensions["s"]
		got := Entry{Command: is.Cmd, Args: is.Args, Env: is.Envs}
		if diff := cmp.Diff(second, got, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(Entry{})); diff != "" || is.Name != "s" || is.Type != "stdio" || !is.Enabled {
			t.Fatalf("Goose reads %+v, -want +got:\n%s", is, diff)
		}
	})
}

// The line ends behind a block scalar may be the value's.
func TestYAMLKeepsBlockScalars(t *testing.T) {
	for _, before := range []string{
		"k: |+\n  x\n\n", "k: |+\n  x", "k: |\n  x", "# top\n\nk:\n  deep: >+\n    x\n\n\n", "k: |+\r\n  x\r\n\r\n", "k: |+\n  x\n\nextensions:\n  s:\n    cmd: /s\n",
	} {
		set := Change{Client: "goose", Path: "/f", Name: "s", Entry: &shortEntry, Before: []byte(before), Exists: true}
		if err := set.compute(goose(t)); err != nil {
			t.Fatal(err)
		}
		gone := Change{Client: "goose", Path: "/f", Name: "s", Before: set.After, Exists: true}
		if err := gone.compute(goose(t)); err != nil || set.Action == Create && string(gone.After) != before {
			t.Errorf("%q is %q by way of %q, %v", before, gone.After, set.After, err)
		}
		for _, after := range [][]byte{set.After, gone.After} {
			if diff := cmp.Diff(yamlOthers(t, []byte(before)), yamlOthers(t, after)); diff != "" {
				t.Errorf("%q -before +after %q\n%s", before, after, diff)
			}
		}
	}
}

// A comment beside the list of extensions is the user's, also when our entry was the only one.
func TestYAMLKeepsTheListsComment(t *testing.T) {
	for before, want := range map[string]string{
		"a: 1\n\nextensions: {}  # mine\nb: 2\n": "a: 1\n\nextensions: {}  # mine\nb: 2\n",
		"extensions: ~ # none\r\nb: 2\r\n":       "extensions: {} # none\r\nb: 2\r\n",
		"extensions: # mine":                     "extensions: {} # mine\n",
	} {
		set := Change{Client: "goose", Path: "/f", Name: "s", Entry: &shortEntry, Before: []byte(before), Exists: true}
		if err := set.compute(goose(t)); err != nil {
			t.Fatal(err)
		}
		gone := Change{Client: "goose", Path: "/f", Name: "s", Before: set.After, Exists: true}
		if err := gone.compute(goose(t)); err != nil || string(gone.After) != want {
			t.Errorf("%q is %q by way of %q, %v", before, gone.After, set.After, err)
		}
	}
}

// What is not understood, or not written in blocks, is left alone with the reason.
func TestYAMLRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"broken":            {"a: [1,\n", "not valid YAML"},
		"a secret in it":    {"token: made-up: secret\n", "not valid YAML"},
		"tabs":              {"a:\n\tb: 1\n", "not valid YAML"},
		"zeros":             {"a: 1\n\x00\x00", "/f:2:1: the file is damaged"},
		"two documents":     {"a: 1\n---\nb: 2\n", "several documents"},
		"a list":            {"- a\n", "the top level is no block mapping"},
		"JSON":              {`{"extensions": {}}`, "the top level is no block mapping"},
		"flow":              {"extensions: {a: {cmd: x}}\n", `"extensions" is no block mapping`},
		"an anchor":         {"extensions: &x\n  a:\n    cmd: x\nb: *x\n", `"extensions" is no block mapping`},
		"an alias":          {"b: &x\n  a:\n    cmd: x\nextensions: *x\n", `"extensions" is no block mapping`},
		"keys twice":        {"a: 1\na: 2\n", "not valid YAML"},
		"an entry in flow":  {"extensions:\n  s: {cmd: /y}\n", `the entry "s" is no block mapping`},
		"unusual line ends": {"a: 1\rb: 2\r", "line ends of an unusual kind"},
	} {
		ch := Change{Client: "goose", Path: "/f", Name: "s", Entry: &Entry{Command: "/x"}, Before: []byte(c.text), Exists: true}
		if err := ch.compute(goose(t)); err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "made-up") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A difference shows what is ours, and no value of others; what a user switched off
// stays so.
func TestYAMLUpdateAndDiff(t *testing.T) {
	const before = "key: made-up 1\nlist:\n- made-up 2\nextensions:\n  s:\n    enabled: false\n    cmd: /old # where\n    envs:\n      A: made-up-3\n    description: |\n      made-up 4\n  x:\n    envs: {T: made-up 5}\n"
	ch := Change{Client: "goose", Path: "/f", Name: "s", Entry: &Entry{Command: "/opt/stagedoor", Args: []string{"run"}}, Before: []byte(before), Exists: true}
	if err := ch.compute(goose(t)); err != nil {
		t.Fatal(err)
	}
	const want = "key: made-up 1\nlist:\n- made-up 2\nextensions:\n  s:\n    name: \"s\"\n    type: \"stdio\"\n    timeout: 300\n    args: [\"run\"]\n    enabled: false\n    cmd: \"/opt/stagedoor\"\n    envs: {}\n    description: |\n      made-up 4\n  x:\n    envs: {T: made-up 5}\n"
	if diff := cmp.Diff(want, string(ch.After)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	was, err := ParseEntry(ch.Was())
	if err != nil {
		t.Fatal(err)
	}
	back := Change{Client: "goose", Path: "/f", Name: "s", Entry: was, Before: ch.After, Exists: true}
	if err := back.compute(goose(t)); err != nil || string(back.After) != before {
		t.Errorf("put back it is %v\n%s", err, back.After)
	}
	if diff := ch.Diff(); strings.Contains(diff, "made-up") || !strings.Contains(diff, `+    cmd: "/opt/stagedoor"`) {
		t.Errorf("the difference is\n%s", diff)
	}
}
