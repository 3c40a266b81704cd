package launch

import (
	"strings"
	"unicode"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Split takes a command line apart that a person typed where no shell does it: at white
// space, but not between quotes. A backslash is itself, as in paths of Windows.
func Split(line string) (words []string, err error) {
	var word strings.Builder
	quote, open := rune(0), false
	for _, r := range line {
		switch {
		case quote == 0 && (r == '"' || r == '\''):
			quote, open = r, true
		case r == quote && quote != 0:
			quote = 0
		case quote == 0 && unicode.IsSpace(r):
			if open {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteRune(r)
			open = true
		}
	}
	if quote != 0 {
		return nil, hint.New("a quote is not closed", "close it, or take it out")
	}
	if open {
		words = append(words, word.String())
	}
	return words, nil
}

// Join is a command line that Split takes apart into words.
func Join(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		switch {
		case w != "" && !strings.ContainsFunc(w, unicode.IsSpace) && !strings.ContainsAny(w, `"'`):
			out[i] = w
		case !strings.Contains(w, `"`):
			out[i] = `"` + w + `"`
		default:
			out[i] = "'" + strings.ReplaceAll(w, "'", `'"'"'`) + "'"
		}
	}
	return strings.Join(out, " ")
}
