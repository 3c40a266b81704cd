//go:build !lean

package kit

import (
	"fyne.io/fyne/v2/lang"

	"github.com/stagedoor-app/stagedoor/app/setup"
)

// QuestionWords say what an entry that is in the way does now, and what would become of it.
func QuestionWords(q setup.Question) string {
	words := map[string]any{"Program": q.Program, "Profile": q.Profile, "Ours": q.Ours, "Instead": q.Instead}
	switch {
	case q.Ours != "":
		return lang.L("It starts another server already: {{.Ours}}. It would start {{.Instead}} in its place, with the tokens of {{.Profile}}. The former file is kept as a copy.", words)
	case q.Program == "":
		return lang.L("It is not Stagedoor’s and starts no program here. It would be replaced by one that starts a server with the tokens of {{.Profile}}. The former file is kept as a copy.", words)
	case q.Instead != "":
		return lang.L("It starts {{.Program}} without Stagedoor. It would be replaced by {{.Instead}}, with the tokens of {{.Profile}}. The former file is kept as a copy.", words)
	}
	return lang.L("It starts {{.Program}} without Stagedoor. It would start through Stagedoor with the tokens of {{.Profile}}, and keep its arguments and variables. The former file is kept as a copy.", words)
}
