package text

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// JSON returns JSON of the same meaning that steers no terminal: what is Hidden in
// one of its strings is escaped. White space between tokens stays.
func JSON(s string) string {
	if strings.IndexFunc(s, escapes) < 0 {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		switch {
		case !escapes(r):
			out.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, "\\u%04x\\u%04x", high, low)
		default:
			fmt.Fprintf(&out, "\\u%04x", r)
		}
	}
	return out.String()
}

func escapes(r rune) bool { return Hidden(r) && r != '\n' && r != '\t' && r != '\r' }
