package migrate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The old servers read their .env with python-dotenv, and what it took for a
// token is the token. The wanted values are what version 1.2 gives.
func TestBindingsReadWhatPythonReads(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		want map[string]string
	}{
		"plain":                      {"A=b\nC=d", map[string]string{"A": "b", "C": "d"}},
		"spaces around":              {"  A \t= b c  \n", map[string]string{"A": "b c"}},
		"export":                     {"export A=b\nexport\tC=d\nexported=e\n", map[string]string{"A": "b", "C": "d", "exported": "e"}},
		"comment behind":             {"A=b # c\nC=d#e\n", map[string]string{"A": "b", "C": "d#e"}},
		"comment is the value":       {"A=#b\n", map[string]string{"A": "#b"}},
		"comment line":               {"# A=b\n#\nC=d\n", map[string]string{"C": "d"}},
		"single quotes":              {`A='b # $c \n \' \\'` + "\n", map[string]string{"A": `b # $c \n ' \`}},
		"double quotes":              {`A="b\n\t\"\\ \x"` + "\n", map[string]string{"A": "b\n\t\"\\ \\x"}},
		"what set_key writes":        {`SPOTIFY_ACCESS_TOKEN='BQ-_it\'s'` + "\n", map[string]string{"SPOTIFY_ACCESS_TOKEN": "BQ-_it's"}},
		"comment behind quotes":      {"A='b' # c\n", map[string]string{"A": "b"}},
		"over lines":                 {"A=\"b\nc\"\nD=e\n", map[string]string{"A": "b\nc", "D": "e"}},
		"backslash at the end":       {`A='b\'` + "\n", map[string]string{"A": `b\`}},
		"CRLF":                       {"A=b\r\nC='d'\r\n", map[string]string{"A": "b", "C": "d"}},
		"old Mac":                    {"A=b\rC=d\r", map[string]string{"A": "b", "C": "d"}},
		"empty":                      {"A=\nB=''\nC=\"\"\nD\n", map[string]string{"A": "", "B": "", "C": "", "D": ""}},
		"no value and comment":       {"A= # b\n", map[string]string{"A": "# b"}},
		"the last one counts":        {"A=b\nA=c\n", map[string]string{"A": "c"}},
		"equal signs":                {"A=b=c==\n", map[string]string{"A": "b=c=="}},
		"quoted key":                 {"'A'=b\n", map[string]string{"A": "b"}},
		"other values":               {"A=b\nC=${A}-${NONE}-${NONE:-d}-$A\n", map[string]string{"A": "b", "C": "b--d-$A"}},
		"junk behind quotes":         {"A='b' c\nD=e\n", map[string]string{"D": "e"}},
		"quote that is not closed":   {"A=\"b\nC=d\n", map[string]string{"C": "d"}},
		"no key":                     {"=b\nC=d\n", map[string]string{"C": "d"}},
		"non-breaking space is none": {"A=\u00a0b\u00a0\n", map[string]string{"A": "b"}},
		"nothing":                    {"", map[string]string{}},
		"blank":                      {" \n\t\n", map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]string{}
			for _, b := range bindings(c.file) {
				if b.key != "" && !b.bad {
					got[b.key], _ = expand(b.value, got, func(string) {}, maxExpanded)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error("(-want +got)\n" + diff)
			}
		})
	}
}

// Whatever stands in an .env file, taking it apart loses no byte of it, and
// each entry knows its line.
func TestBindingsAreTheFile(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		"A", "KEY", "=", "'", `"`, `\`, `\'`, "#", " ", "\t", "\n", "\r\n", "\r", "export ", "é", "\u2028", "${A}", "x",
	})
	rapid.Check(t, func(t *rapid.T) {
		file := strings.Join(rapid.SliceOfN(piece, 0, 60).Draw(t, "pieces"), "")
		rest, line := file, 1
		for _, b := range bindings(file) {
			if !strings.HasPrefix(rest, b.text) || b.text == "" {
				t.Fatalf("entry %q is not at the front of %q", b.text, rest)
			}
			// A "\r\n" that lies across two entries is one line end.
			if b.line != line && b.line != line-1 {
				t.Fatalf("entry %q is on line %d, not %d", b.text, b.line, line)
			}
			rest, line = rest[len(b.text):], b.line+lines(b.text)
		}
		if rest != "" {
			t.Fatalf("%q is in no entry", rest)
		}
	})
}
