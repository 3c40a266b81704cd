package setup

import (
	"strings"
	"testing"
)

// What servers, npx, uvx and the launcher write when they cannot start is told in words
// that name what to do.
func TestDiagnosis(t *testing.T) {
	for _, c := range []struct{ output, problem, hint string }{
		{"Traceback (most recent call last):\n  File \"/x/server.py\", line 3, in <module>\n    import spotipy\nModuleNotFoundError: No module named 'spotipy'", "the Python module spotipy is not installed for /bin/py", "/bin/py -m pip install"},
		{"/bin/py: No module named spotify_mcp.server", "the Python module spotify_mcp.server is not installed for /bin/py", ""},
		{"/usr/bin/env: ‘node’: No such file or directory", "node, which its script wants, is not where the client looks for programs", "/path/to/node /bin/py"},
		{"env: node: No such file or directory", "node, which its script wants", "/path/to/node"},
		{"Because the current Python version (3.9.2) does not satisfy Python>=3.10 and x depends on it", "it needs Python>=3.10, and this is Python 3.9.2", "uvx --python 3.13 pkg"},
		{"ERROR: Package 'x' requires a different Python: 3.8.1 not in '>=3.10'", "it needs Python >=3.10, and this is Python 3.8.1", "newer Python"},
		{"  File \"/x/main.py\", line 7\n    match a:\n          ^\nSyntaxError: invalid syntax", "may be too old", "newer Python"},
		{"node:internal/modules/cjs/loader:1228\nError: Cannot find module 'express'\nRequire stack:\n- /x/index.js", "express is not installed", "whole path"},
		{"Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'zod' imported from /x/index.js", "zod is not installed", ""},
		{"import { File } from 'buffer'\nSyntaxError: The requested module 'buffer' does not provide an export named 'File'", "Node.js is too old", "current Node.js"},
		{"SyntaxError: Unexpected token '??='\n    at Loader.moduleStrategy", "Node.js is too old", ""},
		{"npm WARN EBADENGINE Unsupported engine {\nnpm WARN EBADENGINE   required: { node: '>=18' }\nError: x", "Node.js is too old", ""},
		{"npm error code E404\nnpm error 404 Not Found - GET https://registry.npmjs.org/no-such-mcp - Not found\nnpm error 404", "npm knows no package no-such-mcp", "check its name"},
		{"Because no-such-mcp was not found in the package registry and you require no-such-mcp, we can conclude", "PyPI has no package no-such-mcp", "check its name"},
		{"npm error could not determine executable to run", "has no program to start", ""},
		{"fork/exec /bin/py: exec format error", "/bin/py is a script that does not say what runs it", "/bin/sh /bin/py"},
		{"Error: listen EADDRINUSE: address already in use 127.0.0.1:8888", "the port that it wants is taken", ""},
		{"Error: getaddrinfo ENOTFOUND registry.npmjs.org", "does not reach it", "proxy"},
		{"stagedoor: cannot find nowhere-mcp\nhint: check the path", "cannot find nowhere-mcp", "check the path"},
		{"KeyError: 'SPOTIFY_ID'", "", ""},
	} {
		problem, advice := diagnose(c.output, []string{"/bin/py", "-m", "pkg"})
		if !strings.Contains(problem, c.problem) || (problem == "") != (c.problem == "") || !strings.Contains(advice, c.hint) || (advice == "") != (problem == "") {
			t.Errorf("of %q: %q, %q", c.output, problem, advice)
		}
	}
}
