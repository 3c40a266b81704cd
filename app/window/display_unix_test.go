//go:build !lean && !windows && !darwin

package window

import (
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Without this check Fyne's driver ends the process without a word that helps.
func TestNoDisplayIsAnErrorWithAHint(t *testing.T) {
	t.Setenv("WAYLAND_DISPLAY", "")
	for _, display := range []string{"", ":64999", ":64999.0"} {
		t.Setenv("DISPLAY", display)
		if err := checkDisplay(t.Context()); err == nil || hint.Of(err) == "" {
			t.Errorf("DISPLAY=%q: error %v, hint %q", display, err, hint.Of(err))
		}
	}
}
