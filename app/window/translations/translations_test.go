//go:build !lean

package translations

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/test"
	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// keys returns every text that the windows ask for, and which of them have
// plural forms.
func keys(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if !ok || pkg.Name != "lang" || !slices.Contains([]string{"L", "N", "X"}, sel.Sel.Name) {
				return true
			}
			lit, ok := call.Args[0].(*ast.BasicLit)
			if table, isTable := call.Args[0].(*ast.SelectorExpr); isTable && (table.Sel.Name == "Title" || table.Sel.Name == "Words") {
				return true // of a table, which is read as such
			}
			if !ok {
				t.Errorf("%s: lang.%s needs its text in place, so that it can be found", path, sel.Sel.Name)
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			found[text] = sel.Sel.Name == "N"
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range audit.Wordings() {
		found[w.Words] = false
	}
	for _, r := range alert.Defaults() {
		found[r.Title] = false
		for _, c := range r.Cases {
			if c.Title != "" {
				found[c.Title] = false
			}
		}
	}
	return found
}

var placeholder = regexp.MustCompile(`\{\{\.\w+\}\}`)

// Half a translation looks worse than none: every text is in every language, none
// is left over, and all have the same placeholders. English is the text itself, so
// that its file has the plurals alone.
func TestComplete(t *testing.T) {
	want := keys(t)
	for _, file := range []string{"en.json", "de.json"} {
		text, err := files.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var have map[string]any
		if err := json.Unmarshal(text, &have); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for key, plural := range want {
			if file == "en.json" && !plural && key != "number.group" {
				continue
			}
			forms := []any{have[key]}
			if plural {
				m, _ := have[key].(map[string]any)
				forms = []any{m["one"], m["other"]}
			}
			for _, form := range forms {
				s, _ := form.(string)
				if s == "" {
					t.Errorf("%s lacks %q", file, key)
					continue
				}
				a, b := placeholder.FindAllString(key, -1), placeholder.FindAllString(s, -1)
				slices.Sort(a)
				slices.Sort(b)
				if diff := cmp.Diff(a, b); diff != "" && key != "number.group" {
					t.Errorf("%s: %q has other placeholders:\n%s", file, key, diff)
				}
			}
		}
		for key := range have {
			if _, used := want[key]; !used {
				t.Errorf("%s: nothing uses %q", file, key)
			}
		}
	}
}

func TestGerman(t *testing.T) {
	test.NewTempApp(t)
	t.Setenv("LC_ALL", "de_DE.UTF-8")
	if err := Load(); err != nil {
		t.Fatal(err)
	}
	if got := lang.L("Audit log"); got != "Protokoll" {
		t.Errorf("got %q", got)
	}
	if got := lang.N("{{.Count}} events, newest first", 1, map[string]any{"Count": 1}); got != "1 Ereignis" {
		t.Errorf("got %q", got)
	}
}
