package clients

import (
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/host"
)

// Claude Code, which reads another file, has a program of nearly the same name; and of
// a client's processes the first one is the client.
func TestBegan(t *testing.T) {
	client, err := Lookup("claude-desktop")
	if err != nil {
		t.Fatal(err)
	}
	at := func(hour int) time.Time { return time.Date(2026, 11, 27, hour, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		goos, path string
		want       bool
	}{
		{"darwin", "/Applications/Claude.app/Contents/MacOS/Claude", true},
		{"darwin", "/Users/ann/Applications/Claude.app/Contents/MacOS/Claude", true},
		{"darwin", "/Applications/Claude.app/Contents/Frameworks/Claude Helper.app/Contents/MacOS/Claude Helper", false},
		{"darwin", "/Users/ann/.local/bin/claude", false},
		{"windows", `C:\Program Files\WindowsApps\Claude_1.2.3.0_x64__pzs8sxrjxfjjc\app\claude.exe`, true},
		{"windows", `C:\Users\ann\AppData\Local\AnthropicClaude\app-1.2.3\claude.exe`, true},
		{"windows", `C:\Users\ann\.local\bin\claude.exe`, false},
		{"linux", "/usr/bin/claude-desktop", true},
		{"linux", "/usr/lib/claude-desktop/node_modules/electron/dist/electron", true},
		{"linux", "/home/ann/src/claude-desktop/node_modules/.bin/x", false},
		{"linux", "/home/ann/.local/bin/claude", false},
	} {
		began, ok := client.Began(c.goos, []host.Process{{Path: "/bin/sh", Began: at(1)}, {Path: c.path, Began: at(9)}, {Path: c.path, Began: at(8)}})
		if ok != c.want || ok && !began.Equal(at(8)) {
			t.Errorf("%s %s: %v since %s", c.goos, c.path, ok, began)
		}
	}
}
