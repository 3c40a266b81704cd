// Package clientstest has files of MCP clients to test with.
package clientstest

import (
	"fmt"
	"strings"
)

// File is a client's file as people have them, and what becomes of it.
type File struct {
	Client, Name, Content string
	Refused               string // what the refusal says; "" if it is set up
}

func repeat(n int, format string) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, format, i)
	}
	return out.String()
}

// Corpus has such files of every format. An entry that is set in them is called "our".
func Corpus() (all []File) {
	add := func(client string, list ...[3]string) {
		for _, s := range list {
			all = append(all, File{client, s[0], s[1], s[2]})
		}
	}
	add("claude-desktop", [][3]string{
		{"minimal", `{}`, ""},
		{"minimal with a line end", "{}\n", ""},
		{"spaces only inside", "{   \n\n  }\n", ""},
		{"empty servers", `{"mcpServers":{}}`, ""},
		{"empty servers on lines", "{\n  \"mcpServers\": {\n  }\n}\n", ""},
		{"one server", "{\n  \"mcpServers\": {\n    \"fs\": {\"command\": \"npx\", \"args\": [\"-y\", \"fs\"]}\n  }\n}\n", ""},
		{"one line", `{"mcpServers":{"fs":{"command":"npx","args":[]}},"globalShortcut":"Ctrl+Space"}`, ""},
		{"preferences only", "{\n\t\"preferences\": {\n\t\t\"a\": 1\n\t}\n}", ""},
		{"servers last", "{\n  \"theme\": \"dark\",\n  \"mcpServers\": {\"a\": {\"command\": \"x\"}}\n}", ""},
		{"servers first", "{\n  \"mcpServers\": {\"a\": {\"command\": \"x\"}},\n  \"theme\": \"dark\"\n}", ""},
		{"tabs", "{\n\t\"mcpServers\": {\n\t\t\"a\": {\n\t\t\t\"command\": \"x\"\n\t\t}\n\t}\n}\n", ""},
		{"three spaces", "{\n   \"mcpServers\": {\n      \"a\": {\"command\": \"x\"}\n   }\n}\n", ""},
		{"CRLF", "{\r\n  \"mcpServers\": {\r\n    \"a\": {\"command\": \"x\"}\r\n  }\r\n}\r\n", ""},
		{"mixed line ends", "{\r\n  \"mcpServers\": {\n    \"a\": {\"command\": \"x\"}\r\n  }\n}\n", ""},
		{"CR only", "{\r  \"mcpServers\": {\r    \"a\": {\"command\": \"x\"}\r  }\r}\r", ""},
		{"BOM", "\ufeff{\n  \"mcpServers\": {}\n}\n", ""},
		{"line comments", "{\n  // mine\n  \"mcpServers\": { // these\n    \"a\": {\"command\": \"x\"} // last\n  }\n}\n", ""},
		{"block comments", "/* head */{\"mcpServers\":/* here */{\"a\":{\"command\":\"x\"}/* tail */}}/* end */", ""},
		{"comment in an empty object", "{\n  \"mcpServers\": {\n    // nothing yet\n  }\n}\n", ""},
		{"comment that looks like a server", "{\n  \"mcpServers\": {\n    // \"our\": {\"command\": \"x\"}\n  }\n}\n", ""},
		{"trailing commas", "{\n  \"mcpServers\": {\n    \"a\": {\"command\": \"x\",},\n  },\n}\n", ""},
		{"UTF-8 names", `{"mcpServers":{"привет":{"command":"x"},"日本":{"command":"y"},"🎵":{"command":"z"}}}`, ""},
		{"escaped names", `{"mcp\u0053ervers":{"a\u0062":{"command":"x"}}}`, ""},
		{"names with quotes", `{"mcpServers":{"a\"b":{"command":"x"},"c/d":{"command":"y"},"":{"command":"z"}}}`, ""},
		{"escaped surrogates", `{"emoji":"\ud83c\udfb5","mcpServers":{}}`, ""},
		{"odd numbers", `{"a":-0.0,"b":1e400,"c":123456789012345678901234567890,"d":0.1e-999,"mcpServers":{}}`, ""},
		{"slashes in strings", `{"u":"https://example.com//x","mcpServers":{"a":{"command":"C:\\x\\y.exe","args":["/*","*/"]}}}`, ""},
		{"remote server beside", `{"mcpServers":{"r":{"url":"https://mcp.example.com","headers":{"X":"1"}}}}`, ""},
		{"disabled and approvals", `{"mcpServers":{"a":{"command":"x","disabled":true,"autoApprove":["t"],"timeout":60}}}`, ""},
		{"deep", `{"x":` + strings.Repeat(`{"a":[`, 200) + strings.Repeat(`]}`, 200) + `,"mcpServers":{}}`, ""},
		{"many servers", `{"mcpServers":{` + strings.TrimSuffix(repeat(500, `"s%03d":{"command":"x","args":["a"]},`), ",") + `}}`, ""},
		{"long line", `{"x":"` + strings.Repeat("y", 1<<20) + `","mcpServers":{}}`, ""},
		{"whitespace galore", strings.Repeat("\n", 5000) + "{}" + strings.Repeat(" \n", 5000), ""},
		{"prototype names", `{"__proto__":{"x":1},"constructor":1,"mcpServers":{"__proto__":{"command":"x"}}}`, ""},
		{"name of ours in another place", `{"our":1,"nested":{"mcpServers":{"our":{"command":"x"}}},"mcpServers":{}}`, ""},
		{"servers of another case", `{"MCPServers":{"a":{"command":"x"}}}`, ""},
		{"env of others", `{"mcpServers":{"a":{"command":"x","env":{"A":"made-up","B":"2"}}}}`, ""},
		{"unicode line separators", "{\"a\":\"\u2028\u2029\",\"mcpServers\":{}}", ""},
		{"duplicate members elsewhere", `{"a":1,"a":2,"mcpServers":{}}`, ""},
		{"empty", ``, ""},
		{"spaces", "  \n\n\t\n", ""},
		{"BOM only", "\ufeff", ""},
		{"comment only", "// nothing\n", "not valid JSON: the file ends in the middle"},
		{"null", `null`, "the top level is null, not an object"},
		{"null servers", `{"mcpServers":null}`, ""},
		{"array at the top", `[]`, "the top level is an array, not an object"},
		{"string at the top", `"x"`, "the top level is a string, not an object"},
		{"number at the top", `12`, "the top level is a number, not an object"},
		{"servers an array", `{"mcpServers":[]}`, "\"mcpServers\" is an array, not an object"},
		{"servers a string", `{"mcpServers":"x"}`, "\"mcpServers\" is a string, not an object"},
		{"entry a string", `{"mcpServers":{"our":"x"}}`, ""},
		{"entry null", `{"mcpServers":{"our":null}}`, ""},
		{"duplicate servers", `{"mcpServers":{"a":{"command":"x"}},"mcpServers":{}}`, "\"mcpServers\" is there twice"},
		{"duplicate entry", `{"mcpServers":{"our":{"command":"x"},"our":{"command":"y"}}}`, "\"mcpServers\" has the entry \"our\" twice"},
		{"zero-filled", strings.Repeat("\x00", 4096), "the file is damaged: from here on it has zero bytes, as after a power loss"},
		{"zeros at the end", `{"mcpServers":{}}` + strings.Repeat("\x00", 100), "the file is damaged: from here on it has zero bytes, as after a power loss"},
		{"truncated in a string", `{"mcpServers":{"a":{"command":"x`, "not valid JSON: the file ends in the middle"},
		{"truncated after a comma", `{"mcpServers":{"a":{"command":"x"},`, "not valid JSON: the file ends in the middle"},
		{"truncated in an escape", `{"mcpServers":{"a\u00`, "not valid JSON: the file ends in the middle"},
		{"truncated in a comment", `{"mcpServers":{} /* `, "not valid JSON: the file ends in the middle"},
		{"two documents", `{"mcpServers":{}}{"mcpServers":{}}`, "not valid JSON: invalid character '{' after top-level value"},
		{"garbage behind", `{"mcpServers":{}} x`, "not valid JSON: invalid character 'x' after top-level value"},
		{"missing comma", `{"a":1 "mcpServers":{}}`, "not valid JSON: invalid character '\"' after object value (expecting ',' or '}')"},
		{"single quotes", `{'mcpServers':{}}`, "not valid JSON: invalid character '\\'' at start of value"},
		{"unquoted names", `{mcpServers:{}}`, "not valid JSON: invalid literal"},
		{"invalid UTF-8", "{\"a\":\"\xff\xfe\",\"mcpServers\":{}}", "invalid UTF-8"},
		{"lone surrogate", `{"a":"\ud800","mcpServers":{}}`, ""},
		{"UTF-16 LE", "\xff\xfe{\x00}\x00", "the file is UTF-16, not UTF-8"},
		{"UTF-16 BE", "\xfe\xff\x00{\x00}", "the file is UTF-16, not UTF-8"},
		{"control character in a string", "{\"a\":\"\x01\",\"mcpServers\":{}}", "not valid JSON: invalid literal"},
		{"conflict markers", "<<<<<<< HEAD\n{\"mcpServers\":{}}\n=======\n{}\n>>>>>>> b\n", "not valid JSON: invalid character '<' at start of value"},
		{"HTML", "<!doctype html><html></html>", "not valid JSON: invalid character '<' at start of value"},
		{"40 MB", `{"x":"` + strings.Repeat("z", 40<<20) + `","mcpServers":{}}`, ""},
	}...)
	add("vscode", [][3]string{
		{"empty object", "{}\n", ""},
		{"servers and inputs", "{\n\t\"inputs\": [{\"id\": \"k\", \"type\": \"promptString\"}],\n\t\"servers\": {\n\t\t\"a\": {\"type\": \"stdio\", \"command\": \"x\"}\n\t}\n}\n", ""},
		{"comments and trailing commas", "{\n\t// servers\n\t\"servers\": {\n\t\t\"a\": {\"type\": \"http\", \"url\": \"https://x\"},\n\t},\n}\n", ""},
		{"the other clients' member", `{"mcpServers":{"a":{"command":"x"}}}`, ""},
		{"servers an array", `{"servers":[1]}`, "\"servers\" is an array, not an object"},
	}...)
	add("zed", [][3]string{
		{"settings", "// Zed settings\n{\n  \"theme\": \"One Dark\",\n  \"vim_mode\": true,\n}\n", ""},
		{"context servers", "{\n  \"context_servers\": {\n    \"a\": {\"source\": \"custom\", \"command\": \"x\", \"args\": [], \"env\": {}}\n  }\n}\n", ""},
		{"empty file", "", ""},
	}...)
	add("claude-code", [][3]string{
		{"a state file", `{"numStartups":12,"projects":{"/home/u/p":{"mcpServers":{"our":{"command":"x"}},"history":["a"]}},"mcpServers":{"b":{"type":"stdio","command":"y","args":[],"env":{}}}}`, ""},
	}...)
	add("codex", [][3]string{
		{"empty", "", ""},
		{"model only", "model = \"gpt-5\"\n", ""},
		{"no line end", "model = \"gpt-5\"", ""},
		{"a server", "[mcp_servers.a]\ncommand = \"x\"\nargs = [\"-y\", \"b\"]\n\n[mcp_servers.a.env]\nK = \"v\"\n", ""},
		{"comments", "# mine\nmodel = \"x\" # this one\n\n# servers\n[mcp_servers.a] # a\ncommand = 'x' # literal\n", ""},
		{"tables behind", "[mcp_servers.a]\ncommand = \"x\"\n\n[profiles.fast]\nmodel = \"y\"\n", ""},
		{"CRLF", "model = \"x\"\r\n\r\n[mcp_servers.a]\r\ncommand = \"y\"\r\n", ""},
		{"quoted names", "[mcp_servers.\"a b\"]\ncommand = \"x\"\n[mcp_servers.'c.d']\ncommand = \"y\"\n", ""},
		{"multi-line strings", "note = \"\"\"\n[mcp_servers.our]\ncommand = \"no\"\n\"\"\"\nlit = '''\n[x]\n'''\n", ""},
		{"array of tables", "[[hooks]]\nname = \"a\"\n[[hooks]]\nname = \"b\"\n", ""},
		{"dates and floats", "at = 1979-05-27T07:32:00Z\nx = inf\ny = 0xDEAD_BEEF\nz = 1_000.5e-3\n", ""},
		{"servers as an inline table", "mcp_servers = { a = { command = \"x\" } }\n", "\"mcp_servers\" is not a table with a header of its own"},
		{"entry as an inline table", "[mcp_servers]\na = { command = \"x\" }\n", ""},
		{"ours as an inline table", "[mcp_servers]\nour = { command = \"x\" }\n", "the entry \"our\" is not written as a table of its own, [mcp_servers.our]"},
		{"ours by dotted names", "mcp_servers.our.command = \"x\"\n", "the entry \"our\" is not written as a table of its own, [mcp_servers.our]"},
		{"others by dotted names", "mcp_servers.a.command = \"x\"\nmcp_servers.a.args = []\n", ""},
		{"servers a string", "mcp_servers = \"x\"\n", "\"mcp_servers\" is not a table with a header of its own"},
		{"duplicate tables", "[mcp_servers.a]\ncommand = \"x\"\n[mcp_servers.a]\ncommand = \"y\"\n", "not valid TOML"},
		{"truncated", "[mcp_servers.a]\ncommand = \"x", "not valid TOML"},
		{"JSON in it", "{\"mcpServers\":{}}", "not valid TOML"},
		{"zero-filled", strings.Repeat("\x00", 100), "the file is damaged: from here on it has zero bytes, as after a power loss"},
		{"BOM", "\ufeffmodel = \"x\"\n", ""},
	}...)
	add("goose", [][3]string{
		{"empty", "", ""},
		{"provider only", "GOOSE_PROVIDER: openai\n", ""},
		{"no line end", "GOOSE_PROVIDER: openai", ""},
		{"an extension", "extensions:\n  a:\n    type: stdio\n    cmd: x\n    args: [\"-y\"]\n    enabled: true\n", ""},
		{"comments", "# mine\nextensions: # these\n  # one\n  a: # a\n    type: builtin # b\n    enabled: true\n# end\n", ""},
		{"four spaces", "extensions:\n    a:\n        type: builtin\n        enabled: true\nGOOSE_MODEL: y\n", ""},
		{"other members behind", "extensions:\n  a:\n    type: builtin\nGOOSE_MODEL: \"4\"\nlist:\n- 1\n- 2\n", ""},
		{"block scalars", "note: |\n  extensions:\n    our: 1\nfolded: >-\n  a\n  b\nextensions:\n  a:\n    type: builtin\n", ""},
		{"CRLF", "extensions:\r\n  a:\r\n    type: builtin\r\n", ""},
		{"quoted names", "\"extensions\":\n  'a b':\n    type: builtin\n", ""},
		{"flow map", "extensions: {a: {type: builtin}}\n", "\"extensions\" is no block mapping with entries and without an anchor"},
		{"empty flow map", "extensions: {}\n", ""},
		{"empty flow map with a comment", "a: 1\nextensions: { }  # mine\nb: 2\n", ""},
		{"empty flow map at the end", "extensions: {}", ""},
		{"empty flow map of CRLF", "extensions: {}\r\nb: 2\r\n", ""},
		{"null extensions", "extensions:\nGOOSE_MODEL: x\n", ""},
		{"null extensions with a word", "extensions: ~ # none\nGOOSE_MODEL: x\n", ""},
		{"empty flow map on two lines", "extensions: {\n}\n", "no block mapping with entries"},
		{"empty map with an anchor", "extensions: &e {}\n", "no block mapping with entries"},
		{"anchors", "base: &b\n  type: builtin\nextensions:\n  a: *b\n", ""},
		{"merge keys", "base: &b\n  type: builtin\nextensions:\n  a:\n    <<: *b\n    enabled: true\n", ""},
		{"two documents", "a: 1\n---\nb: 2\n", "it has several documents"},
		{"document marks", "---\na: 1\n", ""},
		{"tabs", "extensions:\n\ta: 1\n", "not valid YAML"},
		{"a list at the top", "- a\n- b\n", "the top level is no block mapping"},
		{"a word", "hello\n", "the top level is no block mapping"},
		{"duplicate members", "a: 1\na: 2\n", "not valid YAML"},
		{"extensions a list", "extensions:\n- a\n", "\"extensions\" is no block mapping with entries and without an anchor"},
		{"truncated", "extensions:\n  a: \"x", "not valid YAML"},
		{"zero-filled", strings.Repeat("\x00", 100), "the file is damaged: from here on it has zero bytes, as after a power loss"},
	}...)
	return all
}
