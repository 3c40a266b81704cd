// Package text makes words that somebody else chose fit to be shown: names of
// accounts, lines of a log or a file that others can write, errors that quote
// them. It takes out what steers a terminal, turns the direction of writing
// around, or is not seen at all. Markup is for whoever writes markup to escape.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName  = 80 // characters
	maxMarks = 3  // accents on one character; more reach into the lines around
)

// Hidden reports whether r has no place in a line: control characters of 7 and
// 8 bits, marks of direction, what is invisible, what is no character at all,
// and every white space but the plain one.
func Hidden(r rune) bool {
	return !unicode.IsPrint(r) || r == unicode.ReplacementChar || r == '\u2800' || // a Braille pattern without dots
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// Line returns s on one line of at most so many characters, without what is
// Hidden. White space of any kind and length becomes one space. It is empty if
// nothing of s can be seen.
func Line(s string, most int) string { return clean(s, most, false) }

// Lines is Line for a text that may have several.
func Lines(s string, most int) string { return clean(s, most, true) }

// Sentence returns s with a capital letter at the beginning of each line, as an
// error is shown that stands alone.
func Sentence(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if first, size := utf8.DecodeRuneInString(line); size > 0 {
			lines[i] = string(unicode.ToUpper(first)) + line[size:]
		}
	}
	return strings.Join(lines, "\n")
}

// Name is Line for a name in a sentence, where a blank would say something else.
func Name(s string) string {
	if s = Line(s, maxName); s != "" {
		return s
	}
	return "(no name)"
}

// Exact keeps every character's place, for comparing texts: tabs and spaces
// stay, and what is Hidden is shown as U+FFFD.
func Exact(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && Hidden(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

func clean(s string, most int, breaks bool) string {
	var out []rune
	var gap rune // white space that is written before the next character
	marks, seen := 0, false
	for _, r := range s {
		switch {
		case breaks && r == '\n':
			gap = r
			continue
		case unicode.IsSpace(r):
			if gap == 0 {
				gap = ' '
			}
			continue
		case Hidden(r):
			continue
		case unicode.Is(unicode.M, r):
			if marks++; marks > maxMarks {
				continue
			}
		default:
			marks, seen = 0, true
		}
		if gap != 0 && len(out) > 0 {
			out = append(out, gap)
		}
		gap = 0
		if out = append(out, r); len(out) > most {
			return strings.TrimRight(string(out[:most-1]), " \n") + "…"
		}
	}
	if !seen {
		return ""
	}
	return string(out)
}
