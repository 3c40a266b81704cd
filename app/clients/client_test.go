package clients

import (
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ id, want, suggested string }{
		{"", "claude-desktop", ""},
		{"zed", "zed", ""},
		{"claude", "", "claude-desktop"},
		{"Claude Code", "", "claude-code"},
		{"cursr", "", "cursor"},
		{"vs-code", "", "vscode"},
		{"notepad", "", ""},
	} {
		c, err := Lookup(tc.id)
		if c.ID != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("Lookup(%q) = %q, %v, want %q", tc.id, c.ID, err, tc.want)
		}
		advice := hint.Of(err)
		if err != nil && !strings.Contains(advice, "claude-desktop, claude-code, cursor, vscode, windsurf, zed, gemini") {
			t.Errorf("Lookup(%q): hint %q does not list the clients", tc.id, advice)
		}
		if got := strings.Contains(advice, "did you mean"); got != (tc.suggested != "") || !strings.Contains(advice, tc.suggested) {
			t.Errorf("Lookup(%q): hint %q, want suggestion %q", tc.id, advice, tc.suggested)
		}
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	const user = `C:\Users\ann`
	msix := user + `\AppData\Local\Packages\Claude_pzs8sxrjxfjjc`
	for _, tc := range []struct {
		name, client, goos, home string
		vars                     map[string]string
		there                    []string // what Glob finds
		want                     string
	}{
		{"claude-desktop, macOS", "claude-desktop", "darwin", "/Users/ann", nil, nil, "/Users/ann/Library/Application Support/Claude/claude_desktop_config.json"},
		{"claude-desktop, macOS ignores XDG", "claude-desktop", "darwin", "/Users/ann", map[string]string{"XDG_CONFIG_HOME": "/x"}, nil, "/Users/ann/Library/Application Support/Claude/claude_desktop_config.json"},
		{"claude-desktop, Linux", "claude-desktop", "linux", "/home/ann", nil, nil, "/home/ann/.config/Claude/claude_desktop_config.json"},
		{"claude-desktop, Linux, XDG", "claude-desktop", "linux", "/home/ann", map[string]string{"XDG_CONFIG_HOME": "/x/"}, nil, "/x/Claude/claude_desktop_config.json"},
		{"claude-desktop, Linux, relative XDG", "claude-desktop", "linux", "/home/ann", map[string]string{"XDG_CONFIG_HOME": "x"}, nil, "/home/ann/.config/Claude/claude_desktop_config.json"},
		{"claude-desktop, FreeBSD", "claude-desktop", "freebsd", "/home/ann", nil, nil, "/home/ann/.config/Claude/claude_desktop_config.json"},
		{"claude-desktop, Windows classic", "claude-desktop", "windows", user, map[string]string{"APPDATA": `D:\Roam`}, nil, `D:\Roam\Claude\claude_desktop_config.json`},
		{"claude-desktop, Windows without variables", "claude-desktop", "windows", user, nil, nil, user + `\AppData\Roaming\Claude\claude_desktop_config.json`},
		{"claude-desktop, MSIX installed, never started", "claude-desktop", "windows", user, nil, []string{msix}, msix + `\LocalCache\Roaming\Claude\claude_desktop_config.json`},
		{"claude-desktop, MSIX elsewhere", "claude-desktop", "windows", user, map[string]string{"LOCALAPPDATA": `E:\L`}, []string{`E:\L\Packages\Claude_x`}, `E:\L\Packages\Claude_x\LocalCache\Roaming\Claude\claude_desktop_config.json`},
		{
			"claude-desktop, two packages: the one in use", "claude-desktop", "windows", user, nil,
			[]string{user + `\AppData\Local\Packages\Claude_old`, msix, msix + `\LocalCache\Roaming\Claude`},
			msix + `\LocalCache\Roaming\Claude\claude_desktop_config.json`,
		},
		{"claude-code, Linux", "claude-code", "linux", "/home/ann", nil, nil, "/home/ann/.claude.json"},
		{"claude-code, moved", "claude-code", "linux", "/home/ann", map[string]string{"CLAUDE_CONFIG_DIR": "/workspace/claude"}, nil, "/workspace/claude/.claude.json"},
		{"claude-code, Windows", "claude-code", "windows", user, nil, nil, user + `\.claude.json`},
		{"cursor, macOS", "cursor", "darwin", "/Users/ann", nil, nil, "/Users/ann/.cursor/mcp.json"},
		{"vscode, Linux", "vscode", "linux", "/home/ann", nil, nil, "/home/ann/.config/Code/User/mcp.json"},
		{"vscode, macOS", "vscode", "darwin", "/Users/ann", nil, nil, "/Users/ann/Library/Application Support/Code/User/mcp.json"},
		{"vscode, Windows", "vscode", "windows", user, nil, nil, user + `\AppData\Roaming\Code\User\mcp.json`},
		{"windsurf, Windows", "windsurf", "windows", user, nil, nil, user + `\.codeium\windsurf\mcp_config.json`},
		{"zed, Linux, XDG", "zed", "linux", "/home/ann", map[string]string{"XDG_CONFIG_HOME": "/x"}, nil, "/x/zed/settings.json"},
		{"zed, macOS", "zed", "darwin", "/Users/ann", nil, nil, "/Users/ann/.config/zed/settings.json"},
		{"gemini, Linux", "gemini", "linux", "/", nil, nil, "/.gemini/settings.json"},
		{"codex, Linux", "codex", "linux", "/home/ann", nil, nil, "/home/ann/.codex/config.toml"},
		{"codex, moved", "codex", "windows", user, map[string]string{"CODEX_HOME": `D:\codex`}, nil, `D:\codex\config.toml`},
		{"insiders, macOS", "vscode-insiders", "darwin", "/Users/ann", nil, nil, "/Users/ann/Library/Application Support/Code - Insiders/User/mcp.json"},
		{"cline, Linux", "cline", "linux", "/home/ann", nil, nil, "/home/ann/.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"},
		{"roo, Windows", "roo", "windows", user, nil, nil, user + `\AppData\Roaming\Code\User\globalStorage\rooveterinaryinc.roo-cline\settings\mcp_settings.json`},
		{"lm-studio, macOS", "lm-studio", "darwin", "/Users/ann", nil, nil, "/Users/ann/.lmstudio/mcp.json"},
		{"goose, macOS", "goose", "darwin", "/Users/ann", nil, nil, "/Users/ann/.config/goose/config.yaml"},
		{"goose, Windows", "goose", "windows", user, nil, nil, user + `\AppData\Roaming\Block\goose\config\config.yaml`},
		{"no home", "gemini", "linux", "", nil, nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, err := Lookup(tc.client)
			if err != nil {
				t.Fatal(err)
			}
			env := Env{
				GOOS: tc.goos, Home: tc.home,
				Getenv: func(name string) string { return tc.vars[name] },
				Glob:   func(pattern string) ([]string, error) { return globWindows(pattern, tc.there), nil },
			}
			got, err := c.Path(env)
			if got != tc.want || (err != nil) != (tc.want == "") {
				t.Errorf("Path = %q, %v, want %q", got, err, tc.want)
			}
			if err != nil && hint.Of(err) == "" {
				t.Errorf("error %v has no hint", err)
			}
		})
	}
}

// globWindows is filepath.Glob for Windows' separator, over a list.
func globWindows(pattern string, there []string) (found []string) {
	want := strings.Split(pattern, `\`)
	for _, path := range there {
		have := strings.Split(path, `\`)
		ok := len(have) == len(want)
		for i := range have {
			if ok {
				prefix, _, star := strings.Cut(want[i], "*")
				ok = have[i] == want[i] || (star && strings.HasPrefix(have[i], prefix))
			}
		}
		if ok {
			found = append(found, path)
		}
	}
	return found
}

func TestRowsAreComplete(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i, c := range All() {
		if i == 0 && c.ID != Default {
			t.Errorf("the first row is %q, want the default", c.ID)
		}
		if seen[c.ID] || c.Name == "" || c.Reload == "" || !strings.HasPrefix(c.Servers, "/") || c.files[""] == nil && c.files["linux"] == nil {
			t.Errorf("row %q is incomplete or there twice", c.ID)
		}
		seen[c.ID] = true
	}
}

func TestServersPointerIsUnescaped(t *testing.T) {
	t.Parallel()
	if got := (Client{Servers: "/a~1b~0c"}).key(); got != "a/b~c" {
		t.Errorf("key = %q", got)
	}
}

func TestCheckName(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"spotify-work": true, "A_9": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, "a b": false, "a/b": false, "a~b": false, "ü": false, "a\n": false, `a"b`: false,
	} {
		if err := CheckName(name); (err == nil) != ok || (err != nil && hint.Of(err) == "") {
			t.Errorf("CheckName(%q) = %v", name, err)
		}
	}
}

func TestEntryCheck(t *testing.T) {
	t.Parallel()
	linux, windows := Env{GOOS: "linux"}, Env{GOOS: "windows"}
	for _, tc := range []struct {
		name string
		env  Env
		e    Entry
		ok   bool
	}{
		{"absolute", linux, Entry{Command: "/usr/bin/stagedoor"}, true},
		{"relative", linux, Entry{Command: "stagedoor"}, false},
		{"empty", linux, Entry{}, false},
		{"Windows drive", windows, Entry{Command: `C:\x\stagedoor.exe`}, true},
		{"Windows share", windows, Entry{Command: `\\host\x\stagedoor.exe`}, true},
		{"Windows without drive", windows, Entry{Command: `\x\stagedoor.exe`}, false},
		{"Linux path on Windows", windows, Entry{Command: `/x/stagedoor`}, false},
		{"invalid UTF-8", linux, Entry{Command: "/x", Args: []string{"\xff"}}, false},
		{"NUL", linux, Entry{Command: "/x", Args: []string{"a\x00"}}, false},
		{"variable", linux, Entry{Command: "/x", Env: map[string]string{"A": "="}}, true},
		{"variable name with =", linux, Entry{Command: "/x", Env: map[string]string{"A=B": ""}}, false},
	} {
		if err := tc.e.check(tc.env, false); (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestIsOurs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		e    Entry
		want bool
	}{
		{Entry{Command: "/usr/bin/stagedoor", Args: []string{"run"}}, true},
		{Entry{Command: `C:\Program Files\Stagedoor\Stagedoor.EXE`, Args: []string{"run", "--"}}, true},
		{Entry{Command: "/usr/bin/stagedoor"}, false},
		{Entry{Command: "/usr/bin/stagedoor", Args: []string{"token"}}, false},
		{Entry{Command: "/usr/bin/uv", Args: []string{"run"}}, false},
		{Entry{Command: "/usr/bin/notstagedoor", Args: []string{"run"}}, false},
	} {
		if got := tc.e.IsOurs(); got != tc.want {
			t.Errorf("IsOurs(%+v) = %t", tc.e, got)
		}
	}
}

func TestNewRefusesHalfAnEnvironment(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]Params{
		"nothing":       {},
		"no clock":      {Env: Env{GOOS: "linux", Home: "/h"}, BackupDir: "/b", LockDir: "/l"},
		"relative dirs": {Env: Env{GOOS: "linux", Home: "/h"}, Now: fixedClock, BackupDir: "b", LockDir: "l"},
	} {
		if _, err := New(p); err == nil {
			t.Errorf("%s: New succeeded", name)
		}
	}
}
