package incident

import (
	"fmt"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/alert"
)

// Markdown is the report in the form of the security policy's template.
func (r Report) Markdown() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	section := func(title string) { line("\n## %s\n", title) }

	line("# Security incident %s", r.ID)
	section("Incident summary")
	line("- **Incident ID**: %s", r.ID)
	line("- **Discovery time**: %s", stamp(r.Found))
	line("- **Report made**: %s", stamp(r.Opened))
	line("- **Severity**: %s (%s)", r.Severity, classes[r.Severity])
	line("- **Impact**: %s", r.impact())
	line("- **Status**: %s", r.Status)

	section("Technical details")
	line("- **Affected systems**: Stagedoor on this machine, and what uses the profiles under scope")
	line("- **Attack vector**: %s", r.vector())
	line("- **Scope**: %s", r.scope())
	if len(r.Alerts) > 0 {
		line("\n| Alert | Severity | State | First | Last | Count | What |")
		line("|---|---|---|---|---|---|---|")
		for _, a := range r.Alerts {
			line("| `%s` | %s | %s | %s | %s | %d | %s |", a.ID, a.Severity, a.State, stamp(a.First), stamp(a.Last), a.Count, cell(a.Message))
		}
	}

	section("Timeline")
	line("From %s on, from the audit log; lines with an asterisk are the evidence behind an alert.\n", stamp(r.Since))
	if r.Omitted > 0 {
		line("%d events in between are left out; `stagedoor audit` has them.\n", r.Omitted)
	}
	if len(r.Timeline) == 0 {
		line("There are no events.")
	} else {
		line("| No. | Time | Profile | Event | Details |")
		line("|---|---|---|---|---|")
		for _, e := range r.Timeline {
			mark := ""
			if e.Evidence {
				mark = " \\*"
			}
			event := e.Event
			if e.Failed {
				event += " (failed)"
			}
			line("| %d%s | %s | %s | %s | %s |", e.Seq, mark, stamp(e.Time), cell(e.Profile), cell(event), code(e.Data))
		}
	}

	section("Actions taken")
	if len(r.Actions) == 0 {
		line("None that the log tells of.")
	}
	for _, e := range r.Actions {
		whose := ""
		if e.Profile != "" {
			whose = " (" + cell(e.Profile) + ")"
		}
		detail := ""
		if e.Data != "" {
			detail = ": " + code(e.Data)
		}
		line("- %s: %s%s%s", stamp(e.Time), cell(e.Event), whose, detail)
	}

	section("User action required")
	if len(r.ToDo) == 0 {
		line("None.")
	}
	for _, s := range r.ToDo {
		line("- [ ] %s", s)
	}
	return b.String()
}

func (r Report) impact() string {
	switch n := len(r.Alerts); {
	case n == 0:
		return "no alert is open"
	case n == 1:
		return cell(r.Alerts[0].Message)
	default:
		return fmt.Sprintf("%s, and %d more alerts", cell(r.Alerts[0].Message), n-1)
	}
}

func (r Report) vector() string {
	seen, list := map[string]bool{}, []string{}
	rules := alert.Defaults()
	for _, a := range r.Alerts {
		if rule, ok := alert.Find(rules, a.Rule); ok && !seen[a.Rule] {
			seen[a.Rule] = true
			list = append(list, strings.ToLower(rule.Title[:1])+rule.Title[1:])
		}
	}
	if len(list) == 0 {
		return "unknown"
	}
	return strings.Join(list, "; ")
}

func (r Report) scope() string {
	if len(r.Profiles) == 0 {
		return "no profile"
	}
	names := make([]string, len(r.Profiles))
	for i, name := range r.Profiles {
		names[i] = cell(name)
	}
	return "profiles " + strings.Join(names, ", ")
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
