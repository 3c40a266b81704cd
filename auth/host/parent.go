package host

import (
	"path/filepath"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Parent is the name of the program that started this one, without its folder and
// its arguments, which may say more than belongs into a log. It is "" where that
// cannot be told, also if the parent has ended.
func Parent() string {
	name := filepath.Base(strings.TrimSuffix(parent(), " (deleted)"))
	if name == "." || name == string(filepath.Separator) {
		return ""
	}
	return text.Line(name, 60)
}
