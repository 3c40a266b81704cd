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
		"python3.12 -m spotify_mcp.server":                            "spotify-mcp",
		"python /home/ann/spotify_mcp/server.py":                      "spotify-mcp",
		`C:\venv\python.exe C:\src\spotify_mcp\server.py`:             "spotify-mcp",
		"/opt/spotify_mcp/server":                                     "spotify-mcp",
		"uvx spotify-mcp@0.1.0":                                       "spotipy",
		"uv run --with spotify-mcp-jamiew==0.7.0 spotify-mcp":         "spotipy",
		"uv --directory /home/ann/x run spotify-mcp":                  "", // its file would lie elsewhere
		"/opt/venv/bin/spotify-mcp":                                   "spotipy",
		"npx spotify-mcp":                                             "", // another one
		"uvx spotify-mcp-server":                                      "spotify-mcp-server",
		"npx -y @modelcontextprotocol/server-github@2025.4.8":         "server-github",
		`C:\Program_Files\nodejs\npx.cmd -y @sentry/mcp-server`:       "sentry-mcp",
		"cmd /c npx -y @sentry/mcp-server@latest":                     "sentry-mcp",
		"node /x/node_modules/@notionhq/notion-mcp-server/bin/cli.js": "notion-mcp-server",
		"docker run -i --rm ghcr.io/github/github-mcp-server":         "github-mcp-server",
		"/usr/local/bin/github-mcp-server stdio":                      "github-mcp-server",
		"env A=1 sh -c github-mcp-server":                             "github-mcp-server",
		"node /opt/other.js /src/github-mcp-server":                   "", // a folder
		"python -m other mcp-server-github":                           "",
		"npx github-mcp-server":                                       "", // not GitHub's
		"uvx github-mcp-server":                                       "",
		"/opt/files /home/ann/github-mcp-server":                      "", // a folder
		"npx -y server-filesystem /src/github-mcp-server":             "",
		"npx -y server-filesystem /x/@sentry/mcp-server":              "",
		"uvx mcp-linear":                                              "",
		"uvx --from iflow-mcp_tidal-mcp tidal-mcp":                    "tidal-mcp-flask",
		"/opt/tidal-mcp/.venv/bin/python /opt/tidal-mcp/start_mcp.py": "tidal-mcp-file",
		"/home/ann/.local/bin/tidal-mcp":                              "tidal-mcp-flask",
		`C:\venv\Scripts\tidal-mcp.exe`:                               "tidal-mcp-flask",
		"tidal-mcp":                                                   "tidal-mcp-flask",
		"/opt/venv/bin/python /opt/venv/bin/tidal-mcp":                "tidal-mcp-flask",
		"uvx tidal-mcp":                                               "", // another one
		"/opt/files /home/ann/tidal-mcp":                              "", // a folder
		"/opt/venv/bin/spotify-mcp-jamiew":                            "spotipy",
		"/opt/venv/bin/spotify-mcp-server":                            "spotify-mcp-server",
		"/home/ann/.local/bin/mcp-server-spotify":                     "mcp-server-spotify",
		"/opt/venv/bin/mcp-atlassian":                                 "mcp-atlassian",
		"/usr/local/bin/mcp-server-github":                            "server-github",
		"/usr/local/bin/mcp-server-gitlab":                            "server-gitlab",
		"/usr/local/bin/mcp-gitlab":                                   "mcp-gitlab",
		"/usr/local/bin/zereight-mcp-gitlab":                          "mcp-gitlab",
		"/usr/local/bin/notion-mcp-server":                            "notion-mcp-server",
		"/usr/local/bin/mcp-server-slack":                             "server-slack",
		"/usr/local/bin/slack-mcp":                                    "server-slack",
		"/usr/local/bin/slack-mcp-server":                             "slack-mcp-server",
		"/usr/local/bin/mcp-linear":                                   "mcp-linear",
		"/usr/local/bin/mcp-server-linear":                            "mcp-server-linear",
		`C:\Users\ann\AppData\Roaming\npm\sentry-mcp.cmd`:             "sentry-mcp",
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
