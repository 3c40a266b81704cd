package launch_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

func TestParseVar(t *testing.T) {
	for _, good := range []string{"A={access_token}", "_x1=plain", "A=", "A=b=c", "A={profile} {scope}", "A={{", "A={}", "A={word}", `A={"a":{"b":"{access_token}"}}`, "A={{acess_token}}"} {
		if _, err := launch.ParseVar(good); err != nil {
			t.Errorf("ParseVar(%q): %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "A", "=x", "1A=x", "A B=x", "A-B=x", "STAGEDOOR_HOME=x", "stagedoor_vault=x",
		"A={refresh_token}", "A={client_secret}", "A={acess_token}", "A={ACCESS_TOKEN}", "A={token}",
	} {
		if _, err := launch.ParseVar(bad); err == nil || hint.Of(err) == "" {
			t.Errorf("ParseVar(%q): %v (hint %q), want an error with a hint", bad, err, hint.Of(err))
		}
	}
}

// Nothing of ours may come along with what a server reads.
func TestEnviron(t *testing.T) {
	base := []string{"HOME=/home/ada", "STAGEDOOR_PASSPHRASE_FILE=/x", "TOKEN=stale", "Stagedoor_Vault=file"}
	env, err := launch.Environ(base, []launch.Var{{Name: "TOKEN", Template: "x"}, {Name: "TOKEN", Template: "{access_token}"}}, launch.Values{AccessToken: "tok"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"HOME=/home/ada", "TOKEN=tok"}, env); diff != "" {
		t.Error(diff)
	}
}

// npx lies in a folder that a desktop client's PATH lacks, and looks for node
// beside itself.
func TestWithFolderOf(t *testing.T) {
	sep := string(os.PathListSeparator)
	dir := filepath.FromSlash("/opt/node/bin")
	for name, c := range map[string]struct{ env, want []string }{
		"added at the end": {[]string{"A=1", "PATH=/usr/bin"}, []string{"A=1", "PATH=/usr/bin" + sep + dir}},
		"there already":    {[]string{"PATH=" + dir + sep + "/bin"}, []string{"PATH=" + dir + sep + "/bin"}},
		"an empty PATH":    {[]string{"PATH="}, []string{"PATH="}}, // ":/opt/node/bin" would have the current folder in it
		"no PATH at all":   {[]string{"A=1"}, []string{"A=1", "PATH=" + dir}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, launch.WithFolderOf(filepath.Join(dir, "npx"), c.env)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A client starts servers in a folder of its choosing; what lies there must not
// be run because it has the right name.
func TestFindDoesNotTakeTheCurrentFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "server"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	sep := string(os.PathListSeparator)
	for _, path := range []string{"." + sep + "/usr/bin", sep + "/usr/bin", "/usr/bin" + sep, ""} {
		t.Setenv("PATH", path)
		if found, err := launch.Find("server"); err == nil {
			t.Errorf("found %s by PATH %q", found, path)
		}
	}
}
