package importer

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/migrate"
)

// gitWait bounds how long git may look through a repository's history.
const gitWait = 3 * time.Second

// exposures are warnings by file.
type exposures map[string][]string

// exposed asks git about the files of a plan that have secrets. Where there is no
// git, or no answer in time, nothing is said.
func exposed(ctx context.Context, plan Report) exposures {
	told := exposures{}
	for _, f := range plan.Files {
		if len(f.Changes) == 0 || len(f.Logins) == 0 || f.Format == string(migrate.Variables) {
			continue
		}
		l, name := f.Logins[0], filepath.Base(f.Path)
		ignored, committed := askGit(ctx, f.Path)
		ignore := "add " + name + " to .gitignore"
		if committed {
			ignore += ", and take it out with git rm --cached " + name
		}
		switch {
		case committed && l.ClientSecret:
			told[f.Path] = append(told[f.Path], "this secret was committed to git, where it stays: get a new one, then stagedoor secret set "+l.Profile)
		case committed:
			told[f.Path] = append(told[f.Path], "its tokens were committed to git, where they stay: end them with stagedoor revoke "+l.Profile+" and sign in again")
		}
		if !ignored {
			told[f.Path] = append(told[f.Path], "git does not ignore it, so that a commit takes it along: "+ignore)
		}
	}
	return told
}

// in is the report with the warnings.
func (e exposures) in(r Report) Report {
	r.Files = slices.Clone(r.Files)
	for n, f := range r.Files {
		r.Files[n].Warnings = slices.Concat(f.Warnings, e[f.Path])
	}
	return r
}

// askGit says whether a file is ignored, or in no repository, and whether any commit
// has it. The repository may be a stranger's, whose configuration must not get to
// run a program or to reach the network: both commands are plumbing, and what could
// is turned off.
func askGit(ctx context.Context, path string) (ignored, committed bool) {
	program, err := exec.LookPath("git")
	if err != nil {
		return true, false
	}
	ctx, cancel := context.WithTimeout(ctx, gitWait)
	defer cancel()
	git := func(args ...string) (string, int) {
		cmd := exec.CommandContext(ctx, program, append([]string{ //nolint:gosec // G204: git, of the PATH, with paths after --
			"-C", filepath.Dir(path), "--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull, "-c", "protocol.allow=never",
		}, args...)...)
		cmd.Env = append(slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(strings.ToUpper(kv), "GIT_") }),
			"GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0")
		cmd.WaitDelay = time.Second
		out, err := cmd.Output()
		if cmd.ProcessState == nil || err != nil && ctx.Err() != nil {
			return "", -1
		}
		return strings.TrimSpace(string(out)), cmd.ProcessState.ExitCode()
	}
	_, status := git("check-ignore", "-q", "--", "./"+filepath.Base(path))
	if status != 0 && status != 1 { // of files in no repository
		return true, false
	}
	commit, _ := git("--literal-pathspecs", "rev-list", "--all", "-1", "--", filepath.Base(path))
	return status == 0, commit != ""
}
