package cli_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/app/cli"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/importer"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// Whoever is at a terminal sees what will happen and is asked; a script is told
// to look first where that is not certain, and its JSON is nothing but JSON.
func TestImportAndUndoAsk(t *testing.T) {
	const file = "SPOTIFY_CLIENT_ID=id1\nSPOTIFY_CLIENT_SECRET=canary-client\n"
	for name, c := range map[string]struct {
		args     string // FILE and DIR are replaced
		typed    string // "" without a terminal
		status   int
		imported bool
	}{
		"a file, no terminal":            {"import FILE", "", cli.ExitOK, true},
		"a folder, no terminal":          {"import DIR", "", cli.ExitUsage, false},
		"a folder, no terminal, --yes":   {"import DIR --yes", "", cli.ExitOK, true},
		"a folder, JSON":                 {"import DIR --json", "", cli.ExitUsage, false},
		"a file, no":                     {"import FILE", "\n", cli.ExitFailed, false},
		"a file, yes":                    {"import FILE", "y\n", cli.ExitOK, true},
		"a file, --yes":                  {"import FILE --yes", "n\n", cli.ExitOK, true},
		"a file, yes, JSON":              {"import FILE --json", "yes\n", cli.ExitOK, true},
		"only --provider says whose":     {"import TOKENS --provider tidal --client-id id2", "", cli.ExitUsage, false},
		"only --provider, looked at":     {"import TOKENS --provider tidal --client-id id2 --yes", "", cli.ExitOK, true},
		"the keychain of another system": {"import --undo keychain", "", cli.ExitFailed, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path, tokens := filepath.Join(dir, "old", ".env"), filepath.Join(dir, "old", "mine.json")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			for p, content := range map[string]string{path: file, tokens: `{"access_token":"canary-a","refresh_token":"canary-r"}`} {
				if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			k, err := auth.New(t.Context(), auth.Params{
				Dir: filepath.Join(dir, "state"), Vault: &authtest.Vault{}, HTTP: &http.Client{}, Now: authtest.NewClock().Now,
				Rand: rand.Reader, Actor: "cli", PID: 1, Log: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			var out, errs bytes.Buffer
			f := cli.Factory{
				In: strings.NewReader(c.typed), Out: &out, Err: &errs, Names: func() []string { return nil },
				Keeper: func(context.Context) (*auth.Keeper, func(context.Context) error, error) { return k, k.Close, nil },
			}
			if c.typed != "" {
				f.ReadPassword = func(string) (secret.String, error) { return "", nil }
			}
			line := strings.NewReplacer("FILE", path, "TOKENS", tokens, "DIR", filepath.Dir(path)).Replace(c.args)
			if status := cli.Run(t.Context(), f, strings.Fields(line)); status != c.status {
				t.Fatalf("exit status %d: %s%s", status, out.String(), errs.String())
			}
			if names, _ := k.Names(); (len(names) > 0) != c.imported {
				t.Errorf("profiles %v", names)
			}
			said := out.String() + errs.String()
			if asked := strings.Contains(said, "[y/N]"); asked != (c.typed != "" && !strings.Contains(c.args, "--yes")) {
				t.Errorf("asked %v:\n%s", asked, said)
			}
			if planned := strings.Contains(said, "would be created"); planned != (strings.Contains(said, "[y/N]") || c.status == cli.ExitUsage && !strings.Contains(c.args, "--json")) {
				t.Errorf("the plan was shown: %v\n%s", planned, said)
			}
			var report importer.Report
			if strings.Contains(c.args, "--json") && (json.Unmarshal(out.Bytes(), &report) != nil || len(report.Files) == 0 || report.DryRun == c.imported) {
				t.Errorf("printed %s", out.String())
			}
			if strings.Contains(said, "canary") {
				t.Errorf("a secret is shown:\n%s", said)
			}
		})
	}
}
