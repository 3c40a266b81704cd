package platform

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func TestSingleInstance(t *testing.T) {
	dir := t.TempDir()
	first, err := SingleInstance(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := SingleInstance(dir); !errors.Is(err, ErrRunning) {
		t.Errorf("a second tray got %v, want ErrRunning", err)
	}
	first.Release()
	again, err := SingleInstance(dir)
	if err != nil {
		t.Errorf("after the first tray ended: %v", err)
	}
	again.Release()
}

// The path that is written into Claude Desktop's config must survive an upgrade
// of the package.
func TestLocatePrefersTheStableName(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "Cellar", "stagedoor", "0.1.0", "stagedoor")
	link := filepath.Join(dir, "bin", "stagedoor")
	other := filepath.Join(dir, "other", "stagedoor")
	for _, f := range []string{file, link, other} {
		if err := os.MkdirAll(filepath.Dir(f), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{file, other} {
		if err := os.WriteFile(f, nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(file, link); err != nil {
		t.Skip(err)
	}
	onPath := func(path string) func(string) (string, error) {
		return func(string) (string, error) { return path, nil }
	}
	nowhere := func(string) (string, error) { return "", os.ErrNotExist }

	for name, c := range map[string]struct {
		look func(string) (string, error)
		self string
		want Program
	}{
		"linked":                     {onPath(link), file, Program{Path: link}},
		"another one is on the PATH": {onPath(other), file, Program{Path: file}},
		"not on the PATH":            {nowhere, file, Program{Path: file}},
		"go run":                     {nowhere, "/tmp/go-build123/b001/exe/stagedoor", Program{Path: "/tmp/go-build123/b001/exe/stagedoor", Temporary: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, locate(c.self, "stagedoor", c.look)); diff != "" {
				t.Error(diff)
			}
		})
	}

	sibling := filepath.Join(filepath.Dir(file), "stagedoor-window"+exeSuffix())
	if _, err := WindowCommand(Program{Path: link}, false, "audit"); !errors.Is(err, ErrNoWindows) || hint.Of(err) == "" {
		t.Errorf("a lean build alone: %v, want ErrNoWindows with a hint", err)
	}
	self, err := WindowCommand(Program{Path: link}, true, "audit")
	if diff := cmp.Diff([]string{link, "window", "audit"}, self); err != nil || diff != "" {
		t.Errorf("a full build alone: %v\n%s", err, diff)
	}
	if err := os.WriteFile(sibling, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	got, err := WindowCommand(Program{Path: link}, true, "audit")
	want, _ := filepath.EvalSymlinks(sibling)
	if diff := cmp.Diff([]string{want, "window", "audit"}, got); err != nil || diff != "" {
		t.Errorf("with stagedoor-window beside the linked file: %v\n%s", err, diff)
	}
}

// A set-up from a window must name the program that starts without a desktop's
// libraries; a build with windows that is alone names itself.
func TestWindowsNameTheCommandLineBesideThem(t *testing.T) {
	suffix := exeSuffix()
	window := filepath.Join(t.TempDir(), "stagedoor-window"+suffix)
	if got := commandLine(window); got != window {
		t.Errorf("alone: %s", got)
	}
	command := filepath.Join(filepath.Dir(window), "stagedoor"+suffix)
	if err := os.WriteFile(command, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, self := range []string{window, command} {
		if got := commandLine(self); got != command {
			t.Errorf("%s: %s, want %s", self, got, command)
		}
	}
	other := filepath.Join(filepath.Dir(window), "stagedoor-1.2"+suffix)
	if got := commandLine(other); got != other {
		t.Errorf("a copy under another name: %s", got)
	}
}

// What the system's loader says of a missing library is passed on, with the packages.
func TestLoads(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a script stands in for the program")
	}
	program := filepath.Join(t.TempDir(), "stagedoor-window")
	say := func(script string) error {
		t.Helper()
		if err := os.WriteFile(program, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		return Loads(t.Context(), program)
	}
	if err := say(`test "$1" = version`); err != nil {
		t.Errorf("one that starts: %v", err)
	}
	err := say("echo 'error while loading shared libraries: libGL.so.1' >&2; exit 127")
	if err == nil || !strings.Contains(err.Error(), "libGL.so.1") || !strings.Contains(hint.Of(err), "apt install libgl1") {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
}

func TestHasDisplay(t *testing.T) {
	if HasDisplay("linux", env(nil)) {
		t.Error("linux without DISPLAY has no display")
	}
	if !HasDisplay("linux", env(map[string]string{"WAYLAND_DISPLAY": "wayland-0"})) || !HasDisplay("windows", env(nil)) {
		t.Error("a display was not seen")
	}
}
