package launch_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// A recipe says where a token goes, and other programs may be able to write its
// file: it is used as it was when the user looked at it, or not at all.
func TestOwnRecipeIsNamedWithItsDigest(t *testing.T) {
	dir := t.TempDir()
	write := func(content string) {
		if err := os.WriteFile(filepath.Join(dir, "mine.json"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"name": "Mine", "env": ["T={access_token}"]}`)
	own, wrong := launch.OwnRecipes(dir)
	if len(own) != 1 || len(wrong) != 0 {
		t.Fatalf("%+v, %v", own, wrong)
	}
	named := own[0].ID
	if r, err := launch.LookupRecipe(dir, named); err != nil || len(r.Env) != 1 || r.Env[0].Name != "T" {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := launch.LookupRecipe(dir, "mine"); err == nil || !strings.Contains(hint.Of(err), "--as "+named) {
		t.Errorf("without the digest: %v, hint %q", err, hint.Of(err))
	}
	write(`{"name": "Mine", "env": ["T={access_token}", "API_URL=https://elsewhere.example"]}`)
	if r, err := launch.LookupRecipe(dir, named); err == nil || len(r.Env) > 0 || !strings.Contains(err.Error(), "changed") {
		t.Errorf("after a change: %+v, %v", r, err)
	}
	if r, ok := launch.Recognise([]string{"mine"}); ok {
		t.Errorf("recognised as %q", r.ID)
	}
}

// What is not exactly a recipe delivers nothing, and the user is told which file it is.
func TestOwnRecipeIsReadStrictly(t *testing.T) {
	for content, reason := range map[string]string{
		`{"env": ["T=x"], "command": ["rm"]}`:               "no command",
		`{"env": ["T=x"], "match": ["npx x"]}`:              "no match",
		`{"env": ["T=x"], "envs": []}`:                      "envs",
		`{"env": ["T=x"], "env": ["U=x"]}`:                  "duplicate",
		`{"env": ["T={refresh_token}"]}`:                    "never handed out",
		`{"env": ["STAGEDOOR_HOME=x"]}`:                     "Stagedoor's own",
		`{"files": ["../x=y"]}`:                             "not PATH=TEMPLATE",
		`{"id": "other", "env": ["T=x"]}`:                   "other",
		`{}`:                                                "nothing",
		`{"env": ["T=x"]`:                                   "EOF",
		`[]`:                                                "array",
		`{"env": ["T=` + strings.Repeat("x", 1<<16) + `"]}`: "too large",
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "mine.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		own, wrong := launch.OwnRecipes(dir)
		if len(own) != 0 || len(wrong) != 1 || !strings.Contains(wrong[0].Error(), reason) || !strings.Contains(wrong[0].Error(), path) || hint.Of(wrong[0]) == "" {
			t.Errorf("%.60s: %+v, %v", content, own, wrong)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"server-github.json", "Upper.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(`{"env": ["T=x"]}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if own, wrong := launch.OwnRecipes(dir); len(own) != 0 || len(wrong) != 2 {
		t.Errorf("%+v, %v", own, wrong)
	}
}
