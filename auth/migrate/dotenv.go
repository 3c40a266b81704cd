package migrate

import (
	"regexp"
	"strings"
	"unicode"
)

// binding is one entry of an .env file: an assignment, a comment, blank lines,
// or something that cannot be read. The bindings of a file, one behind the
// other, are the file.
type binding struct {
	text  string // as it stands in the file, with its line end
	line  int    // where it begins, from 1
	key   string // "" for everything but an assignment
	value string // what the variable is set to
	quote byte   // around the value, or 0
	bad   bool   // cannot be read
}

// bindings reads an .env file by the grammar of python-dotenv, with which the
// old servers read it: single and double quotes that may span lines, their
// escapes, "export", comments behind values, and any of the three line ends.
// Backquotes are those of dotenv for Node, which take everything as it stands.
func bindings(s string) []binding {
	var list []binding
	line := 1
	add := func(b binding) {
		if b.text == "" {
			return
		}
		b.line = line
		line += lines(b.text)
		list = append(list, b)
	}
	for at := 0; at < len(s); {
		// Blank space in front is kept apart, so that taking an entry out
		// leaves the paragraphs as they were.
		blank := len(s[at:]) - len(strings.TrimLeftFunc(s[at:], space))
		if at+blank < len(s) {
			blank = strings.LastIndexAny(s[at:at+blank], "\r\n") + 1
		}
		add(binding{text: s[at : at+blank]})
		at += blank
		if at == len(s) {
			break
		}
		p := parser{s: s, at: at}
		b := binding{}
		if !p.entry(&b) {
			b = binding{bad: true}
			p.at = endOfLine(s, p.at)
		}
		b.text = s[at:p.at]
		add(b)
		at = p.at
	}
	return list
}

// parser reads one entry.
type parser struct {
	s  string
	at int
}

func space(r rune) bool  { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }
func inline(r rune) bool { return space(r) && r != '\r' && r != '\n' }

func (p *parser) rest() string { return p.s[p.at:] }

func (p *parser) skip(f func(rune) bool) {
	p.at += len(p.rest()) - len(strings.TrimLeftFunc(p.rest(), f))
}

func (p *parser) next() byte {
	if p.at >= len(p.s) {
		return 0
	}
	return p.s[p.at]
}

// entry reads an assignment or a comment and its line end.
func (p *parser) entry(b *binding) bool {
	p.skip(inline)
	if after, ok := strings.CutPrefix(p.rest(), "export"); ok {
		if trimmed := strings.TrimLeftFunc(after, inline); len(trimmed) < len(after) {
			p.at = len(p.s) - len(trimmed)
		}
	}
	if p.next() != '#' {
		if b.key = p.key(); b.key == "" {
			return false
		}
	}
	p.skip(inline)
	if p.next() == '=' {
		p.at++
		p.skip(inline)
		var ok bool
		if b.value, b.quote, ok = p.value(); !ok {
			return false
		}
	}
	before := p.at
	p.skip(inline)
	if p.next() == '#' {
		p.at += untilLineEnd(p.rest())
	} else {
		p.at = before
	}
	p.skip(inline)
	if r := p.rest(); r != "" && r[0] != '\r' && r[0] != '\n' {
		return false
	}
	p.at = endOfLine(p.s, p.at)
	return true
}

func (p *parser) key() string {
	if p.next() == '\'' {
		key, _, ok := strings.Cut(p.rest()[1:], "'")
		if !ok {
			return ""
		}
		p.at += len(key) + 2
		return key
	}
	start := p.at
	p.skip(func(r rune) bool { return r != '=' && r != '#' && !space(r) })
	return p.s[start:p.at]
}

var (
	doubleEscape = regexp.MustCompile(`\\[\\'"abfnrtv]`)
	singleEscape = regexp.MustCompile(`\\[\\']`)
	trailing     = regexp.MustCompile(`[\s\x0b\x1c-\x1f\x{85}\p{Z}]+#.*`)
	escapes      = map[byte]string{
		'\\': "\\", '\'': "'", '"': "\"", 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
	}
)

func (p *parser) value() (text string, quote byte, ok bool) {
	switch quote := p.next(); quote {
	case '\'', '"', '`':
		n := closing(p.rest()[1:], quote)
		if n < 0 {
			return "", 0, false
		}
		raw := p.rest()[1 : 1+n]
		p.at += n + 2
		escape := map[byte]*regexp.Regexp{'\'': singleEscape, '"': doubleEscape}[quote]
		if escape == nil {
			return raw, quote, true
		}
		return escape.ReplaceAllStringFunc(raw, func(m string) string { return escapes[m[1]] }), quote, true
	case 0, '\r', '\n':
		return "", 0, true
	default:
		raw := p.rest()[:untilLineEnd(p.rest())]
		p.at += len(raw)
		return strings.TrimRightFunc(trailing.ReplaceAllString(raw, ""), space), 0, true
	}
}

// closing finds the quote that ends a value: the first without a backslash in
// front, or, if there is none, the last one at all.
func closing(s string, quote byte) int {
	last := -1
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == quote:
			i++
			last = i
		case s[i] == quote:
			return i
		}
	}
	return last
}

func untilLineEnd(s string) int {
	if i := strings.IndexAny(s, "\r\n"); i >= 0 {
		return i
	}
	return len(s)
}

// endOfLine returns the place behind the line that at is in.
func endOfLine(s string, at int) int {
	at += untilLineEnd(s[at:])
	switch {
	case strings.HasPrefix(s[at:], "\r\n"):
		return at + 2
	case at < len(s):
		return at + 1
	}
	return at
}

// lines counts line ends.
func lines(s string) int {
	return strings.Count(s, "\n") + strings.Count(s, "\r") - strings.Count(s, "\r\n")
}

var (
	word     = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)
	variable = regexp.MustCompile(`\$\{([^}:]*)(?::-([^}]*))?\}`)
	// reference is a variable as a shell and dotenv for Node take it, too.
	reference = regexp.MustCompile(`\$\{?([A-Za-z_][A-Za-z0-9_]*)`)
)

// expand resolves ${NAME} and ${NAME:-default} from the values above. missing
// gets the names that stand nowhere in the file. It is false as soon as the
// result has more than room bytes: a few lines that each repeat the one above
// twice would fill the memory.
func expand(value string, known map[string]string, missing func(string), room int) (string, bool) {
	var b strings.Builder
	at := 0
	for _, m := range variable.FindAllStringSubmatchIndex(value, -1) {
		name := value[m[2]:m[3]]
		text, ok := known[name]
		if !ok {
			missing(name)
			if m[4] >= 0 {
				text = value[m[4]:m[5]]
			}
		}
		if b.Len()+m[0]-at+len(text) > room {
			return "", false
		}
		b.WriteString(value[at:m[0]])
		b.WriteString(text)
		at = m[1]
	}
	b.WriteString(value[at:])
	return b.String(), b.Len() <= room
}
