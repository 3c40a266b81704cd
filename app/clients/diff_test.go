package clients

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
	"znkr.io/diff"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, before string
		e            *Entry
		want         string
	}{
		{
			"a new entry between secrets", `{
  "a": 1,
  "b": 2,
  "mcpServers": {
    "github": {
      "command": "npx",
      "env": { "GITHUB_PERSONAL_ACCESS_TOKEN": "ghp_0123456789abcdef" }
    }
  },
  "apiKey": 12345,
  "theme": "dark",
  "z": 1
}
`, &shortEntry, `--- /f.json
+++ /f.json
@@ -5,6 +5,12 @@
     "github": {
       "command": "npx",
       "env": { "GITHUB_PERSONAL_ACCESS_TOKEN": "•••" }
+    },
+    "our": {
+      "command": "/s",
+      "args": [
+        "run"
+      ]
     }
   },
   "apiKey": •••,
`,
		},
		{"a new file", "", &shortEntry, `--- /f.json
+++ /f.json
@@ -0,0 +1,10 @@
+{
+  "mcpServers": {
+    "our": {
+      "command": "/s",
+      "args": [
+        "run"
+      ]
+    }
+  }
+}
`},
		{"one line", `{"mcpServers":{"x":{"command":"/x","env":{"K":"pw"}}}}`, &shortEntry, `--- /f.json
+++ /f.json
@@ -1,1 +1,1 @@
-{"mcpServers":{"x":{"command":"/x","env":{"K":"•••"}}}}
\ No newline at end of file
+{"mcpServers":{"x":{"command":"/x","env":{"K":"•••"}},"our":{"command":"/s","args":["run"]}}}
\ No newline at end of file
`},
		{"our entry's old secret", "{\"mcpServers\": {\"our\": {\n\"command\": \"/s\",\n\"args\": [\"run\"],\n\"env\": {\"T\": \"old\"}\n}}}\n", &shortEntry, `--- /f.json
+++ /f.json
@@ -1,5 +1,4 @@
 {"mcpServers": {"our": {
 "command": "/s",
-"args": ["run"],
-"env": {"T": "•••"}
+"args": ["run"]
 }}}
`},
		{"lines between two changes stay", "{\"mcpServers\": {\"our\": {\n\"command\": \"/old\",\n\"k\": 1,\n\"args\": []\n}}}\n", &shortEntry, `--- /f.json
+++ /f.json
@@ -1,5 +1,7 @@
 {"mcpServers": {"our": {
-"command": "/old",
+"command": "/s",
 "k": 1,
-"args": []
+"args": [
+  "run"
+]
 }}}
`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, change(t, "", tc.before, tc.e).Diff()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiffOfAMissingFileSaysSo(t *testing.T) {
	t.Parallel()
	ch := change(t, "", "", &shortEntry)
	ch.Exists = false
	if !strings.HasPrefix(ch.Diff(), "--- (no file)\n+++ /f.json\n") {
		t.Error(ch.Diff())
	}
}

// Nothing that others keep in the file is printed, wherever it stands.
func TestDiffHidesSecrets(t *testing.T) {
	t.Parallel()
	const canary = "c4nary"
	for _, other := range []string{
		`"x": {"env": {"PLAIN": "c4nary"}}`,
		`"x": {"env": {"PLAIN": "c4nary\u0020"}}`,
		`"x": {"headers": {"X-Any": "c4nary"}}`,
		`"x": {"Authorization": ["a", {"b": "c4nary"}]}`,
		`"x": {"args": ["--api-key", "c4nary"]}`,
		`"x": {"args": ["--api-key=c4nary"]}`,
		`"x": {"args": ["-e", "SOME_TOKEN=c4nary"]}`,
		`"x": {"args": ["Authorization: Bearer c4nary"]}`,
		`"x": {"url": "https://ann:c4nary@host/"}`,
		`"x": {"url": "https://host/?a=1&access_token=c4nary"}`,
		`"x": {"any": "sk-c4naryAbCdEf0123456789xyz"}`,
		`"x": {"any": "c4naryAb/dEf0123456789+yzKLMNOP/QRSTUVWXYZ12"}`,
		`"x": 1, // "TOKEN": "c4nary"` + "\n\"y\": 1",
		`"x": 1 /* password = c4nary` + "\n" + `*/, "y": 1`,
		`"x" /* password: c4nary */ : /* password: c4nary */ 1 /* password: c4nary */`,
		`"x": [ /* password: c4nary */ ], "y": { /* password: c4nary */ }`,
	} {
		for _, text := range []string{
			`{"mcpServers": {` + other + `}}`,
			"{\"mcpServers\": {\n" + other + "\n}} // secret=c4nary",
			"// secret=c4nary\n{\"mcpServers\": {\n" + other + "\n}}",
		} {
			if diff := change(t, "", text, &shortEntry).Diff(); strings.Contains(diff, canary) || !strings.Contains(diff, masked) {
				t.Errorf("%s:\n%s", text, diff)
			}
		}
	}
}

func TestDiffShowsWhatIsNoSecret(t *testing.T) {
	t.Parallel()
	for _, plain := range []string{
		"/home/ann/Library/Application Support/Claude/extensions", "@modelcontextprotocol/server-filesystem", "npx", "https://mcp.example.com/sse",
		`C:\\Program Files\\Stagedoor\\stagedoor.exe`, "a long sentence about nothing in particular, with words",
	} {
		if diff := change(t, "", "{\"mcpServers\": {\n\"x\": {\"command\": \""+plain+"\"}}}", &shortEntry).Diff(); !strings.Contains(diff, plain) {
			t.Errorf("%s is hidden:\n%s", plain, diff)
		}
	}
	// What the wanted entry has of ours is the user's to see, whatever it is called.
	e := Entry{Command: "/opt/0123456789abcdefABCDEF/stagedoor", Args: []string{"run", "--env", "API_TOKEN={access_token}"}, Env: map[string]string{"STAGEDOOR_KEY_FILE": "/run"}}
	ch, err := compute("vscode", "{\n}", "auth-token", &e)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(ch.Diff(), masked) {
		t.Errorf("our own entry is hidden:\n%s", ch.Diff())
	}
	// What it has of an entry that is put behind us may be a secret.
	e.Args, e.Env = append(e.Args, "--", "/opt/server", "--api-key", "canary"), map[string]string{"API_TOKEN": "canary"}
	if ch, err = compute("vscode", "{\n}", "auth-token", &e); err != nil || strings.Contains(ch.Diff(), "canary") || !strings.Contains(ch.Diff(), "/opt/server") {
		t.Errorf("%v: %s", err, ch.Diff())
	}
}

func TestDiffCannotTalkToTheTerminal(t *testing.T) {
	t.Parallel()
	diff := change(t, "", "{} // \x1b[2J \u202e \u0007", &shortEntry).Diff()
	if strings.ContainsAny(diff, "\x1b\u202e\a") {
		t.Errorf("%q", diff)
	}
}

func TestDiffShortensLongLines(t *testing.T) {
	t.Parallel()
	diff := change(t, "", `{"a":"`+strings.Repeat("ab ", 1e5)+`","mcpServers":{},"b":"`+strings.Repeat("cd ", 1e5)+`"}`, &shortEntry).Diff()
	if len(diff) > 2000 || !strings.Contains(diff, `"our":{"command":"/s","args":["run"]}`) {
		t.Errorf("%d bytes: %.500s", len(diff), diff)
	}
}

// The diff of a file without secrets is one that patch understands.
func TestDiffIsUnified(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("patch")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("patch is not installed, and CI must run this")
		}
		t.Skip("patch is not installed")
	}
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SampledFrom([]string{"a\n", "b\n", "c\n", "d\n", "\n"})
		a := rapid.SliceOfN(line, 0, 30).Draw(t, "a")
		b := append([]string{}, a...)
		for range rapid.IntRange(1, 4).Draw(t, "edits") {
			at := rapid.IntRange(0, len(b)).Draw(t, "at")
			to := rapid.IntRange(at, min(len(b), at+3)).Draw(t, "to")
			b = append(append(append([]string{}, b[:at]...), rapid.SliceOfN(line, 0, 3).Draw(t, "new")...), b[to:]...)
		}
		bare := func(ls []string) (shown []string) {
			for _, l := range ls {
				shown = append(shown, strings.TrimSuffix(l, "\n"))
			}
			return shown
		}
		hunks := unified(diff.Hunks(a, b), bare(a), bare(b))
		if hunks == "" {
			return
		}
		out := "--- f\n+++ f\n" + hunks
		got := runPatch(t, tool, filepath.Join(dir, "f"), strings.Join(a, ""), out)
		if want := strings.Join(b, ""); got != want {
			t.Fatalf("patched %q, want %q\n%s", got, want, out)
		}
	})
}
