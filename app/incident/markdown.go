package incident

import (
	_ "embed"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/alert"
)

//go:embed report.md.tmpl
var layout string

var form = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("report").Funcs(template.FuncMap{
		"stamp": stamp, "cell": cell, "code": code, "class": func(s alert.Severity) string { return classes[s] },
		"kind": func(name string, list []Entry) actions { return actions{name, list} },
	}).Parse(layout))
})

type actions struct {
	Name string
	List []Entry
}

// Markdown is the report in the form of the security policy's template.
func (r Report) Markdown() string {
	var b strings.Builder
	if err := form().Execute(&b, r); err != nil {
		panic(err) // cannot be: the template is a part of the program, and a builder takes everything
	}
	return b.String()
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// cell is text in a table or a list that stays text.
func cell(s string) string {
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "[", `\[`, "]", `\]`, "*", `\*`, "_", `\_`, "`", "'").Replace(printable(s))
}

// code is text between back quotes, in which only those and a table's bars mean
// anything.
func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(s, "|", `\|`) + "`"
}

var classes = map[alert.Severity]string{alert.P0: "Critical", alert.P1: "High", alert.P2: "Medium", alert.P3: "Low"}
