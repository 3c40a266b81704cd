package migrate

import (
	"strings"
	"unicode"

	"github.com/stagedoor-app/stagedoor/auth/text"
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
	unset bool   // the value names a variable that is not in the file
}

// The grammar is that of python-dotenv, with which the old servers read their
// files: single and double quotes that may span lines, "export", comments behind
// values, and any of the three line ends. Backquotes are those of dotenv for
// Node, which take everything as it stands.
const (
	blankText  = `[\s\x0b\x1c-\x1f\x{85}\p{Z}]`
	inlineText = `[\t\x0b\f \x1c-\x1f\x{85}\p{Z}]`
	nameText   = `('[^']+'|[^=#'\s\x0b\x1c-\x1f\x{85}\p{Z}][^=#\s\x0b\x1c-\x1f\x{85}\p{Z}]*)`
	valueText  = `('(?:\\'|[^'])*'|"(?:\\"|[^"])*"|` + "`(?:\\\\`|[^`])*`|[^'\"`\r\n][^\r\n]*)"
)

var (
	blankLines = text.Pattern(`^` + blankText + `*(?:[\r\n]|$)`)
	// entry has the name, the value, and what stands behind them that is neither
	// a comment nor the end of the line.
	entry = text.Pattern(`^` + inlineText + `*(?:export` + inlineText + `+)?(?:` + nameText + inlineText + `*(?:=` + inlineText + `*` + valueText + `?)?)?` +
		inlineText + `*(?:#[^\r\n]*)?([^\r\n]*)(?:\r\n|\n|\r|$)`)

	escapes = map[byte]*strings.Replacer{
		'\'': strings.NewReplacer(`\\`, `\`, `\'`, `'`),
		'"': strings.NewReplacer(`\\`, `\`, `\'`, `'`, `\"`, `"`, `\a`, "\a", `\b`, "\b", `\f`, "\f", `\n`, "\n",
			`\r`, "\r", `\t`, "\t", `\v`, "\v"),
		'`': strings.NewReplacer(),
	}
)

// Assignment is a line of an .env file that sets a variable.
type Assignment struct {
	Line       int // from 1
	Key, Value string
}

// Assignments are the variables that an .env file sets, in their order, as they stand there.
func Assignments(data []byte) (list []Assignment) {
	for _, b := range bindings(strings.TrimPrefix(string(data), bom)) {
		if b.key != "" {
			list = append(list, Assignment{b.line, b.key, b.value})
		}
	}
	return list
}

// bindings takes an .env file apart. Blank lines are kept apart, so that taking
// an entry out leaves the paragraphs as they were.
func bindings(s string) []binding {
	var list []binding
	line := 1
	for s != "" {
		b := binding{line: line, text: blankLines().FindString(s)}
		if b.text == "" {
			m := entry().FindStringSubmatch(s)
			b.text = m[0]
			if b.bad = m[3] != ""; !b.bad {
				if b.key = m[1]; strings.HasPrefix(b.key, "'") {
					b.key = b.key[1 : len(b.key)-1]
				}
				b.value, b.quote = unquote(m[2])
			}
		}
		list = append(list, b)
		s, line = s[len(b.text):], line+lines(b.text)
	}
	return list
}

// unquote is what a value means, and the quote around it or 0.
func unquote(s string) (string, byte) {
	if s == "" {
		return "", 0
	}
	if r := escapes[s[0]]; r != nil {
		return r.Replace(s[1 : len(s)-1]), s[0]
	}
	before := 'x'
	for i, r := range s {
		if r == '#' && space(before) {
			s = s[:i]
			break
		}
		before = r
	}
	return strings.TrimRightFunc(s, space), 0
}

func space(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// lines counts line ends.
func lines(s string) int {
	return strings.Count(s, "\n") + strings.Count(s, "\r") - strings.Count(s, "\r\n")
}

var (
	variable = text.Pattern(`\$\{([^}:]*)(?::-([^}]*))?\}`)
	// reference is a variable as a shell and dotenv for Node take it, too.
	reference = text.Pattern(`\$\{?([A-Za-z_][A-Za-z0-9_]*)`)
)

// expand resolves ${NAME} and ${NAME:-default} from the values above. missing
// gets the names that stand nowhere in the file. It is false as soon as the
// result has more than room bytes: a few lines that each repeat the one above
// twice would fill the memory.
func expand(value string, known map[string]string, missing func(string), room int) (string, bool) {
	var b strings.Builder
	at := 0
	for _, m := range variable().FindAllStringSubmatchIndex(value, -1) {
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
