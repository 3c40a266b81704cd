package doctor

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEntry(t *testing.T) {
	w := newWorld(t)
	w.ok("entry")

	moved := filepath.Join(w.home, "new", "stagedoor")
	write(t, moved, "#!/bin/sh\n", 0o700)
	must(t, os.Remove(w.self))
	w.self = moved
	found := w.is("entry", Fail, "cannot find", fixCommand)
	after := of(w.Mend(t.Context(), found), "entry")
	if Worst(after) != OK || !strings.Contains(after[0].Fixed, "Claude Desktop, oidc starts "+moved+" now") {
		t.Errorf("after the repair: %+v", after)
	}
	w.ok("entry")

	w.edit(w.State, "/somewhere/else")
	w.is("entry", Warn, "another state folder than this program: /somewhere/else", "stagedoor setup claude-desktop --name oidc")
	w.edit("/somewhere/else", w.State)
	w.edit(`"--provider"`, `"--profile"`)
	w.edit(`"`+w.server.Issuer()+`"`, `"gone"`)
	w.is("entry", Fail, "its profile gone is no more", "stagedoor setup claude-desktop --remove --name oidc")
	w.setUp("--env", "API_TOKEN={access_token}")
	w.ok("entry")

	write(t, w.clientsFile, "{", 0o600)
	w.is("entry", Fail, "claude_desktop_config.json", "")
	write(t, w.clientsFile, "{}", 0o600) // as a client that resets its file
	w.is("entry", Warn, "no client starts one now", "stagedoor setup --profile work")
	w.setUp("--env", "API_TOKEN={access_token}")
	w.ok("entry")
}

func TestServer(t *testing.T) {
	w := newWorld(t)
	w.ok("server")
	must(t, os.Remove(w.tool))
	w.is("server", Fail, "cannot find "+w.tool, "stagedoor setup claude-desktop --name oidc --env 'API_TOKEN={access_token}' -- /its/new/path …")
	w.setUpWith("sh")
	w.edit(`"/usr/bin/sh"`, `"sh"`)
	w.ok("server")
	w.edit(`"sh"`, `"tool-of-a-shell"`)
	write(t, filepath.Join(w.home, "bin", "tool-of-a-shell"), "#!/bin/sh\n", 0o700)
	w.Setup.Host[0] = "PATH=/usr/bin:/bin:" + filepath.Join(w.home, "bin") // which a client of the desktop has not
	w.is("server", Fail, "cannot find tool-of-a-shell", "")
	t.Setenv("PATH", filepath.Join(w.home, "bin")) // of the shell
	w.is("server", Fail, "cannot find tool-of-a-shell", "-- '"+filepath.Join(w.home, "bin", "tool-of-a-shell")+"' …")
}

// setUpWith sets another server up.
func (w *world) setUpWith(program string) {
	w.tool = program
	w.setUp("--env", "API_TOKEN={access_token}")
}

func TestVariables(t *testing.T) {
	w := newWorld(t)
	w.is("network", Skipped, "no variable", "")
	pem := filepath.Join(w.home, "ca.pem")
	write(t, pem, "no certificate", 0o600)
	for _, c := range []struct{ name, value, why string }{
		{"SSL_CERT_FILE", filepath.Join(w.home, "none.pem"), "there is no file"},
		{"NODE_EXTRA_CA_CERTS", pem, "has no certificate in the PEM format"},
		{"SSL_CERT_DIR", pem, "is no folder"},
		{"HTTPS_PROXY", "ftp://ann:made-up-password@proxy.example", "it names no proxy"},
		{"http_proxy", "http://", "it names no proxy"},
	} {
		clear(w.env)
		w.env[c.name] = c.value
		found := of(w.is("network", Fail, c.why, "unset "+c.name), "network")
		if strings.Contains(found[0].Why+found[0].About, "made-up") {
			t.Errorf("it shows the password: %+v", found)
		}
	}
	clear(w.env)
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	write(t, pem, certificate(s), 0o600)
	w.env = map[string]string{"SSL_CERT_FILE": pem, "HTTPS_PROXY": "proxy.example:3128", "NO_PROXY": "localhost"}
	w.ok("network")
	w.edit(`"STAGEDOOR_HOME"`, `"SSL_CERT_FILE": "/none.pem", "STAGEDOOR_HOME"`)
	w.is("network", Fail, "there is no file /none.pem", "correct SSL_CERT_FILE")
}
