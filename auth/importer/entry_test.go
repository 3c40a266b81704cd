package importer_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/importer"
)

var variables = map[string]string{
	"SPOTIFY_CLIENT_ID": "0123abcd", "SPOTIFY_CLIENT_SECRET": "canary-client-secret", "SPOTIFY_REFRESH_TOKEN": "canary-refresh",
	"SPOTIFY_REDIRECT_URI": "http://127.0.0.1:8888/callback", "LOG_LEVEL": "$HOME canary",
}

// An entry of an MCP client may have what an .env has. Whoever takes it out of there
// relies on the report.
func TestImportOfAnEntrysVariables(t *testing.T) {
	w := newWorld(t)
	r := importer.Request{Path: "entry spotify", Values: variables, Profile: "work"}
	w.imports(importer.Request{Path: r.Path, Values: variables, DryRun: true})
	if len(w.secrets()) > 0 {
		t.Error("a dry run kept something")
	}
	f := w.imports(r).Files[0]
	want := []string{"-SPOTIFY_CLIENT_SECRET=[redacted]", "-SPOTIFY_REFRESH_TOKEN=[redacted]"}
	if !slices.Equal(f.Changes, want) || len(f.Logins) != 1 || f.Logins[0].Action != importer.Created || !f.Logins[0].ClientSecret || !f.Logins[0].Tokens {
		t.Errorf("report %+v", f)
	}
	if p, err := w.keeper.Profile("work"); err != nil || p.RedirectPort != 8888 {
		t.Errorf("%+v, %v", p, err)
	}
	if again := w.imports(r).Files[0]; again.Logins[0].Action != importer.Unchanged || len(again.Changes) != 2 {
		t.Errorf("a second time: %+v", again)
	}
	w.refused(importer.Request{Path: r.Path, Values: map[string]string{"SPOTIFY_CLIENT_ID": "0123abcd", "SPOTIFY_CLIENT_SECRET": "${input:secret}"}}, "is a reference", "")
	w.refused(importer.Request{Path: r.Path, Values: map[string]string{"PATH": "/bin"}}, "none of SPOTIFY_CLIENT_ID", "")
	w.noCanary()
}

// The way back from a wrapped entry has its secrets, so it is encrypted, and it is
// none of a file.
func TestKeptEntry(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	const was = `{"command": "python", "env": {"SECRET": "canary"}}`
	if err := w.keeper.KeepEntry(ctx, "claude-desktop/spotify", []byte(was), "now"); err != nil {
		t.Fatal(err)
	}
	for _, other := range [][2]string{{"cursor/spotify", "now"}, {"claude-desktop/spotify", "changed since"}} {
		if got, _, err := w.keeper.KeptEntry(ctx, other[0], other[1]); got != nil || err != nil {
			t.Errorf("%v: %s, %v", other, got, err)
		}
	}
	if _, err := w.keeper.UndoImport(ctx, importer.UndoRequest{}); err == nil || !strings.Contains(err.Error(), "no import to undo") {
		t.Errorf("undo: %v", err)
	}
	got, forget, err := w.keeper.KeptEntry(ctx, "claude-desktop/spotify", "now")
	if err != nil || string(got) != was {
		t.Fatalf("%s, %v", got, err)
	}
	w.noCanary()
	if err := forget(); err != nil {
		t.Fatal(err)
	}
	if got, _, err := w.keeper.KeptEntry(ctx, "claude-desktop/spotify", "now"); got != nil || err != nil {
		t.Errorf("it is still there: %s, %v", got, err)
	}
}
