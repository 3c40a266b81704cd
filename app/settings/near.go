package settings

import "github.com/stagedoor-app/stagedoor/auth/hint"

// nearest returns the name that word was probably meant to be, or "".
func nearest(word string, names []string) string {
	best, found := 1+len(word)/3, ""
	for _, name := range names {
		if d := hint.Distance(word, name); d <= best && (found == "" || d < best) {
			best, found = d, name
		}
	}
	return found
}
