package hint

import "testing"

// Whoever mistypes a name is shown the one that was meant, and no other.
func TestNearest(t *testing.T) {
	names := []string{"claude-desktop", "claude-code", "cursor", "zed"}
	for word, want := range map[string]string{"cursr": "cursor", "claude-deskop": "claude-desktop", "desktop": "claude-desktop", "emacs": "", "": "", "x": ""} {
		if got := Nearest(word, names); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
