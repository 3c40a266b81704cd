package importer_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/importer"
)

// git runs git in a folder, with nothing of the user's.
func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	program, err := exec.LookPath("git")
	if err != nil {
		t.Skip("there is no git")
	}
	cmd := exec.CommandContext(t.Context(), program, append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+dir, "GIT_CONFIG_NOSYSTEM=1", "XDG_CONFIG_HOME="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v: %s", args, err, out)
	}
}

// A secret that git has is out, whatever becomes of the file.
func TestWhatGitHasIsTold(t *testing.T) {
	for name, tt := range map[string]struct {
		commands   []string
		told, kept string
	}{
		"no repository":           {nil, "", "git"},
		"ignored":                 {[]string{"init -q", "add .gitignore", "commit -qm x"}, "", "git"},
		"not ignored":             {[]string{"init -q", "rm -q --cached -f --ignore-unmatch .gitignore", "config core.excludesFile none", "mv-ignore"}, "add .env to .gitignore", "committed"},
		"committed":               {[]string{"init -q", "add -f .env", "commit -qm x"}, "this secret was committed to git, where it stays: get a new one, then stagedoor secret set default", ""},
		"committed and taken out": {[]string{"init -q", "add -f .env", "commit -qm x", "rm -q --cached .env", "commit -qm y"}, "this secret was committed", "does not ignore"},
		"on another branch":       {[]string{"init -q", "add .gitignore", "commit -qm x", "checkout -qb old", "add -f .env", "commit -qm y", "rm -q --cached .env", "commit -qm z", "checkout -q --detach HEAD~2"}, "this secret was committed", "does not ignore"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			dir := w.project(map[string]string{".env": envFile, ".gitignore": ".env\n"})
			t.Setenv("HOME", dir)
			t.Setenv("XDG_CONFIG_HOME", dir)
			t.Setenv("GIT_DIR", filepath.Join(w.dir, "of-something-else"))
			for _, c := range tt.commands {
				if c == "mv-ignore" {
					w.write("", dir, ".gitignore")
					continue
				}
				_ = os.Unsetenv("GIT_DIR")
				git(t, dir, strings.Fields(c)...)
			}
			t.Setenv("GIT_DIR", filepath.Join(w.dir, "of-something-else"))
			for _, dry := range []bool{true, false} {
				r := w.imports(importer.Request{Path: filepath.Join(dir, ".env"), DryRun: dry})
				got := strings.Join(r.Files[0].Warnings, "; ")
				if !strings.Contains(got, tt.told) || tt.kept != "" && strings.Contains(got, tt.kept) {
					t.Errorf("dry run %v: warnings %q", dry, got)
				}
			}
		})
	}
}

// A folder that somebody sent must not get to run a program by being looked at.
func TestGitRunsNothingOfARepository(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the program is a script for a shell")
	}
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	ran := filepath.Join(w.t.TempDir(), "ran")
	program := filepath.Join(w.t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"$0 $*\" >> "+ran+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", dir)
	git(t, dir, "init", "-q")
	git(t, dir, "add", "-f", ".env")
	git(t, dir, "commit", "-qm", "x")
	for _, key := range []string{"core.fsmonitor", "core.pager", "pager.rev-list", "core.editor", "core.sshCommand", "gpg.program", "diff.external", "diff.x.textconv", "filter.x.clean", "filter.x.process", "core.askPass", "credential.helper", "core.alternateRefsCommand"} {
		git(t, dir, "config", key, program)
	}
	git(t, dir, "config", "log.showSignature", "true")
	git(t, dir, "config", "core.hooksPath", filepath.Dir(program))
	w.write("* diff=x filter=x\n", dir, ".gitattributes")
	// What is missing would be fetched from a promisor, by a program of its choice.
	for key, value := range map[string]string{"remote.o.url": "ext::" + program, "remote.o.promisor": "true", "extensions.partialClone": "o", "protocol.ext.allow": "always"} {
		git(t, dir, "config", key, value)
	}
	_ = os.Remove(ran)
	r := w.imports(importer.Request{Path: dir, DryRun: true})
	if got := strings.Join(r.Files[0].Warnings, "; "); !strings.Contains(got, "committed") {
		t.Errorf("warnings %q", got)
	}
	trees, err := filepath.Glob(filepath.Join(dir, ".git", "objects", "??", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range trees { // all but the commit, so that each tree is missing
		if out, err := exec.CommandContext(t.Context(), "git", "-C", dir, "cat-file", "-t", filepath.Base(filepath.Dir(object))+filepath.Base(object)).Output(); err == nil && strings.TrimSpace(string(out)) == "tree" {
			if err := os.Remove(object); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = os.Remove(ran)
	w.imports(importer.Request{Path: dir, DryRun: true})
	if data, err := os.ReadFile(ran); err == nil {
		t.Errorf("it ran %s", data)
	}
}
