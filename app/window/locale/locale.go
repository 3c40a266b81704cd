//go:build !lean

// Package locale keeps Fyne from complaining about locales such as C.UTF-8,
// the usual one in containers and minimal systems. Fyne looks the language up
// while its packages are initialised, before main, and reports any name that is
// not a language tag on stderr, so every command of the full build would start
// with three lines of noise.
//
// Go initialises packages in the order of their import paths as soon as their
// imports are ready (language specification, "Program initialization"). This
// package imports only the standard library and sorts before
// golang.org/x/text, which Fyne's lang package needs, so it comes first: it
// hides the locale, and Reveal puts it back before main. The launcher's child
// therefore sees the environment that the user gave.
//
// Not safe for concurrent use.
package locale

import (
	"os"
	"strings"
)

func init() { Hide() }

// hidden is what Hide changed, for Reveal. There is one environment per process.
var hidden struct{ name, value string }

// Hide replaces a C locale with a character set by plain C, which Fyne
// understands as "English".
func Hide() {
	if hidden.name != "" {
		return
	}
	// The first variable that is set decides, as in setlocale(3).
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		value := os.Getenv(name)
		if value == "" {
			continue
		}
		if strings.HasPrefix(value, "C.") || strings.HasPrefix(value, "POSIX.") {
			hidden.name, hidden.value = name, value
			_ = os.Setenv(name, "C") // fails for names with '=' only
		}
		return
	}
}

// Reveal undoes Hide.
func Reveal() {
	if hidden.name != "" {
		_ = os.Setenv(hidden.name, hidden.value)
		hidden.name, hidden.value = "", ""
	}
}
