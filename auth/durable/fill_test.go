package durable

import (
	"os"
	"path/filepath"
	"testing"
)

// A file that is mounted by itself keeps its place and gets the new content, whichever
// of the two is longer.
func TestFill(t *testing.T) {
	for _, old := range []string{"", "short", "longer than the new content is"} {
		dir := t.TempDir()
		from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
		for path, text := range map[string]string{from: "the new content", to: old} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		before, err := os.Stat(to)
		if err != nil {
			t.Fatal(err)
		}
		if err := fill(from, to); err != nil {
			t.Fatal(err)
		}
		after, err := os.Stat(to)
		if text, _ := os.ReadFile(to); err != nil || string(text) != "the new content" || !os.SameFile(before, after) {
			t.Errorf("after %q it has %q, %v", old, text, err)
		}
	}
}
