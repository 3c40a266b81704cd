package cli

import (
	"testing"

	"github.com/spf13/cobra"
)

// Started from its icon on Windows, the program is the tray and no mistake of a user
// who should have opened a console.
func TestStartsFromAnIcon(t *testing.T) {
	if cobra.MousetrapHelpText != "" {
		t.Errorf("it would say %q and end", cobra.MousetrapHelpText)
	}
}
