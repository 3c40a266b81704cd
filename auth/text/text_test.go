package text_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

// A hint stands below its error, each with a capital letter as what stands alone.
func TestSentence(t *testing.T) {
	if got, want := text.Sentence("élan is lost\n\nfind it"), "Élan is lost\n\nFind it"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What a provider calls an account must not clear the user's screen, turn a
// sentence around, or make it say something else by being nothing.
func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"Ada Lovelace":                           "Ada Lovelace",
		"  Ada \t\n Lovelace\u00a0":              "Ada Lovelace",
		"a\x1b[2Jb\x07\x00c":                     "a[2Jbc",
		"8 bit \u009b2J\u009d0;x\u009c":          "8 bit 2J0;x",
		"8 bit \x9b2J":                           "8 bit 2J",
		"a\u0085b\u2028c\u2029d":                 "a b c d",
		"pay \u202eeda\u202c":                    "pay eda",
		"\u2066x\u2069\u200e\u200f\u061c":        "x",
		"a\u200bb\u200c\u200d\u2060\ufeff\u00ad": "ab",
		"\u3164\uffa0\u115f\u1160\u2800\u034f\ufe0f\U000e0041\U000e0100": "",
		"\u0301\u0302":                    "",
		"\xff\xfe\ufffd":                  "",
		"\ue000\U0010fffd":                "",
		"e\u0301\u0302\u0303\u0304\u0305": "e\u0301\u0302\u0303",
		"Łukasz 李 🎵 שלום":                 "Łukasz 李 🎵 שלום",
		strings.Repeat("ä", 90):           strings.Repeat("ä", 79) + "…",
		strings.Repeat("ä", 80):           strings.Repeat("ä", 80),
	} {
		if got := text.Line(in, 80); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if want == "" {
			want = "(no name)"
		}
		if got := text.Name(in); got != want {
			t.Errorf("the name %q: %q, want %q", in, got, want)
		}
	}
	if got := text.Lines(" a\r\n\n\u202eb \n", 80); got != "a\nb" {
		t.Errorf("%q", got)
	}
	if got := text.Exact("\ta \x1b\u200b  b"); got != "\ta \ufffd\ufffd  b" {
		t.Errorf("%q", got)
	}
}

// Where a value ends must be seen, or one that somebody else chose looks like
// two.
func TestPairs(t *testing.T) {
	data := map[string]any{"name": "left out", "n": 1e6, "b": true, "note": "a b", "x": "y=1", "empty": "", "evil\n": "\u202ex"}
	got := text.Pairs(data, 80, func(key string) bool { return key == "name" })
	if want := `b=true empty="" evil=x n=1000000 note="a b" x="y=1"`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\u202e\x1b[2J \xff", 5)
	f.Fuzz(func(t *testing.T, s string, most int) {
		if most < 1 || most > 1000 {
			return
		}
		got := text.Lines(s, most)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > most || strings.ContainsFunc(got, func(r rune) bool { return r != '\n' && text.Hidden(r) }) {
			t.Errorf("%q: %q", s, got)
		}
		if again := text.Lines(got, most); again != got {
			t.Errorf("%q, once more: %q", got, again)
		}
	})
}
