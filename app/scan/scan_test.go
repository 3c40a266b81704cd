package scan

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/app/clients"
)

// rnd is a made-up secret's body: no real one is here, and no scanner takes it for one.
func rnd(n int) string {
	const letters = "Zk7Qp2Xv9Lm4Ts8Rw3Nb6Hd5Jf1Gc0Yy"
	return strings.Repeat(letters, n/len(letters)+1)[:n]
}

func hex(n int) string { return strings.Repeat("3f9a07c1b58e2d64", n/16+1)[:n] }

// home is a user's home with files in it.
func home(t *testing.T, files map[string]string) *clients.Configs {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(content, "$HOME", filepath.ToSlash(dir))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := clients.New(clients.Params{
		Env: clients.Env{GOOS: "linux", Home: dir, Getenv: func(string) string { return "" }}, Now: time.Now,
		BackupDir: filepath.Join(dir, "backups"), LockDir: filepath.Join(dir, "locks"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// found is what a scan of one file finds.
func found(t *testing.T, name, content string) []Finding {
	t.Helper()
	list, wrong := Files(home(t, map[string]string{name: content}))
	if len(wrong) > 0 {
		t.Errorf("%s: %v", name, wrong)
	}
	return list
}

const (
	cursor = ".cursor/mcp.json"
	codex  = ".codex/config.toml"
	goose  = ".config/goose/config.yaml"
	zed    = ".config/zed/settings.json"
	vscode = ".config/Code/User/mcp.json"
)

func stdio(env string) string {
	return `{"mcpServers": {"s": {"command": "npx", "args": ["-y", "some-server"], "env": {` + env + `}}}}`
}

func args(list string) string {
	return `{"mcpServers": {"s": {"command": "npx", "args": [` + list + `]}}}`
}

// What somebody would lose if a secret were not found.
func TestEveryPlantedSecretIsFound(t *testing.T) {
	type planted struct{ file, content, secret string }
	env := func(name, secret string) planted {
		return planted{cursor, stdio(`"LEVEL": "debug", "` + name + `": "` + secret + `"`), secret}
	}
	var corpus []planted
	for _, s := range []string{
		"ghp_" + rnd(36), "gho_" + rnd(36), "github_pat_" + rnd(22) + "_" + rnd(59), "glpat-" + rnd(20), "xoxb-" + "1234567890-" + rnd(24),
		"xoxp-" + "1234567890-" + rnd(24), "sk-" + rnd(48), "sk-ant-" + "api03-" + rnd(80), "ntn_" + rnd(40), "secret_" + rnd(43), "lin_api_" + rnd(40),
		"AIza" + rnd(35), "AKIA" + strings.ToUpper(rnd(16)), "SG." + rnd(22) + "." + rnd(43), "figd_" + rnd(40), "pat-na1-" + hex(36),
		"sk_live_" + rnd(24), "hf_" + rnd(34), "ATATT3" + rnd(60), "npm_" + rnd(36), "eyJ" + rnd(20) + ".eyJ" + rnd(30) + "." + rnd(30),
	} {
		corpus = append(corpus, env("ANYTHING", s)) // whatever the variable is called
	}
	corpus = append(
		corpus,
		planted{cursor, stdio(`"HEADERS": "{\"Accept\": \"*/*\", \"Authorization\": \"Bearer ` + rnd(30) + `\"}"`), rnd(30)},
		env("X", "xai-"+rnd(60)), env("API_TOKEN", hex(32)), env("DB_PASSWORD", "hunter2!"), env("openaiApiKey", rnd(24)), env("EXA_API_KEY", hex(8)+"-"+hex(4)+"-4a1b-9c2d-"+hex(12)),
		env("CLIENT_SECRET", rnd(20)), env("DATABASE_URL", "postgres://app:"+rnd(12)+"@db.example.com/app"), env("HOOK", "https://api.example.com/v1?api_key="+rnd(20)),
		planted{codex, "[mcp_servers.s]\ncommand = \"npx\"\nargs = [\"x\"]\n[mcp_servers.s.env]\nGITHUB_TOKEN = \"ghp_" + rnd(36) + "\"\n", "ghp_" + rnd(36)},
		planted{goose, "extensions:\n  s:\n    cmd: npx\n    args: [x]\n    envs:\n      SOME_SECRET: " + rnd(30) + "\n", rnd(30)},
		planted{zed, `{/* mine */ "context_servers": {"s": {"command": "npx", "args": [], "env": {"TOKEN": "` + rnd(30) + `"}}}}`, rnd(30)},
		planted{vscode, `{"servers": {"s": {"type": "http", "url": "https://mcp.example.com", "headers": {"Authorization": "Bearer ` + rnd(30) + `"}}}}`, rnd(30)},
		planted{cursor, `{"mcpServers": {"s": {"url": "https://mcp.example.com/sse", "headers": {"X-API-Key": "` + rnd(30) + `"}}}}`, rnd(30)},
		planted{cursor, `{"mcpServers": {"s": {"url": "https://mcp.example.com/sse?token=` + rnd(30) + `"}}}`, rnd(30)},
		planted{cursor, args(`"-y", "x", "--api-key", "` + rnd(30) + `"`), rnd(30)},
		planted{cursor, args(`"-y", "x", "--token=` + rnd(30) + `"`), rnd(30)},
		planted{cursor, args(`"mcp-remote", "https://a.example", "--header", "Authorization: Bearer ` + rnd(30) + `"`), rnd(30)},
		planted{cursor, args(`"run", "-e", "API_KEY=` + rnd(30) + `", "image"`), rnd(30)},
		planted{cursor, args(`"x", "ghp_` + rnd(36) + `"`), "ghp_" + rnd(36)},
	)
	if len(corpus) < 40 {
		t.Fatalf("only %d files", len(corpus))
	}
	for i, p := range corpus {
		list := found(t, p.file, p.content)
		if len(list) != 1 || !strings.Contains(list[0].Value.Reveal(), p.secret) && !strings.Contains(p.secret, list[0].Value.Reveal()) {
			t.Errorf("%d: found %+v in\n%s", i, list, p.content)
			continue
		}
		if words := fmt.Sprintf("%+v", list[0]); strings.Contains(words, p.secret) || list[0].Next == "" {
			t.Errorf("%d: it says %s", i, words)
		}
	}
}

// A finding that is none teaches people to look away.
func TestLookAlikesAreNoFindings(t *testing.T) {
	values := map[string]string{
		"GITHUB_TOKEN": "${GITHUB_TOKEN}", "API_TOKEN": "$API_TOKEN", "TOKEN": "<your token>", "API_KEY": "changeme", "SECRET": "xxx", "PASSWORD": "", "OPENAI_API_KEY": "sk-xxxxxxxxxxxxxxxxxxxxxxxx",
		"GH_TOKEN": "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "NOTION_TOKEN": "ntn_your_token_here", "A_TOKEN": "{access_token}", "B_TOKEN": "{secret:work}", "C_TOKEN": "op://vault/item/field", "D_TOKEN": "%TOKEN%",
		"E_TOKEN": "${input:token}", "F_TOKEN": "held-by-stagedoor", "TOKEN_FILE": "/home/ada/.config/token", "KEY_PATH": "/home/ada/key.pem", "PRIVATE_KEY": "~/.ssh/id_ed25519", "SERVICE_ACCOUNT_KEY": "creds/service.json",
		"MAX_TOKENS": "4096", "TOKEN_LIMIT": "128000", "USE_TOKEN": "true", "TOKEN_TTL": "3600", "PUBLIC_KEY": "ssh-ed25519 " + rnd(40), "SSH_KEY": "ssh-rsa " + rnd(60), "STRIPE_PUBLISHABLE_KEY": "pk_live_" + rnd(24),
		"PROJECT_ID": hex(32), "COMMIT": hex(40), "SESSION_ID": hex(8) + "-" + hex(4) + "-4a1b-9c2d-" + hex(12), "API_URL": "https://api.example.com/v1/token", "DATABASE_URL": "postgres://localhost:5432/app", "REDIS_URL": "redis://${USER}:${PASS}@cache:6379",
		"TOKENIZERS_PARALLELISM": "false", "KEYBOARD": "us", "PATH": "/usr/bin:/bin", "PRIMARY_KEY": "customer_identifier", "SSH_AUTH_SOCK": "/run/user/1000/keyring/ssh", "CACHE_KEY": "build-2024-11-27-a1b2c3", "AUTHOR": "Ada Lovelace",
		"AWS_ACCESS_KEY_ID": "AKIA" + "IOSFODNN7EXAMPLE", "IMAGE": "sha256:" + hex(64), "SECRET_NAME": "prod/app/database", "API_KEY_HEADER": "X-Api-Key", "TOKEN_URL": "https://login.example.com/oauth/token",
	}
	if len(values) < 40 {
		t.Fatalf("only %d", len(values))
	}
	for name, value := range values {
		if list := found(t, cursor, stdio(`"`+name+`": "`+value+`"`)); len(list) > 0 {
			t.Errorf("%s=%s is taken for a %s", name, value, list[0].What)
		}
	}
	for _, list := range []string{
		`"-y", "@modelcontextprotocol/server-github@2025.4.8"`, `"--header", "Authorization: ${AUTH}"`, `"--header", "Authorization:Bearer ${TOKEN}"`, `"-e", "GITHUB_TOKEN", "ghcr.io/github/github-mcp-server"`,
		`"--token-file", "/home/ada/.token"`, `"/home/ada/Zk7Qp2Xv9Lm4Ts8Rw3Nb6Hd5Jf1Gc0/server.py"`, `"--config", "{\"mode\": \"fast\"}"`,
	} {
		if got := found(t, cursor, args(list)); len(got) > 0 {
			t.Errorf("%s is taken for a %s", list, got[0].What)
		}
	}
	ours := `{"mcpServers": {"s": {"command": "/usr/bin/stagedoor", "args": ["run", "--profile", "` + rnd(20) + `", "--env", "API_KEY={secret}", "--", "npx", "x"]}}}`
	if got := found(t, cursor, ours); len(got) > 0 {
		t.Errorf("an entry of ours is taken for a %s", got[0].What)
	}
}

// The copies and the .env files beside a server have the same secrets.
func TestCopiesAndEnvFilesAreRead(t *testing.T) {
	list, wrong := Files(home(t, map[string]string{
		cursor: `{"mcpServers": {"s": {"command": "python", "args": ["$HOME/app/server.py"]}, "t": {"command": "node", "cwd": "$HOME/other", "args": ["index.js"]},
			"u": {"command": "$HOME/tool/server", "args": ["$HOME/missing.js", "--env-file=$HOME/secrets/.env.prod"]}}}`,
		"backups/cursor/20260101T000000.000Z.json": stdio(`"API_TOKEN": "` + rnd(30) + `"`),
		"app/server.py":         "",
		"app/.env":              "# mine\nLEVEL=debug\nexport API_TOKEN='" + rnd(30) + "'\nOTHER_TOKEN=${API_TOKEN}\n",
		"app/.env.d/pyvenv.cfg": "", "tool/server": "", "tool/.env": "PASSWORD=" + rnd(12) + "\n", "secrets/.env.prod": "API_TOKEN=" + rnd(30) + "\n",
		"app/.env.example":                  "API_TOKEN=" + rnd(30) + "\n",
		"other/.env.work":                   "GITHUB=ghp_" + rnd(36) + "\n",
		"unrelated/.env":                    "API_TOKEN=" + rnd(30) + "\n",
		".codeium/windsurf/mcp_config.json": `{"mcpServers": {`,
	}))
	var got []string
	for _, f := range list {
		got = append(got, filepath.Base(filepath.Dir(f.File))+"/"+filepath.Base(f.File)+" "+f.Place)
	}
	want := "cursor/20260101T000000.000Z.json env API_TOKEN|app/.env line 3, API_TOKEN|other/.env.work line 1, GITHUB|secrets/.env.prod line 1, API_TOKEN|tool/.env line 1, PASSWORD"
	if strings.Join(got, "|") != want {
		t.Errorf("found %s, want %s", strings.Join(got, "|"), want)
	}
	if len(wrong) != 1 || !strings.Contains(wrong[0].Error(), "mcp_config.json") {
		t.Errorf("a file that cannot be read is not named: %v", wrong)
	}
}
