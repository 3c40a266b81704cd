package clients

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

// masked stands for a value that is not shown.
const masked = "•••"

var (
	// secretName matches the names of members, variables and flags whose values
	// are not shown. Too many rather than too few.
	secretName = text.Pattern(`(?i)token|secret|key|passw|passphrase|pwd|auth|credential|cookie|bearer|private|session|^pat$|[_-]pat$`)
	assignment = text.Pattern(`(?i)([\w.-]*(?:token|secret|key|passw|passphrase|pwd|auth|credential|cookie|session)[\w.-]*["']?\s*[:=]\s*)("(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?|[^\s,&"'}]+)`)
	userinfo   = text.Pattern(`(://)[^\s/@"]+@`)
	bearer     = text.Pattern(`(?i)\b(bearer|basic)[ \t]+[^\s",]+`)
	word       = text.Pattern(`[A-Za-z0-9+/=_.~-]{20,}`)
)

// mask returns the text of the document with every value replaced that may be
// a secret: whatever stands under a telling name, in an `env` or `headers` object
// or behind a telling flag, long random words, and passwords in addresses; in
// comments too. Values in plain, those of the wanted entry, stay. Only what
// overlaps one of the given ranges of the text is looked at; the rest must not be
// printed. Lines keep their number. The result is for people and need not parse.
func (d *document) mask(plain map[string]bool, ranges []span) []byte {
	if d.blank() {
		return d.text
	}
	m := masker{text: d.text, plain: plain, ranges: ranges}
	m.value(d.root, false)
	return splice(d.text, m.edits...)
}

// edit replaces text[from:to].
type edit struct {
	from, to int
	with     []byte
}

// splice applies edits that do not overlap.
func splice(text []byte, edits ...edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return a.from - b.from })
	var out []byte
	at := 0
	for _, e := range edits {
		out = append(append(out, text[at:e.from]...), e.with...)
		at = e.to
	}
	return append(out, text[at:]...)
}

// span is a part of a text.
type span struct{ from, to int }

type masker struct {
	text   []byte
	plain  map[string]bool
	ranges []span
	edits  []edit
}

// printed says that some of the part is going to be seen.
func (m *masker) printed(from, to int) bool {
	return slices.ContainsFunc(m.ranges, func(r span) bool { return from < r.to && r.from < to })
}

func (m *masker) value(v hujson.Value, secret bool) {
	m.comments(v.BeforeExtra, v.StartOffset-len(v.BeforeExtra))
	m.comments(v.AfterExtra, v.EndOffset)
	if !m.printed(v.StartOffset, v.EndOffset) {
		return
	}
	switch val := v.Value.(type) {
	case *hujson.Object:
		for _, member := range val.Members {
			m.comments(member.Name.BeforeExtra, member.Name.StartOffset-len(member.Name.BeforeExtra))
			m.comments(member.Name.AfterExtra, member.Name.EndOffset)
			name := memberName(member)
			m.value(member.Value, secret || secretName().MatchString(name) || name == "env" || name == "headers")
		}
		m.comments(val.AfterExtra, v.EndOffset-1-len(val.AfterExtra))
	case *hujson.Array:
		telling := false
		for _, e := range val.Elements {
			m.value(e, secret || telling)
			lit, isLit := e.Value.(hujson.Literal)
			telling = isLit && e.Value.Kind() == '"' && flagOfSecret(lit.String())
		}
		m.comments(val.AfterExtra, v.EndOffset-1-len(val.AfterExtra))
	case hujson.Literal:
		m.literal(v, val, secret)
	}
}

// flagOfSecret matches `--api-key`, whose value is the next argument.
func flagOfSecret(arg string) bool {
	return strings.HasPrefix(arg, "-") && !strings.Contains(arg, "=") && secretName().MatchString(arg)
}

func (m *masker) literal(v hujson.Value, lit hujson.Literal, secret bool) {
	switch lit.Kind() {
	case '0':
		if secret {
			m.edits = append(m.edits, edit{v.StartOffset, v.EndOffset, []byte(masked)})
		}
	case '"':
		value := lit.String()
		if m.plain[value] || value == "" {
			return
		}
		clean := masked
		if !secret {
			clean = scrub(value)
		}
		if clean != value {
			m.edits = append(m.edits, edit{v.StartOffset, v.EndOffset, layout{}.value(clean, "", true)})
		}
	}
}

// comments masks what people comment out rather than delete.
func (m *masker) comments(extra hujson.Extra, at int) {
	extra = extra[:min(len(extra), len(m.text)-at)] // parseText added a newline
	if len(trimSpace(extra)) == 0 || !m.printed(at, at+len(extra)) {
		return
	}
	for line := range bytes.Lines(extra) {
		shown := bytes.TrimRight(line, "\r\n")
		if clean := scrub(string(shown)); clean != string(shown) {
			m.edits = append(m.edits, edit{at, at + len(shown), []byte(clean)})
		}
		at += len(line)
	}
}

// Scrub masks what looks secret in a line that a server wrote.
func Scrub(line string) string { return scrub(line) }

// scrub masks what looks secret inside one line of text; a text too long to be
// read by people is masked as a whole. The expressions are slow, so that
// each waits for a sign that it could match.
func scrub(s string) string {
	if len(s) > longLine {
		return masked
	}
	if strings.Contains(s, "@") {
		s = userinfo().ReplaceAllString(s, "${1}"+masked+"@")
	}
	if strings.ContainsAny(s, " \t") {
		s = bearer().ReplaceAllString(s, "$1 "+masked)
	}
	if strings.ContainsAny(s, ":=") {
		s = assignment().ReplaceAllString(s, "${1}"+masked)
	}
	if len(s) < 20 {
		return s
	}
	return word().ReplaceAllStringFunc(s, func(w string) string {
		if what, _ := Shape(w); what != "" || random(w) {
			return masked
		}
		return w
	})
}

// random guesses whether a long word was made by a machine. Paths, package
// names and addresses are long too; but their parts are short or are words:
// few digits, one case. Base64 has slashes as well, but starts with none.
func random(w string) bool {
	if len(w) >= 32 && w[0] != '/' && machineMade(w) && entropy(w) > 4.2 {
		return true
	}
	for _, part := range strings.FieldsFunc(w, func(r rune) bool { return r == '/' || r == '.' || r == '=' }) {
		if utf8.RuneCountInString(part) < 20 {
			continue
		}
		if machineMade(part) && entropy(part) > 3 {
			return true
		}
	}
	return false
}

// machineMade says that s has digits or both cases.
func machineMade(s string) bool {
	return strings.ContainsAny(s, "0123456789") || (strings.ToLower(s) != s && strings.ToUpper(s) != s)
}

// entropy is Shannon's, in bits per character.
func entropy(s string) float64 {
	var count [256]int
	for i := range len(s) {
		count[s[i]]++
	}
	var bits float64
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(s))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}

// values are the strings of an entry that are Stagedoor's own, and the program of
// the server: they hold no secret.
func (e *Entry) values() map[string]bool {
	shown := map[string]bool{}
	if e == nil {
		return shown
	}
	_, command := e.Behind()
	own := len(e.Args) - max(0, len(command)-1)
	for _, s := range append([]string{e.Command}, e.Args[:own]...) {
		shown[s] = true
	}
	for name, value := range e.Env {
		if strings.HasPrefix(name, "STAGEDOOR_") {
			shown[value] = true
		}
	}
	return shown
}
