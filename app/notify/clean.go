package notify

import (
	"strings"
	"unicode"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

// maxRunes is what the common desktops show of a notification.
const maxRunes = 200

const maxInput = 10_000 // characters that are searched for secrets

// tokenRun finds words in the alphabet of tokens, codes, keys and JWTs.
var tokenRun = text.Pattern(`[A-Za-z0-9_.+~-]{20,}=*`)

// cleanTitle makes a text fit for a title, which no system reads as markup.
func cleanTitle(s string) string {
	s = text.Line(plain(s), maxRunes)
	// A title is also an argument of the command-line tools that stand in for a
	// daemon: it must not look like an option.
	return strings.TrimLeft(s, "-")
}

// cleanBody makes a text fit for a body. Linux daemons read a subset of HTML
// there (Desktop Notifications Specification, "Markup").
func cleanBody(s, goos string) string {
	s = plain(s)
	if goos != "windows" && goos != "darwin" {
		s = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
	}
	return strings.TrimLeft(s, "-")
}

// plain redacts what looks like a secret, takes out what package text does, and
// cuts to maxRunes. It redacts before it cuts, so that a cut cannot make a token
// too short to be recognised.
func plain(s string) string {
	s = text.Lines(s, maxInput)
	s = strings.ReplaceAll(s, "]]>", "]] >") // would end the CDATA section of a Windows toast
	s = tokenRun().ReplaceAllStringFunc(s, func(word string) string {
		if looksSecret(word) {
			return "[redacted]"
		}
		return word
	})
	return text.Lines(s, maxRunes)
}

// looksSecret guesses generously: a notification that hides a harmless word is
// better than one that shows a token to whoever looks at the screen. Host and
// file names stay: they are shorter, or all in one case and without digits.
func looksSecret(word string) bool {
	var upper, lower, digit bool
	for _, r := range word {
		upper = upper || unicode.IsUpper(r)
		lower = lower || unicode.IsLower(r)
		digit = digit || unicode.IsDigit(r)
	}
	switch n := len(word); {
	case n >= 40:
		return true
	case n >= 32:
		return digit || (upper && lower)
	default:
		return upper && lower && digit
	}
}
