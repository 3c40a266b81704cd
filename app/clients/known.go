package clients

import "time"

// All returns every known client, the default first, in the order to offer them.
//
// Codex (`~/.codex/config.toml`, `[mcp_servers.<name>]`) belongs here once there
// is a patcher for TOML that keeps a file's bytes as this one does for JSON.
func All() []Client {
	return []Client{
		{
			ID: "claude-desktop", Name: "Claude Desktop",
			Servers:          "/mcpServers",
			ResetsOnComments: true,
			FullQuit:         true,
			KeepsLists:       true,
			Reload:           "quit Claude Desktop completely (Quit in its tray menu, Cmd+Q on macOS) and start it again",
			files: map[string][]string{
				"darwin": {"{home}/Library/Application Support/Claude/claude_desktop_config.json"},
				"windows": {
					// The MSIX package redirects AppData, so the classic file
					// is not the one it reads.
					"{localappdata}/Packages/Claude_*/LocalCache/Roaming/Claude/claude_desktop_config.json",
					"{appdata}/Claude/claude_desktop_config.json",
				},
				"": {"{config}/Claude/claude_desktop_config.json"},
			},
		},
		{
			ID: "claude-code", Name: "Claude Code",
			Servers:  "/mcpServers",
			Reload:   "start a new Claude Code session",
			Terminal: true, Inherits: true, Patience: 30 * time.Second,
			files: map[string][]string{"": {"{CLAUDE_CONFIG_DIR:}/.claude.json"}},
		},
		{
			ID: "cursor", Name: "Cursor",
			Servers:    "/mcpServers",
			KeepsLists: true,
			Reload:     "Cursor reads the file again by itself; if it does not, turn the server off and on in its MCP settings",
			files:      map[string][]string{"": {"{home}/.cursor/mcp.json"}},
		},
		{
			ID: "vscode", Name: "Visual Studio Code",
			Servers:  "/servers",
			Extra:    []Field{{"type", "stdio"}},
			Comments: true,
			Inherits: true,
			Reload:   "run “MCP: List Servers” in VS Code and start the server",
			files: map[string][]string{
				"darwin":  {"{home}/Library/Application Support/Code/User/mcp.json"},
				"windows": {"{appdata}/Code/User/mcp.json"},
				"":        {"{config}/Code/User/mcp.json"},
			},
		},
		{
			ID: "windsurf", Name: "Windsurf",
			Servers: "/mcpServers",
			Reload:  "press Refresh in Windsurf's MCP settings",
			files:   map[string][]string{"": {"{home}/.codeium/windsurf/mcp_config.json"}},
		},
		{
			ID: "zed", Name: "Zed",
			Servers:  "/context_servers",
			Extra:    []Field{{"source", "custom"}},
			Comments: true,
			Reload:   "Zed reads the file again by itself",
			files: map[string][]string{
				"darwin":  {"{home}/.config/zed/settings.json"},
				"windows": {"{appdata}/Zed/settings.json"},
				"":        {"{config}/zed/settings.json"},
			},
		},
		{
			ID: "gemini", Name: "Gemini CLI",
			Servers:  "/mcpServers",
			Comments: true,
			Reload:   "start a new Gemini CLI session",
			Terminal: true,
			files:    map[string][]string{"": {"{home}/.gemini/settings.json"}},
		},
	}
}
