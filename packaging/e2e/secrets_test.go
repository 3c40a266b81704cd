//go:build e2e && linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/packaging/authserver"
)

// TestPlantedSecretFailsTheCheck: what somebody must never commit stops `make
// secrets`, which is part of `make check`, without being printed once more.
func TestPlantedSecretFailsTheCheck(t *testing.T) {
	root, err := authserver.Root()
	if err != nil {
		t.Fatal(err)
	}
	tree := t.TempDir()
	copied := exec.Command("sh", "-c", `git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$0" 2>/dev/null; test -f "$0/Makefile"`, tree)
	copied.Dir = root
	if out, err := copied.CombinedOutput(); err != nil {
		t.Fatalf("copying the tree: %v\n%s", err, out)
	}
	check := func() (string, error) {
		cmd := exec.Command("make", "secrets")
		cmd.Dir = tree
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := check(); err != nil {
		t.Fatalf("the tree itself: %v\n%s", err, out)
	}
	if out, err := exec.Command("make", "-C", tree, "-n", "check").Output(); err != nil || !strings.Contains(string(out), "gitleaks dir") {
		t.Errorf("make check does not look for secrets: %v", err)
	}
	// In pieces, so that this file is none of what it plants.
	const hex, mixed = "a4c123b1612dd272d1371c17149d4395", "9NksnRH9ucAUsdMlHUvTCQCyEZDz_TddJ8HyS5SUkCnD8zRA9a9SkpXz9w3QlY7Zkuvqdt7s8Stqcbnr3yBdGBLEPH1qhT61qtc4xatws8phP9nhFyJ"
	plants := map[string]struct{ file, before, value string }{
		"a client secret of Spotify":   {"notes/env.txt", "SPOTIFY_CLIENT" + "_SECRET=", hex},
		"a client secret in Go":        {"auth/planted.go", "package auth\n\nvar clientSecret = \"", hex},
		"a refresh token of Spotify":   {"old.env", "SPOTIFY_REFRESH" + "_TOKEN=", "AQD" + mixed},
		"a token cache of TIDAL":       {"app/testdata/cache.json", `{"access` + `_token": "`, "eyJhbGciOiJFUzUxMiJ9." + "eyJ0eXBlIjoibzJfYWNjZXNzIn0." + mixed[:86]},
		"a token of GitHub in a guide": {"README.md", "Then `export GITHUB_TOKEN=", "ghp_" + "HTp8hkqdlm7tOtHWnsCGRlrwZbqcabUGJmGE"},
		"the key of a file vault":      {"packaging/key.txt", "", "AGE-SECRET" + "-KEY-1CYHM3R3XRJF03M5VHMPED9R6UGJLRG2764JNSSE0N7E822YDLWU4UMGV09"},
	}
	for _, p := range plants {
		path := filepath.Join(tree, p.file)
		before, _ := os.ReadFile(path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(string(before)+p.before+p.value+"\"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := check()
	if err == nil {
		t.Error("the check passed")
	}
	for name, p := range plants {
		if !strings.Contains(out, p.file) {
			t.Errorf("%s in %s was not found", name, p.file)
		}
		if strings.Contains(out, p.value) {
			t.Errorf("%s was printed", name)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}
