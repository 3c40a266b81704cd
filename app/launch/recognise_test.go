package launch

import (
	"strings"
	"testing"
)

// A server that is taken for another one gets variables that break it.
func TestRecognise(t *testing.T) {
	for command, want := range map[string]string{
		"python3 -m spotify_mcp.server":                               "spotify-mcp",
		"/opt/venv/bin/python -m spotify_mcp.server --profile work":   "spotify-mcp",
		"uv --directory /home/ann/x run python -m spotify_mcp.server": "spotify-mcp",
		"uvx --from git+https://example.com/x@v1 spotify_mcp.server":  "spotify-mcp",
		"npx -y spotify_mcp.server@1.2.0":                             "spotify-mcp",
		"uvx spotify_mcp.server==1.2.0":                               "spotify-mcp",
		"python /home/ann/spotify_mcp/server.py":                      "spotify-mcp",
		`C:\venv\python.exe C:\src\spotify_mcp\server.py`:             "spotify-mcp",
		"/opt/spotify_mcp/server":                                     "spotify-mcp",
		"uvx spotify-mcp":                                             "", // another one, with a login of its own
		"uvx spotify-mcp-server":                                      "",
		"python -m spotify_mcp":                                       "",
		"python -m other.spotify_mcp.servers":                         "",
		"node /home/ann/server.js":                                    "",
		"":                                                            "",
	} {
		if r, ok := Recognise(strings.Fields(command)); r.ID != want || ok != (want != "") {
			t.Errorf("%q is %q, want %q", command, r.ID, want)
		}
	}
}
