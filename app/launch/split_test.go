package launch

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// What a person types is what is started, spaces in a path and backslashes included.
func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		"":                               nil,
		"  npx  -y some-mcp ":            {"npx", "-y", "some-mcp"},
		`"C:\Program Files\x.exe" serve`: {`C:\Program Files\x.exe`, "serve"},
		`a '' "b c"d`:                    {"a", "", "b cd"},
		`say 'it is "so"'`:               {"say", `it is "so"`},
	} {
		got, err := Split(line)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", line, err, diff)
		}
	}
	if _, err := Split(`npx "open`); err == nil {
		t.Error("a quote that is not closed is accepted")
	}
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.String(), 1, 5).Draw(t, "words")
		got, err := Split(Join(words))
		if diff := cmp.Diff(words, got); diff != "" || err != nil {
			t.Fatalf("%q: %v\n%s", Join(words), err, diff)
		}
	})
}
