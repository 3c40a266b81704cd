package clients

import (
	"bytes"
	"strings"
	"testing"
)

// A file that is mostly the client's own history is set up like any other, and not one
// byte of that history is touched.
func TestLongHistoryIsNotTakenApart(t *testing.T) {
	history := `{"p": [` + strings.Repeat(`{"display": "said \u0000held 0", "n": 1.50e3},`, 20_000) + "\n null]}"
	for name, text := range map[string]string{
		"servers before": "{\n  \"mcpServers\": {},\n  \"projects\": " + history + ",\n  \"x\": 1\n}\n",
		"servers behind": "{\n\t\"projects\": " + history + ",\n\t\"again\": " + history + ",\n\t\"mcpServers\": {\"other\": {\"command\": \"/bin/true\"}}\n}",
		"no servers":     `{"projects":` + history + `}`,
		"on one line":    `{"projects":` + history + `,"mcpServers":{}}`,
		"with a comment": "{\n  // mine\n  \"projects\": " + history + ",\n  \"mcpServers\": {},\n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			client, err := Lookup("claude-code")
			if err != nil {
				t.Fatal(err)
			}
			entry := Entry{Command: "/opt/stagedoor", Args: []string{"run"}}
			set := Change{Client: client.ID, Path: "/f", Name: "s", Entry: &entry, Before: []byte(text), Exists: true}
			if err := set.compute(client); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(set.After), history); n != strings.Count(text, history) || !bytes.Contains(set.After, []byte(`"/opt/stagedoor"`)) {
				t.Fatalf("the history is there %d times", n)
			}
			if diff := set.Diff(); !strings.Contains(diff, "/opt/stagedoor") || strings.Contains(diff, "held 0 ") {
				t.Errorf("the difference is %.2000s", diff)
			}
			again := Change{Client: client.ID, Path: "/f", Name: "s", Entry: &entry, Before: set.After, Exists: true}
			if err := again.compute(client); err != nil || again.Action != Unchanged || !bytes.Equal(again.After, set.After) {
				t.Errorf("a second time it is %s, %v", again.Action, err)
			}
			gone := Change{Client: client.ID, Path: "/f", Name: "s", Before: set.After, Exists: true}
			if err := gone.compute(client); err != nil {
				t.Fatal(err)
			}
			if name != "no servers" && string(gone.After) != text {
				t.Error("after the removal the file is not as it was")
			}
		})
	}
}

// What became of a file that a crash ruined is said as it is.
func TestRuinedFiles(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"all zeros":        {strings.Repeat("\x00", 4146), "1:1: the file is damaged: from here on it has zero bytes"},
		"two zeros":        {"\x00\x00", "damaged"},
		"zeros at the end": {"{\n  \"mcpServers\": {}" + strings.Repeat("\x00", 50), "2:19: the file is damaged"},
		"zeros within":     {`{"a": "` + "\x00\x00\x00" + `"}`, "damaged"},
		"UTF-16":           {"{\x00}\x00", "UTF-16"},
		"UTF-16, BE":       {"\x00{\x00}", "UTF-16"},
		"with its mark":    {"\xff\xfe{\x00}\x00", "UTF-16"},
	} {
		if _, err := parse("/f", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
