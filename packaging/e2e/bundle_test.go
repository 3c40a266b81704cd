//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/packaging/authserver"
	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

// A bundle is one in the eyes of the format's own tools, and what Claude Desktop starts
// from it answers, with a fresh token and nothing else of ours.
func TestBundle(t *testing.T) {
	s := newStage(t, lean, desktop.Options{NoPanel: true, NoNotifications: true})
	s.env = append(s.env, "FAKEBROWSER_ACCOUNT=ada")
	s.stagedoor("create-profile", "work", "--provider", "oidc", "--issuer", s.server.Issuer, "--client-id", authserver.PublicClientID)
	s.stagedoor("login", "work")
	server := []string{"--env", "API_TOKEN={access_token}", "--", node(), script("@modelcontextprotocol", "server-everything", "dist", "index.js")}
	for name, flags := range map[string][]string{"follows": nil, "pinned": {"--profile", "work"}} {
		t.Run(name, func(t *testing.T) {
			dir := s.home(name)
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "a.mcpb")
			out := s.stagedoor(append(append([]string{"setup", "--bundle", "--output", file}, flags...), server...)...)
			if !strings.Contains(out, " tools, ") {
				t.Errorf("it was not tried:\n%s", out)
			}
			// The same bytes again, and never over a file by accident.
			if said := s.fails(1, "setup", "--bundle", "--output", file); !strings.Contains(said, "--force") {
				t.Errorf("over a file it says %q", said)
			}
			again := filepath.Join(dir, "b.mcpb")
			s.stagedoor(append(append([]string{"setup", "--bundle", "--output", again}, flags...), server...)...)
			if s.read(file) != s.read(again) {
				t.Error("the bytes differ")
			}

			mcpb := script(".bin", "mcpb")
			if r := s.exec("", mcpb, "info", file); r.status != 0 {
				t.Errorf("mcpb info: %s%s", r.out, r.err)
			}
			unpacked := filepath.Join(dir, "unpacked")
			if r := s.exec("", "unzip", "-q", file, "-d", unpacked); r.status != 0 {
				t.Fatalf("unzip: %s%s", r.out, r.err)
			}
			manifest := filepath.Join(unpacked, "manifest.json")
			if r := s.exec("", mcpb, "validate", manifest); r.status != 0 || !strings.Contains(r.out+r.err, "passes") {
				t.Errorf("mcpb validate: %s%s", r.out, r.err)
			}
			var m struct {
				Server struct {
					Entry string          `json:"entry_point"`
					Start json.RawMessage `json:"mcp_config"`
				} `json:"server"`
				Tools []struct {
					Name string `json:"name"`
				} `json:"tools"`
			}
			if err := json.Unmarshal([]byte(s.read(manifest)), &m); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(filepath.Join(unpacked, filepath.FromSlash(m.Server.Entry))); err != nil || info.Mode()&0o111 == 0 {
				t.Errorf("the program of the bundle cannot be executed: %v", err)
			}
			config := filepath.Join(dir, "config.json")
			if err := os.WriteFile(config, []byte(`{"mcpServers":{"oidc":`+string(m.Server.Start)+`}}`), 0o600); err != nil {
				t.Fatal(err)
			}
			listed := s.inspect(config, "tools/list")
			for _, tool := range m.Tools {
				if !strings.Contains(listed, `"`+tool.Name+`"`) {
					t.Errorf("the bundle promises %s, which the server has not:\n%s", tool.Name, listed)
				}
			}
			tokens, _ := s.keyring(s.profiles()["work"].ID)
			if len(m.Tools) < 10 || strings.Contains(s.read(manifest), tokens.Access) {
				t.Errorf("the manifest has %d tools", len(m.Tools))
			}
			s.serverSees(config, tokens.Access, tokens.Refresh)
		})
	}

	// Both ways at once is each tool twice, and said.
	s.stagedoor(append([]string{"setup", "--no-check"}, server...)...)
	r := s.exec("", lean, append([]string{"setup", "--bundle", "--no-check", "--output", s.home("c.mcpb")}, server...)...)
	if !strings.Contains(r.err, `the entry "oidc" starts the same server`) {
		t.Errorf("of an entry of the same server it says %q", r.err)
	}
	installed := s.home(".config", "Claude", "Claude Extensions", "local.mcpb.stagedoor")
	if err := os.MkdirAll(installed, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(s.home("follows", "unpacked", "manifest.json"), filepath.Join(installed, "manifest.json")); err != nil {
		t.Fatal(err)
	}
	r = s.exec("", lean, append([]string{"setup", "--no-check"}, server...)...)
	if !strings.Contains(r.err, `has the bundle "oidc (Stagedoor)" of the same server`) {
		t.Errorf("of a bundle of the same server it says %q", r.err)
	}
}
