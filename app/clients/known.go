package clients

import "time"

// All returns every known client, the default first, in the order to offer them.
func All() []Client {
	return []Client{
		{
			ID: "claude-desktop", Name: "Claude Desktop",
			Servers:          "/mcpServers",
			ResetsOnComments: true,
			FullQuit:         true,
			KeepsLists:       true,
			Reload:           "quit Claude Desktop completely (Quit in its tray menu, Cmd+Q on macOS) and start it again",
			restart:          map[string]string{"darwin": `osascript -e 'quit app "Claude"' && sleep 3 && open -a Claude`},
			programs: map[string][]string{
				"darwin":  {"Claude.app/Contents/MacOS/Claude"},
				"windows": {"WindowsApps/Claude_*/app/Claude.exe", "AnthropicClaude/*/claude.exe", "AnthropicClaude/claude.exe"}, // and not Claude Code's
				"":        {"claude-desktop", "claude-desktop/electron", "claude-desktop/claude", "claude-desktop/node_modules/electron/dist/electron"},
			},
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
			Terminal: true, Inherits: true, Remembers: true, Patience: 30 * time.Second,
			project:       ".mcp.json",
			projectReload: "start a new Claude Code session in the project; it asks first whether to use the project's servers",
			files:         map[string][]string{"": {"{CLAUDE_CONFIG_DIR:}/.claude.json"}},
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
			project:  ".vscode/mcp.json", InProject: "${workspaceFolder}/",
			projectReload: "open the project in VS Code, run “MCP: List Servers” and start the server; if one that was there before starts instead, run “Developer: Reload Window” first",
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
		{
			ID: "codex", Name: "Codex",
			Format:   TOML,
			Servers:  "/mcp_servers",
			Terminal: true,
			Patience: 10 * time.Second,
			Reload:   "start a new Codex session",
			files:    map[string][]string{"": {"{CODEX_HOME:.codex}/config.toml"}},
		},
		{
			ID: "vscode-insiders", Name: "Visual Studio Code Insiders",
			Servers:  "/servers",
			Extra:    []Field{{"type", "stdio"}},
			Comments: true,
			Inherits: true,
			Reload:   "run “MCP: List Servers” in VS Code and start the server",
			files: map[string][]string{
				"darwin":  {"{home}/Library/Application Support/Code - Insiders/User/mcp.json"},
				"windows": {"{appdata}/Code - Insiders/User/mcp.json"},
				"":        {"{config}/Code - Insiders/User/mcp.json"},
			},
		},
		{
			ID: "cline", Name: "Cline",
			Servers: "/mcpServers",
			Reload:  "look for the server in Cline's MCP settings; if it is not there, start Cline again",
			files: map[string][]string{
				"darwin":  {"{home}/Library/Application Support/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"},
				"windows": {"{appdata}/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"},
				"":        {"{config}/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"},
			},
		},
		{
			ID: "roo", Name: "Roo Code",
			Servers: "/mcpServers",
			Reload:  "look for the server in Roo Code's MCP settings; if it is not there, start Roo Code again",
			files: map[string][]string{
				"darwin":  {"{home}/Library/Application Support/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json"},
				"windows": {"{appdata}/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json"},
				"":        {"{config}/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json"},
			},
		},
		{
			ID: "lm-studio", Name: "LM Studio",
			Servers: "/mcpServers",
			Reload:  "look for the server in LM Studio's MCP settings; if it is not there, start LM Studio again",
			files:   map[string][]string{"": {"{home}/.lmstudio/mcp.json"}},
		},
		{
			ID: "goose", Name: "Goose",
			Format:   YAML,
			Servers:  "/extensions",
			Members:  map[string]string{"command": "cmd", "env": "envs"},
			Extra:    []Field{{"name", "{name}"}, {"type", "stdio"}, {"enabled", true}, {"timeout", 300}},
			Terminal: true,
			Reload:   "start a new Goose session",
			files: map[string][]string{
				"windows": {"{appdata}/Block/goose/config/config.yaml"},
				"":        {"{home}/.config/goose/config.yaml"},
			},
		},
	}
}
