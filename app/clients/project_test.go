package clients

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// inProject is the world of a client in a project of its own.
func inProject(t *testing.T, id string) world {
	t.Helper()
	w := newWorld(t, id)
	dir := filepath.Join(w.home, "repo")
	err := os.Mkdir(dir, 0o755)
	if err == nil {
		w.client, err = w.client.In(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// A project's file is written where its client reads it, as a file of everybody's, and its
// backups are not those of the user's own.
func TestProject(t *testing.T) {
	t.Parallel()
	for id, file := range map[string]string{"claude-code": ".mcp.json", "vscode": ".vscode/mcp.json"} {
		w := inProject(t, id)
		e := Entry{Command: ByName, Args: []string{"run"}}
		w.apply(w.plan("our", &e))
		path := filepath.Join(w.home, "repo", filepath.FromSlash(file))
		if w.path() != path || !strings.Contains(w.read(), `"stagedoor"`) {
			t.Errorf("%s: %s is\n%s", id, w.path(), w.read())
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != sharedMode {
			t.Errorf("%s: %v, %v", id, info, err)
		}
		own, err := Lookup(id)
		if err != nil {
			t.Fatal(err)
		}
		if list, err := w.Backups(own); err != nil || len(list) > 0 {
			t.Errorf("%s: the user's file has %v, %v", id, list, err)
		}
		kept, err := w.Kept()
		if err != nil || len(kept) != 1 || kept[0].Project != w.client.Project {
			t.Errorf("%s: kept are %v, %v", id, kept, err)
		}
		w.undo()
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("%s: after the undo there is %v", id, err)
		}
	}
	own, _ := Lookup("")
	if _, err := own.In(t.TempDir()); err == nil || !strings.Contains(hint.Of(err), "claude-code, vscode") {
		t.Errorf("Claude Desktop in a project: %v", err)
	}
}

// Whoever wrote a project cannot have a file elsewhere changed.
func TestProjectsLinksStayInside(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		link, to string
		fine     bool
	}{
		"the folder leads out":   {".vscode", "../other", false},
		"the file leads out":     {".vscode/mcp.json", "../../other/mcp.json", false},
		"the file is elsewhere":  {".vscode/mcp.json", "../mcp.json", true},
		"the folder leads round": {".vscode", "../repo", true},
	} {
		w := inProject(t, "vscode")
		if err := os.Mkdir(filepath.Join(w.home, "other"), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{"repo", "other"} {
			if err := os.WriteFile(filepath.Join(w.home, dir, "mcp.json"), []byte("{}"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		link := filepath.Join(w.client.Project, filepath.FromSlash(c.link))
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.FromSlash(c.to), link); err != nil {
			t.Skip("no symbolic links here:", err)
		}
		ch, err := w.Plan(t.Context(), w.client, "our", &shortEntry)
		if err == nil && c.fine {
			w.apply(ch)
		}
		data, wrong := os.ReadFile(filepath.Join(w.home, "other", "mcp.json"))
		if (err == nil) != c.fine || wrong != nil || string(data) != "{}" {
			t.Errorf("%s: %v; the other file is %s, %v", name, err, data, wrong)
		}
	}
}

// People take the one file for the other.
func TestServersUnderAnotherKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ client, text, says string }{
		{"vscode", `{"mcpServers": {}}`, `servers under "mcpServers"`},
		{"claude-code", `{"servers": {}}`, `servers under "servers"`},
		{"claude-code", `{"servers": 1}`, ""},
		{"zed", `{"servers": {}}`, ""},
	} {
		ch := change(t, c.client, c.text, &shortEntry)
		if got := strings.Join(ch.Warnings, "\n"); !strings.Contains(got, c.says) || c.says == "" && got != "" {
			t.Errorf("%s: %q", c.text, got)
		}
	}
}
