package setup

import (
	"regexp"
	"strings"
)

// diagnoses are what servers, and what starts them, say when they cannot start, the
// more telling words first. In problem and hint, $1 is what the words name; {program}
// is what starts the server, and {package} what it is asked to start.
var diagnoses = []struct{ said, problem, hint string }{
	{
		`(?m)^(?:/usr/bin/)?env: [‘'"]?([\w.+-]+)[’'"]?: No such file`,
		"$1, which its script wants, is not where the client looks for programs",
		"write the whole path of $1 before the script: stagedoor setup -- /path/to/$1 {program}",
	},
	{`(?m)Python version \(([\d.]+)\) does not satisfy (Python\S+)`, "it needs $2, and this is Python $1", "name a newer Python, or let uvx choose one: uvx --python 3.13 {package}"},
	{`requires a different Python: ([\d.]+) not in '([^']+)'`, "it needs Python $2, and this is Python $1", "install it for a newer Python, and name that behind --"},
	{`No module named '?([\w.]+)`, "the Python module $1 is not installed for {program}", "install it there: {program} -m pip install NAME, or name the Python of the environment that has it"},
	{
		`SyntaxError: The requested module '([^']+)' does not provide|ERR_REQUIRE_ESM|ERR_UNKNOWN_BUILTIN_MODULE|Cannot use import statement outside|SyntaxError: Unexpected token|ReferenceError: \w+ is not defined|node: bad option`,
		"Node.js is too old for it", "install a current Node.js, and if there are several, name the new one behind --",
	},
	{`Cannot find (?:module|package) '([^']+)'`, "$1 is not installed", "install it, and name the file behind -- with its whole path"},
	{`(?s)npm (?:error|ERR!) code E404.*?GET \S+/(\S+) - Not found`, "npm knows no package $1", "check its name behind --"},
	{`npm (?:error|ERR!) could not determine executable`, "the package has no program to start", "check its name behind --"},
	{`(\S+) was not found in the package registry`, "PyPI has no package $1", "check its name behind --"},
	{`(?i)unsupported engine|EBADENGINE|requires? node(?:\.?js)?\b[^\n]*\d`, "Node.js is too old for it", "install a current Node.js, and if there are several, name the new one behind --"},
	{`(?m)^\s+File "[^"]+\.py", line \d+(?:.*\n)+.*SyntaxError`, "this Python cannot read it, and may be too old", "name a newer Python behind --"},
	{`(?i)exec format error`, "{program} is a script that does not say what runs it, or a program for another system", "name the interpreter behind --: stagedoor setup -- /bin/sh {program}"},
	{`(?i)EADDRINUSE|address already in use`, "the port that it wants is taken, maybe by another copy of it", "end the other one, or give this one another port"},
	{`ENOTFOUND|EAI_AGAIN|(?i)could not resolve host|name resolution|dns error|network is unreachable`, "it needs the network, and does not reach it", "check the connection and the proxy, then try again"},
	{`(?m)^stagedoor: (.+)\n(?:.*\n)*?hint: (.+)$`, "$1", "$2"},
}

// diagnose finds what the output of a server that did not start means, or "".
func diagnose(output string, command []string) (problem, advice string) {
	program, wanted := "the program", "NAME"
	if len(command) > 0 {
		program, wanted = command[0], command[len(command)-1]
	}
	for _, d := range diagnoses {
		said := regexp.MustCompile(d.said)
		at := said.FindStringSubmatchIndex(output)
		if at == nil {
			continue
		}
		words := func(template string) string {
			template = strings.NewReplacer("{program}", strings.ReplaceAll(program, "$", "$$"), "{package}", strings.ReplaceAll(wanted, "$", "$$")).Replace(template)
			return string(said.ExpandString(nil, template, output, at))
		}
		return words(d.problem), words(d.hint)
	}
	return "", ""
}
