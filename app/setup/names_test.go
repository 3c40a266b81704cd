package setup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/app/clients"
)

// Two servers never take each other's place without a question, and one that was
// upgraded or moved is no other one.
func TestAnother(t *testing.T) {
	entry := func(line string) clients.Entry {
		return clients.Entry{Command: "/x/stagedoor", Args: append([]string{"run"}, strings.Fields(line)...)}
	}
	for _, c := range []struct {
		was, wanted string
		named, want bool
	}{
		{"--provider https://a/t -- echo github-mcp-server", "--provider https://b/t -- echo notion-mcp-server", false, true},
		{"--profile a -- echo github-mcp-server", "--profile a -- echo github-projects-mcp", false, true},
		{"--profile a -- echo github-mcp-server", "--profile a -- echo github-projects-mcp", true, true},
		{"--provider a -- npx -y some-mcp", "--provider b -- npx -y some-mcp", false, true},
		{"--profile a -- npx -y some-mcp", "--profile b -- npx -y some-mcp", true, false},
		{"--profile a -- /usr/bin/npx -y some-mcp@1.2.3", "--profile a -- /home/u/.nvm/bin/npx some-mcp@2", false, false},
		{"--profile a -- npx -y @one/mcp", "--profile a -- npx -y @two/mcp", false, true},
		{"--profile a -- uvx some-mcp==1.0", "--profile a -- /opt/uvx some-mcp", false, false},
		{"--profile a -- python3 -m a.server", "--profile a -- /venv/bin/python -m a.server --verbose", false, false},
		{"--profile a -- python3 -m a.server", "--profile a -- python3 -m b.server", false, true},
		{"--profile a -- node /a/index.js", "--profile a -- node /b/index.js", false, true},
		{"--profile a -- /opt/1.2/github-mcp stdio", "--profile a -- /opt/1.3/github-mcp stdio", false, false},
	} {
		if got := another(entry(c.was), entry(c.wanted), c.named); got != c.want {
			t.Errorf("%s, then %s: %v", c.was, c.wanted, got)
		}
	}
}

// Behind a company's proxy the launcher needs what the user's shell has; a password is
// not written into a config.
func TestCarry(t *testing.T) {
	env, notes := carry([]string{
		"HTTPS_PROXY=http://proxy.example:3128", "no_proxy=localhost,.example", "HTTP_PROXY=http://ann:made-up-password@proxy.example:3128",
		"all_proxy=ann:made-up-password@proxy.example", "SSL_CERT_FILE=/etc/corp.pem", "REQUESTS_CA_BUNDLE=", "API_TOKEN=made-up",
	}, "Some Client")
	want := map[string]string{"HTTPS_PROXY": "http://proxy.example:3128", "no_proxy": "localhost,.example", "SSL_CERT_FILE": "/etc/corp.pem"}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	all := strings.Join(notes, "\n")
	for _, says := range []string{"HTTP_PROXY has a user name", "all_proxy has a user name", "HTTPS_PROXY=http://proxy.example:3128, SSL_CERT_FILE=/etc/corp.pem, no_proxy=", "Some Client may not pass on", "--no-environment"} {
		if !strings.Contains(all, says) {
			t.Errorf("it does not say %q:\n%s", says, all)
		}
	}
	if strings.Contains(all, "made-up") {
		t.Errorf("it shows the password:\n%s", all)
	}
	if env, notes := carry([]string{"PATH=/bin"}, "x"); len(env)+len(notes) > 0 {
		t.Errorf("without any: %v %v", env, notes)
	}
}

// A program's path that ends with the shell is not written.
func TestLastingPath(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	installed, shell := filepath.Join(dir, "node-versions", "bin"), filepath.Join(dir, "fnm_multishells")
	for _, d := range []string{installed, shell} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Dir(installed), filepath.Join(shell, "1234_5")); err != nil {
		t.Fatal(err)
	}
	if got, want := lasting(filepath.Join(shell, "1234_5", "bin", "npx")), filepath.Join(installed, "npx"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if path := filepath.Join(installed, "npx"); lasting(path) != path {
		t.Errorf("%s is another now", path)
	}
}
