//go:build e2e && linux

// Package watch has the timers for `stagedoor watch --once`.
package watch

import (
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// systemd starts what the unit says, without a complaint.
func TestSystemdTakesTheUnits(t *testing.T) {
	dir := t.TempDir()
	program, err := filepath.Abs("../../out/lean/stagedoor")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"stagedoor-watch.service", "stagedoor-watch.timer"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		// The program is not in PATH here.
		unit := strings.ReplaceAll(string(text), "ExecStart=stagedoor", "ExecStart="+program)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(unit), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--user", "--man=no", filepath.Join(dir, "stagedoor-watch.timer"))
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "stagedoor") {
		t.Errorf("%v\n%s", err, out)
	}
}

// launchd reads the property list, which starts the same command.
func TestPropertyListStartsTheWatch(t *testing.T) {
	text, err := os.ReadFile("com.github.stagedoor-app.watch.plist")
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Dict struct {
			Keys  []string `xml:"key"`
			Array []string `xml:"array>string"`
		} `xml:"dict"`
	}
	if err := xml.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(list.Dict.Array[1:], []string{"watch", "--once"}) || !slices.Contains(list.Dict.Keys, "StartInterval") {
		t.Errorf("%+v", list)
	}
}

// The line for cron is one that a shell can read, and prints nothing when nothing is
// open.
func TestCronLine(t *testing.T) {
	text, err := os.ReadFile("crontab")
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(text), "\n")
	command := strings.Join(strings.Fields(line)[5:], " ")
	for program, want := range map[string]string{"/bin/true": "", "/bin/false": "\n"} {
		out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", strings.ReplaceAll(command, "/usr/local/bin/stagedoor watch --once", program)).Output()
		if err != nil || string(out) != want {
			t.Errorf("%s: %q, %v", program, out, err)
		}
	}
}
