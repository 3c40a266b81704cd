package provider

import (
	"slices"
	"strings"
	"testing"
)

// The rows that are built in are held to what a user's are.
func TestBuiltInRowsHoldToTheRules(t *testing.T) {
	for _, p := range All() {
		for at, what := range p.check(false) {
			t.Errorf("%s: %s: %s", p.ID, at, what)
		}
	}
}

// Whatever a file has in it: faults are at places in it, and what has none is what a
// profile can keep.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"name": "A", "authorization": "https://a.example/a", "token": "https://a.example/t", "redirect": {"path": "/c"}, "rotation": "varies"}`))
	f.Add([]byte(`{"name": 1, "x": [1, {"y": 2}], "name": "A", "scopes": ["a", 1, "b c"], "dialect": {"no_end": 1}}`))
	f.Add([]byte("[\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, faults := parse(data, "id")
		lines := strings.Split(string(data), "\n")
		for _, fault := range faults {
			if fault.Line < 1 || fault.Line > len(lines) || fault.Column < 1 || fault.Column > 1+len([]rune(lines[fault.Line-1])) || fault.What == "" {
				t.Errorf("%+v is not in the file", fault)
			}
		}
		if len(faults) > 2*maxFaults {
			t.Errorf("%d faults", len(faults))
		}
		if len(faults) == 0 && (p.Name == "" || !p.Discovery && p.Token == "" || slices.Contains(p.Scopes, "")) {
			t.Errorf("%+v is a row", p)
		}
	})
}
