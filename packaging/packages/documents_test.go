//go:build e2e

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each command has a page that troff takes, and the first one says what no help does.
func TestManualPages(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(packages, "made/man/*.1.gz"))
	if err != nil || len(pages) < 40 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, page := range pages {
		out := saysIn(t, []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "MANWIDTH=100", "MANPAGER=cat"}, 0, "man", "--warnings", "-l", page)
		if strings.Contains(out, "warning:") || !strings.Contains(out, "SYNOPSIS") {
			t.Errorf("%s:\n%s", page, out)
		}
		if filepath.Base(page) == "stagedoor.1.gz" {
			for _, word := range []string{"ENVIRONMENT", "STAGEDOOR_KEYCHAIN_WAIT", "FILES", "~/.local/share/stagedoor", "EXIT STATUS", "126, 127", "stagedoor-accept(1)"} {
				if !strings.Contains(out, word) {
					t.Errorf("stagedoor.1 does not name %s", word)
				}
			}
		}
	}
	says(t, 0, "bash", "-n", filepath.Join(packages, "made/stagedoor.bash"))
}

// A release whose places name different versions is not made.
func TestVersionsAgree(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"packaging/version.sh", "app/version.go", "FyneApp.toml", "CHANGELOG.md"} {
		says(t, 0, "install", "-D", "../../"+name, filepath.Join(dir, name))
	}
	git := func(args ...string) {
		says(t, 0, append([]string{"git", "-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
	}
	git("init", "-q")
	git("commit", "-q", "--allow-empty", "-m", "x")
	script := dir + "/packaging/version.sh"
	release := strings.TrimSpace(says(t, 0, script))
	change := func(name, old, text string) {
		t.Helper()
		says(t, 0, "sed", "-i", "s/"+old+"/"+text+"/", filepath.Join(dir, name))
	}
	git("tag", "v9.9.9")
	if out := says(t, 1, script); !strings.Contains(out, "the tag v9.9.9") {
		t.Error(out)
	}
	git("tag", "-d", "v9.9.9")
	git("tag", "v"+release)
	if out := says(t, 1, script); !strings.Contains(out, "CHANGELOG.md has no section ["+release+"]") {
		t.Error(out)
	}
	change("CHANGELOG.md", `^## \[Unreleased\]`, "## ["+release+"] - 2026-12-01")
	says(t, 0, script)
	change("FyneApp.toml", `^Version = .*`, `Version = "9.9.9"`)
	if out := says(t, 1, script); !strings.Contains(out, "FyneApp.toml 9.9.9") {
		t.Error(out)
	}
}
