package hint

import (
	"regexp"
	"strings"
)

var (
	// command is how advice begins to speak of the command line.
	command = "(?:stagedoor [a-z]|--[a-z]|STAGEDOOR_)"
	// aside is a command after the words that say it, or in brackets.
	aside  = regexp.MustCompile(` \([^()]*` + command + `[^()]*\)|: ` + "`stagedoor [^`]*`" + `|: stagedoor [^;\n]*`)
	spoken = regexp.MustCompile("`" + `|(?:^|[^\w-])` + command)
	clause = regexp.MustCompile(`[^;\n]+(?:; |\n|$)`)
)

// Plain is advice for a person who has a window, and not a command line, before them:
// without commands, options and variables. Advice says in words what to do, so that
// the rest stands by itself: "sign in again: stagedoor login work", "give the client
// id (--client-id)". A clause that does not is left out as a whole. Advice that says "in a
// terminal" has no other way, and stays as it is.
func Plain(advice string) string {
	if strings.Contains(advice, "in a terminal") {
		return advice
	}
	advice = strings.ReplaceAll(aside.ReplaceAllString(advice, ""), " behind --", "")
	var kept strings.Builder
	for _, c := range clause.FindAllString(advice, -1) {
		if !spoken.MatchString(c) {
			kept.WriteString(c)
		}
	}
	return strings.TrimRight(kept.String(), "; \n")
}
