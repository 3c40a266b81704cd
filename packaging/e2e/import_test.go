//go:build e2e && linux

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

// TestImport moves what the Spotify server left behind, on a real keyring: the
// secrets of an .env, and items that it made through Python's keyring library,
// for which secret-tool stands here with the attributes that library uses.
func TestImport(t *testing.T) {
	argv := watchArgv(t)
	s := newStage(t, lean, desktop.Options{})
	var canaries []string
	secret := func(name string) string {
		value := name + "-imported-secret-" + strings.Repeat("x", 12)
		canaries = append(canaries, value)
		return value
	}
	project := s.home("spotify-mcp")
	if err := os.Mkdir(project, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(project, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := "# my app\nSPOTIFY_CLIENT_ID=0123abcd\nSPOTIFY_CLIENT_SECRET=" + secret("client") +
		"\nSPOTIFY_REDIRECT_URI=http://127.0.0.1:8888/callback\nSPOTIFY_ACCESS_TOKEN='" + secret("access") +
		"'\nSPOTIFY_REFRESH_TOKEN='" + secret("refresh") + "'\nSPOTIFY_TOKEN_EXPIRES_AT='1762345678'\n"
	write(".env", env)
	write(".env.work", "SPOTIFY_CLIENT_ID=0123abcd\nSPOTIFY_USE_KEYCHAIN='true'\n")
	items := map[string]string{"access_token": secret("ring-access"), "refresh_token": secret("ring-refresh"), "token_expires_at": "1762345678"}
	for key, value := range items {
		if r := s.exec(value, "secret-tool", "store", "--label", "Password for 'work:"+key+"' on 'spotify-mcp'",
			"application", "Python keyring library", "service", "spotify-mcp", "username", "work:"+key); r.status != 0 {
			t.Fatalf("secret-tool store: %s", r.err)
		}
	}

	// A locked keyring: nothing is lost, and it is said.
	s.env = append(s.env, "STAGEDOOR_KEYCHAIN_WAIT=1")
	if err := s.LockKeyring(s.soon()); err != nil {
		t.Fatal(err)
	}
	s.fails(4, "import", project, "--yes")
	if got := s.read(filepath.Join(project, ".env")); got != env {
		t.Fatalf("with the keyring locked the file became %q", got)
	}
	if err := s.UnlockKeyring(s.soon()); err != nil {
		t.Fatal(err)
	}
	s.env = s.env[:len(s.env)-1]
	if n := len(s.profiles()); n != 0 {
		t.Errorf("the failed import left %d profiles", n)
	}

	// The seed's own command for the plain file, in its folder.
	r := s.exec("", "sh", "-c", `cd "$1" && exec "$2" enable-keychain`, "sh", project, s.program)
	s.said.WriteString(r.out + r.err)
	if r.status != 0 || !strings.Contains(r.out, "tokens in the keychain") {
		t.Fatalf("enable-keychain: %d\n%s%s", r.status, r.out, r.err)
	}
	if got := s.read(filepath.Join(project, ".env")); got != "# my app\nSPOTIFY_CLIENT_ID=0123abcd\nSPOTIFY_USE_KEYCHAIN=true\nSPOTIFY_REDIRECT_URI=http://127.0.0.1:8888/callback\n" {
		t.Errorf("the file is %q", got)
	}
	// The folder, for the profile whose tokens Python put into the keyring.
	if out := s.stagedoor("import", project, "--yes"); !strings.Contains(out, "profile work (Spotify) created, tokens in the keychain") {
		t.Errorf("import said %q", out)
	}
	profiles := s.profiles()
	for name, want := range map[string][2]string{"default": {canaries[1], canaries[2]}, "work": {items["access_token"], items["refresh_token"]}} {
		held, ok := s.keyring(profiles[name].ID)
		if !ok || held.Access != want[0] || held.Refresh != want[1] {
			t.Errorf("%s: secret-tool finds other tokens than were imported (%v)", name, ok)
		}
		if profiles[name].Status != "active" {
			t.Errorf("%s is %q", name, profiles[name].Status)
		}
	}
	left, err := s.SecretSearch(context.Background(), map[string]string{"service": "spotify-mcp"})
	if err != nil || len(left) != 0 {
		t.Errorf("Python's items are still there: %d, %v", len(left), err)
	}
	// And back again, where Python's library looks for them.
	s.stagedoor("import", "--undo", "keychain")
	for key, value := range items {
		if r := s.exec("", "secret-tool", "lookup", "service", "spotify-mcp", "username", "work:"+key); r.out != value {
			t.Errorf("%s did not come back: status %d", key, r.status)
		}
	}
	s.stagedoor("audit", "verify")
	s.noCanary(canaries, argv())
}
