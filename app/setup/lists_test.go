package setup

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Clients that show the tools of before are named at a switch if a server of theirs
// follows it, and no others: nobody is to restart what notices by itself.
func TestKeepLists(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want bool
	}{
		"follows the provider":         {[]string{"run", "--provider", "spotify", "--as", "spotify-mcp", "--", "a"}, true},
		"follows it, in one word":      {[]string{"run", "--provider=spotify", "--", "a"}, true},
		"follows another":              {[]string{"run", "--provider", "tidal", "--", "a"}, false},
		"is pinned":                    {[]string{"run", "--profile", "work", "--provider", "spotify", "--", "a"}, false},
		"follows whatever is active":   {[]string{"run", "--env", "T={access_token}", "--", "a"}, true},
		"is a server of the provider":  {[]string{"run", "--as", "spotify-mcp", "--", "a"}, true},
		"is a server of another":       {[]string{"run", "--as", "tidal-mcp", "--", "a"}, false},
		"is known to be of another":    {[]string{"run", "--", "tidal-mcp"}, false},
		"has an option of that name":   {[]string{"run", "--provider", "tidal", "--", "a", "--provider", "spotify"}, false},
		"does not start through us":    {[]string{"serve", "--provider", "spotify"}, false},
		"pins by an option of its own": {[]string{"run", "--provider", "spotify", "--", "a", "--profile", "x"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			args, err := json.Marshal(c.args)
			if err != nil {
				t.Fatal(err)
			}
			config := fmt.Sprintf(`{"mcpServers":{"one":{"command":"/opt/stagedoor","args":%s},"two":{"command":"/opt/stagedoor","args":%s}}}`, args, args)
			for _, file := range []string{".config/Claude/claude_desktop_config.json", ".claude.json"} { // of which one keeps lists
				file = filepath.Join(home, file)
				if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(config), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			want := []string(nil)
			if c.want {
				want = []string{"Claude Desktop"}
			}
			if got := service(t, home).KeepLists("spotify"); !slices.Equal(got, want) {
				t.Errorf("named are %q", got)
			}
		})
	}
}
