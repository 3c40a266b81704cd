package host

import (
	"path/filepath"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Parent is the name of the program that started this one, without its folder and
// its arguments, which may say more than belongs into a log. It is "" where that
// cannot be told, also if the parent has ended.
func Parent() string { return programName(parent()) }

// deleted is what Linux adds to the path of a program that was updated.
const deleted = " (deleted)"

// programName is the name of a program at a path, which whoever put it there chose.
func programName(path string) string {
	name := filepath.Base(strings.TrimSuffix(path, deleted))
	if name == "." || name == string(filepath.Separator) {
		return ""
	}
	return text.Line(name, 60)
}
