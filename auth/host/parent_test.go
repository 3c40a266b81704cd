package host

import (
	"os"
	"runtime"
	"strings"
	"testing"
)

func TestProgramName(t *testing.T) {
	for path, want := range map[string]string{
		"":                                     "",
		"/":                                    "",
		"/opt/claude/claude-desktop":           "claude-desktop",
		"/opt/claude/claude-desktop (deleted)": "claude-desktop",
		"/tmp/a\x1b[2J\nb\u202e c":             "a[2J b c",
		"/tmp/" + strings.Repeat("long", 1000): strings.Repeat("long", 14) + "lon…",
	} {
		if got := programName(path); got != want {
			t.Errorf("%.60q is called %q, want %q", path, got, want)
		}
	}
}

// The go command or whoever else started the tests.
func TestParent(t *testing.T) {
	got := Parent()
	if runtime.GOOS == "linux" {
		path, err := os.Readlink("/proc/self/exe")
		if err != nil || got == "" || got == programName(path) {
			t.Errorf("started by %q (this is %s, %v)", got, path, err)
		}
	}
	if strings.ContainsAny(got, "/\\\n ") {
		t.Errorf("started by %q", got)
	}
}
