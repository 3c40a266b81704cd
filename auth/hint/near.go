package hint

import (
	"slices"
	"strings"
)

// distance is how many bytes must be added, removed or replaced to make b of a
// (Levenshtein). It tells a slip from another word, for "did you mean".
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// Nearest returns the name that word was probably meant to be, or "": the one
// with the fewest slips, or else one that contains it.
func Nearest(word string, names []string) string {
	best, found := 1+len(word)/3, ""
	for _, name := range names {
		if d := distance(word, name); d < best || d == best && found == "" {
			best, found = d, name
		}
	}
	if i := slices.IndexFunc(names, func(name string) bool { return strings.Contains(name, word) }); found == "" && i >= 0 && len(word) >= 3 {
		return names[i]
	}
	return found
}
