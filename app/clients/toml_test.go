package clients

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/stagedoor-app/stagedoor/app/clients/clientstest"
)

func codex(t rapid.TB) Client {
	t.Helper()
	c, err := Lookup("codex")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tomlParts are what documents are put together from; %d keeps keys apart.
var tomlParts = []string{
	"", "   ", "# a comment", "\t# [mcp_servers.s]", "k%d = 1", "k%d=\"a # b\"   # c", "\"quoted %d\" = 'its'", "k%d.dotted.\"a.b\" = 1979-05-27 07:32:00Z",
	"k%d = \"\"\"\n[mcp_servers.s]\ncommand = \\\"x\\\" \"\"\"\"\"", "k%d = '''\n# no comment\n'''", "k%d = [ 1, # one\n  [2, 3],\n\n  \"]\", ] # end",
	"k%d = { a = 1, b = { c = \"}\" }, d = [] }", "k%d = 6.626e-34", "k%d = -inf", "k%d = 0xDEAD_beef", "k%d = '\\'", "k%d = \"\\u00e9 \\\" \\\\\"",
	"[table%d]", "[ \"spaced %d\" . 'b' ]", "[table%d.sub]\nx = 1", "[[array%d]]\ny = 1\n[[array%d]]", "[mcp_servers.other%d] # mine\ncommand = \"/bin/x\"\nargs = [\"a\"]",
	"[mcp_servers.other%d]\n\turl = \"https://x\"\n\n[mcp_servers.other%d.env]\nTOKEN = \"made-up\"", "[mcp_servers.\"other %d\".tools.a]\nenabled = true",
}

func tomlDocument() *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		var doc strings.Builder
		nl := rapid.SampledFrom([]string{"\n", "\n", "\r\n"}).Draw(t, "newline")
		for i, part := range rapid.SliceOfN(rapid.SampledFrom(tomlParts), 0, 12).Draw(t, "parts") {
			part = strings.ReplaceAll(part, "%d", fmt.Sprint(i))
			doc.WriteString(strings.ReplaceAll(part, "\n", nl) + nl)
		}
		text := doc.String()
		if rapid.Bool().Draw(t, "open end") {
			text = strings.TrimSuffix(text, nl)
		}
		if rapid.IntRange(0, 9).Draw(t, "mark") == 0 {
			text = string(bom) + text
		}
		return []byte(text)
	})
}

var tomlEntries = rapid.Custom(func(t *rapid.T) Entry {
	word := rapid.SampledFrom([]string{"", "run", "a b", `C:\x "y"`, "é \u007f \u2028 \t", "{access_token}", "'", "#", "]"})
	e := Entry{Command: "/opt/" + word.Draw(t, "program"), Args: rapid.SliceOfN(word, 0, 4).Draw(t, "args")}
	if n := rapid.IntRange(0, 2).Draw(t, "variables"); n > 0 {
		e.Env = map[string]string{}
		for i := range n {
			e.Env[fmt.Sprintf("V%d.x", i)] = word.Draw(t, "value")
		}
	}
	return e
})

// tomlOthers is all that another reader of the file finds, but for our entry.
func tomlOthers(t rapid.TB, text []byte) map[string]any {
	t.Helper()
	all := map[string]any{}
	if err := toml.Unmarshal(bytes.TrimPrefix(text, bom), &all); err != nil {
		t.Fatal(err)
	}
	return withoutOurs(all, "mcp_servers")
}

// withoutOurs takes the entry s out, and its list if that leaves nothing in it.
func withoutOurs(all map[string]any, key string) map[string]any {
	if servers, is := all[key].(map[string]any); is {
		if delete(servers, "s"); len(servers) == 0 {
			delete(all, key)
		}
	}
	return all
}

// For any document, a set-up and its removal give back the bytes, and nothing but the
// entry is ever touched.
func TestTOMLProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		client, before := codex(t), tomlDocument().Draw(t, "document")
		do := func(data []byte, e *Entry) Change {
			ch := Change{Client: client.ID, Path: "/config.toml", Name: "s", Entry: e, Before: data, Exists: true}
			if err := ch.compute(client); err != nil {
				t.Fatalf("%v\n%s", err, data)
			}
			_ = ch.Diff()
			return ch
		}
		first, second := tomlEntries.Draw(t, "first"), tomlEntries.Draw(t, "second")
		set := do(before, &first)
		if !clientstest.Inserted(before, set.After) {
			t.Fatalf("more than the entry has changed\n%s", cmp.Diff(string(before), string(set.After)))
		}
		if diff := cmp.Diff(tomlOthers(t, before), tomlOthers(t, set.After)); diff != "" {
			t.Fatalf("others read -before +set\n%s", diff)
		}
		if again := do(set.After, &first); again.Action != Unchanged || !bytes.Equal(again.After, set.After) {
			t.Fatalf("a second time it is %s:\n%s", again.Action, again.After)
		}
		if gone := do(set.After, nil); !bytes.Equal(gone.After, before) {
			t.Fatalf("-before +removed\n%s", cmp.Diff(string(before), string(gone.After)))
		}
		other := do(set.After, &second)
		if gone := do(other.After, nil); !bytes.Equal(gone.After, before) {
			t.Fatalf("after an update: -before +removed\n%s", cmp.Diff(string(before), string(gone.After)))
		}
		var read struct {
			Servers map[string]toml.Primitive `toml:"mcp_servers"`
		}
		meta, err := toml.Decode(strings.TrimPrefix(string(other.After), string(bom)), &read)
		if err != nil {
			t.Fatal(err)
		}
		var got Entry
		if err := meta.PrimitiveDecode(read.Servers["s"], &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(second, got, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(Entry{})); diff != "" {
			t.Fatalf("Codex reads -want +got:\n%s", diff)
		}
	})
}

// What else somebody keeps in an entry, and beside it, stays.
func TestTOMLUpdate(t *testing.T) {
	const before = "# mine\nmodel = \"o9\"\n\n[mcp_servers.s] # ours\n# slow\nstartup_timeout_sec = 60\ncommand = '/old' # where\n\n" +
		"[mcp_servers.s.env]\nA = \"1\"\n\n# about x\n[mcp_servers.x]\ncommand = \"/x\"\n"
	wanted := Entry{Command: "/new", Args: []string{"run"}, Env: map[string]string{"B": "2"}}
	const after = "# mine\nmodel = \"o9\"\n\n[mcp_servers.s] # ours\nargs = [\"run\"]\nenv = { B = \"2\" }\n# slow\nstartup_timeout_sec = 60\ncommand = \"/new\" # where\n\n" +
		"\n# about x\n[mcp_servers.x]\ncommand = \"/x\"\n"
	ch := Change{Client: "codex", Path: "/f", Name: "s", Entry: &wanted, Before: []byte(before), Exists: true}
	if err := ch.compute(codex(t)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(after, string(ch.After)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// And it is put back as it was.
	was, err := ParseEntry(ch.Was())
	if err != nil {
		t.Fatal(err)
	}
	back := Change{Client: "codex", Path: "/f", Name: "s", Entry: was, Before: ch.After, Exists: true}
	if err := back.compute(codex(t)); err != nil {
		t.Fatal(err)
	}
	if got := string(back.After); !strings.Contains(got, "[mcp_servers.s] # ours\n# slow\nstartup_timeout_sec = 60\ncommand = '/old' # where\n\n[mcp_servers.s.env]\nA = \"1\"\n") {
		t.Errorf("put back it is\n%s", got)
	}
}

// What is not understood, or not written as a table, is left alone with the reason.
func TestTOMLRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"broken":          {"a = 1\nb = = 2\n", "/f:2:5: not valid TOML"},
		"a secret in it":  {"token = made-up-secret\n", "/f:1:"},
		"cut off":         {"a = [1,\n", "not valid TOML"},
		"zeros":           {"a = 1\n\x00\x00", "/f:2:1: the file is damaged"},
		"UTF-16":          {"a\x00=\x00", "UTF-16"},
		"inline table":    {"mcp_servers = { x = { command = \"/x\" } }\n", `"mcp_servers" is not a table`},
		"inline entry":    {"[mcp_servers]\ns = { command = \"/x\" }\n", `"s" is not written as a table of its own`},
		"dotted":          {"mcp_servers.s.command = \"/x\"\n", "not written as a table"},
		"an array":        {"[[mcp_servers]]\ns = 1\n", `"mcp_servers" is not a table`},
		"something else":  {"mcp_servers = 1\n", `"mcp_servers" is not a table`},
		"a table twice":   {"[a]\n[a]\n", "not valid TOML"},
		"no UTF-8":        {"a = \"\xff\"\n", "invalid UTF-8"},
		"JSON, not TOML":  {`{"mcpServers": {}}`, "not valid TOML"},
		"a merge, undone": {"<<<<<<< HEAD\na = 1\n", "not valid TOML"},
	} {
		ch := Change{Client: "codex", Path: "/f", Name: "s", Entry: &Entry{Command: "/x"}, Before: []byte(c.text), Exists: true}
		if err := ch.compute(codex(t)); err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "made-up") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A difference shows what is ours, and no value of others.
func TestTOMLDiff(t *testing.T) {
	const before = "key = \"made-up 1\"\n\"made\" = '''\nmade-up 2\n'''\n[mcp_servers.x.env]\nA = 'made-up 3'\nB = \"\"\"made-up 4\"\"\"\n# TOKEN = made-up-5\n"
	ch := Change{Client: "codex", Path: "/f", Name: "s", Entry: &Entry{Command: "/opt/stagedoor", Args: []string{"run"}}, Before: []byte(before), Exists: true}
	if err := ch.compute(codex(t)); err != nil {
		t.Fatal(err)
	}
	diff := ch.Diff()
	if strings.Contains(diff, "made-up") || !strings.Contains(diff, `+command = "/opt/stagedoor"`) || !strings.Contains(diff, `+args = ["run"]`) {
		t.Errorf("it is\n%s", diff)
	}
}
