package text

import (
	"regexp"
	"sync"
)

// Pattern compiles an expression when it is first needed. Most of what a start
// of `stagedoor run` could compile, it never uses.
func Pattern(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
