package clients

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// doc draws JSON with comments: every kind of space and comment in every
// place where the grammar allows one.
type doc struct {
	t        *rapid.T
	comments bool
	newline  string
}

func (d doc) space() string {
	kinds := []string{"", "", "", " ", "\t", d.newline, d.newline + "  ", d.newline + d.newline, "\r"}
	if d.comments {
		kinds = append(kinds, "/**/", " /* a // b */ ", "/*"+d.newline+"*/", " // c \" { "+d.newline, "//"+d.newline+"    ", "// x  "+d.newline+d.newline)
	}
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(kinds), 0, 3).Draw(d.t, "space"), "")
}

func (d doc) name() string {
	return rapid.SampledFrom([]string{`"a"`, `"b/c"`, `"~0"`, `"m~1n"`, `""`, `"\u00e4"`, `"// x"`, `"\"q\""`, `"command"`, `"our2"`, `"ourx"`, `" our"`}).Draw(d.t, "name")
}

func (d doc) value(depth int) string {
	kind := rapid.IntRange(0, 5).Draw(d.t, "kind")
	if depth <= 0 {
		kind = min(kind, 3)
	}
	switch kind {
	case 0, 1, 2, 3:
		return rapid.SampledFrom([]string{`1`, `-0.5e+9`, `null`, `true`, `"x"`, `"/* no */"`, `"\\"`, `"ünï \ud83d\ude00"`}).Draw(d.t, "literal")
	case 4:
		return d.list("[", "]", d.t, func() string { return d.value(depth - 1) })
	default:
		return d.object(depth, nil)
	}
}

// object has random members and the given ones among them.
func (d doc) object(depth int, fixed []string) string {
	at := 0
	if len(fixed) > 0 {
		at = rapid.IntRange(0, 3).Draw(d.t, "place")
	}
	var members []string
	for i := range rapid.IntRange(0, 3).Draw(d.t, "members") {
		if i == at {
			members, fixed = append(members, fixed...), nil
		}
		members = append(members, d.name()+d.space()+":"+d.space()+d.value(depth-1))
	}
	members = append(members, fixed...)
	i := -1
	return d.join("{", "}", len(members), func() string { i++; return members[i] })
}

func (d doc) list(opening, closing string, t *rapid.T, item func() string) string {
	return d.join(opening, closing, rapid.IntRange(0, 3).Draw(t, "items"), item)
}

func (d doc) join(opening, closing string, n int, item func() string) string {
	var out strings.Builder
	out.WriteString(opening + d.space())
	for i := range n {
		out.WriteString(item() + d.space())
		if i < n-1 || d.comments && rapid.Bool().Draw(d.t, "trailing comma") {
			out.WriteString("," + d.space())
		}
	}
	out.WriteString(closing)
	return out.String()
}

func (d doc) whole(servers string) string {
	mark := rapid.SampledFrom([]string{"", "\ufeff"}).Draw(d.t, "mark")
	var fixed []string
	if servers != "" {
		fixed = []string{`"mcpServers"` + d.space() + ":" + d.space() + servers}
	}
	end := ""
	if d.comments && rapid.Bool().Draw(d.t, "comment at the end") {
		end = "// end"
	}
	return mark + d.space() + d.object(3, fixed) + d.space() + end
}

func draw(t *rapid.T) doc {
	return doc{t, rapid.Bool().Draw(t, "comments"), rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "newline")}
}

func drawEntry(t *rapid.T) *Entry {
	text := rapid.SampledFrom([]string{"run", "", "--", "a b", "\\", "\"", "ü", "\u2028", "<&>", "// x", "\n"})
	e := Entry{Command: "/" + text.Draw(t, "command"), Args: rapid.SliceOfN(text, 0, 3).Draw(t, "args")}
	if rapid.Bool().Draw(t, "env") {
		e.Env = map[string]string{"A": text.Draw(t, "value"), "B": ""}
	}
	return &e
}

// mustChange is change for a drawn document.
func mustChange(t *rapid.T, before string, name string, e *Entry) Change {
	ch, err := compute("claude-desktop", before, name, e)
	if err != nil {
		t.Fatalf("%q: %v", before, err)
	}
	return ch
}

// A user who tries Stagedoor and removes it again has the file of before.
func TestSetAndRemoveGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		before := d.whole(d.object(2, nil))
		set := mustChange(t, before, "our", drawEntry(t))
		if set.Action != Create {
			t.Fatalf("%q: %s", before, set.Action)
		}
		removed := mustChange(t, string(set.After), "our", nil)
		if string(removed.After) != before {
			t.Fatalf("not the same bytes\nbefore  %q\nset     %q\nremoved %q", before, set.After, removed.After)
		}
		onlyInserted(t, before, string(set.After))
		agreesWithPatch(&failer{t: t}, set)
	})
}

// onlyInserted says that every byte of before is in after, in order: nothing
// was moved, changed or taken away.
func onlyInserted(t *rapid.T, before, after string) {
	rest := after
	for i := range len(before) {
		at := strings.IndexByte(rest, before[i])
		if at < 0 {
			t.Fatalf("byte %d of the file is gone\nbefore %q\nafter  %q", i, before, after)
		}
		rest = rest[at+1:]
	}
}

// Whatever the document: setting, changing and removing never touches another
// entry or another setting, and what was wanted is then there.
func TestOthersStay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		servers := rapid.SampledFrom([]string{"", "null", "map"}).Draw(t, "servers")
		if servers == "map" {
			var fixed []string
			if rapid.Bool().Draw(t, "there") {
				fixed = []string{`"our"` + d.space() + ":" + d.space() + d.entry()}
			}
			servers = d.object(2, fixed)
		}
		text := d.whole(servers)
		for range rapid.IntRange(1, 4).Draw(t, "steps") {
			var e *Entry
			if rapid.Bool().Draw(t, "set") {
				e = drawEntry(t)
			}
			ch := mustChange(t, text, "our", e)
			client, _ := Lookup("")
			before, after := reread(t, text), reread(t, string(ch.After))
			was, is := bytes.Join(before.others(client, "our"), []byte("\n")), bytes.Join(after.others(client, "our"), []byte("\n"))
			if !bytes.Equal(was, is) {
				t.Fatalf("others changed\nbefore %q\nafter  %q", text, ch.After)
			}
			if strings.Count(text, "/*") > strings.Count(string(ch.After), "/*") && ch.Previous == nil && ch.Action != Remove && ch.Action != Update {
				t.Fatalf("a comment is gone\nbefore %q\nafter  %q", text, ch.After)
			}
			if again := mustChange(t, string(ch.After), "our", e); again.Writes() {
				t.Fatalf("not done after once: %s\nbefore %q\nafter  %q", again.Action, text, ch.After)
			}
			_ = ch.Diff()
			text = string(ch.After)
		}
	})
}

// entry is an entry of the user's own making under our name.
func (d doc) entry() string {
	members := []string{
		`"command"` + d.space() + ":" + `"/old"`, `"args"` + ":" + d.space() + `["run",` + d.space() + `"x"]`,
		`"env":{"K":"v"` + d.space() + `}`, `"disabled":` + d.space() + `true`, `"url":"u"`, `"args":3`,
	}
	chosen := rapid.SliceOfN(rapid.SampledFrom(members), 0, 4).Draw(d.t, "entry")
	i := -1
	return d.join("{", "}", len(chosen), func() string { i++; return chosen[i] })
}

func reread(t *rapid.T, text string) *document {
	d, err := parse("/f", []byte(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return d
}

// failer lets a helper for testing.TB report to rapid.
type failer struct {
	testing.TB
	t *rapid.T
}

func (f *failer) Helper()                      {}
func (f *failer) Fatal(args ...any)            { f.t.Fatal(args...) }
func (f *failer) Errorf(s string, args ...any) { f.t.Fatalf(s, args...) }
