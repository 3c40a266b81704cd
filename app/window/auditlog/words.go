//go:build !lean

package auditlog

import (
	"cmp"
	"fmt"
	"strings"

	"fyne.io/fyne/v2/lang"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Words says an event's name in words. A name from a newer version is shown as it
// is, with spaces.
func Words(name string) string {
	if w := audit.WordingOf(name); w.Words != "" {
		return lang.L(w.Words)
	}
	return label(name)
}

func outcomeWord(outcome string) string {
	return cmp.Or(map[string]string{audit.OK: lang.L("ok"), audit.Failed: lang.L("failed")}[outcome], outcome)
}

// actorWord says which part of Stagedoor wrote an event.
func actorWord(actor string) string {
	return cmp.Or(map[string]string{
		"tray": lang.L("tray"), "window": lang.L("window"), "cli": lang.L("command line"), "launcher": lang.L("launcher"),
	}[actor], actor)
}

// value prints one value of an event's data. Numbers come from JSON as float64;
// whole ones are shown without an exponent.
func value(v any) string {
	switch v := v.(type) {
	case nil:
		return "—"
	case bool:
		if v {
			return lang.L("yes")
		}
		return lang.L("no")
	case float64:
		if v == float64(int64(v)) {
			return fmt.Sprintf("%d", int64(v))
		}
	}
	return fmt.Sprint(v)
}

// label prints the key of an event's data.
func label(key string) string { return capital(strings.ReplaceAll(key, "_", " ")) }

func capital(s string) string { return text.Sentence(text.Line(s, 200)) }
