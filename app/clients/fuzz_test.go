package clients

import (
	"bytes"
	"testing"
)

// FuzzPlan: whatever the file, Plan refuses it or keeps its promises.
func FuzzPlan(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "\ufeff{\r\n}\r\n", `{"mcpServers":null}`, "{\n  \"mcpServers\": { // c\n    \"a\": {},\n  },\n}",
		`{"mcpServers":{"our":{"command":"/x","args":["run"],"env":{"A":"b"},"k":1}}}`, "// c\n{\"mcpServers\":{}}//", "{\x00", "[[[[", `{"mcpServers":{"our":1,"our":2}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, before []byte) {
		e := Entry{Command: "/s", Args: []string{"run", "x"}, Env: map[string]string{"A": "1"}}
		set, err := compute("", string(before), "our", &e)
		removed, removeErr := compute("", string(before), "our", nil)
		if (err == nil) != (removeErr == nil) {
			t.Fatalf("set: %v, remove: %v", err, removeErr)
		}
		if err != nil {
			if _, ok := errorsAsRefused(err); !ok {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		_, _ = set.Diff(), removed.Diff()
		again := change(t, "", string(set.After), &e)
		if again.Action != Unchanged || !bytes.Equal(again.After, set.After) {
			t.Fatalf("not done after once: %s, %q", again.Action, set.After)
		}
		if removed.Action == Absent && !bytes.Equal(removed.After, before) {
			t.Fatalf("nothing to remove, and %q became %q", before, removed.After)
		}
		d, err := parse("/f", before)
		if err != nil {
			t.Fatal(err)
		}
		client, err := Lookup("")
		if err != nil {
			t.Fatal(err)
		}
		at, err := d.find(client, "our")
		if err != nil {
			t.Fatal(err)
		}
		if back := change(t, "", string(set.After), nil); at.servers != nil && !at.null && set.Action == Create && !bytes.Equal(back.After, before) {
			t.Fatalf("set and removed: %q became %q by way of %q", before, back.After, set.After)
		}
	})
}
