package host

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

// Two processes that disagree about the folder see two sets of profiles.
func TestFindPaths(t *testing.T) {
	for name, c := range map[string]struct {
		goos, home string
		env        map[string]string
		want       string // "" means an error
	}{
		"linux":                 {"linux", "/home/ada", nil, "/home/ada/.local/share/stagedoor"},
		"linux with XDG":        {"linux", "/home/ada", map[string]string{"XDG_DATA_HOME": "/data/ada/"}, "/data/ada/stagedoor"},
		"linux, relative XDG":   {"linux", "/home/ada", map[string]string{"XDG_DATA_HOME": "data"}, "/home/ada/.local/share/stagedoor"},
		"macos":                 {"darwin", "/Users/ada", map[string]string{"XDG_DATA_HOME": "/x"}, "/Users/ada/Library/Application Support/Stagedoor"},
		"windows, not AppData":  {"windows", `C:\Users\Ada`, map[string]string{"APPDATA": `C:\Users\Ada\AppData\Roaming`}, `C:\Users\Ada\.stagedoor`},
		"override":              {"linux", "/home/ada", map[string]string{"STAGEDOOR_HOME": "/srv/door/"}, "/srv/door"},
		"override without home": {"linux", "", map[string]string{"STAGEDOOR_HOME": "/srv/door"}, "/srv/door"},
		"relative override":     {"linux", "/home/ada", map[string]string{"STAGEDOOR_HOME": "door"}, ""},
		"no home":               {"linux", "", nil, ""},
		"relative home":         {"linux", "ada", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := FindPaths(c.goos, c.home, env(c.env))
			if c.want == "" {
				if err == nil || hint.Of(err) == "" {
					t.Fatalf("got %+v, %v; want an error with a hint", got, err)
				}
				return
			}
			if diff := cmp.Diff(Paths{State: c.want, Home: c.home}, got); err != nil || diff != "" {
				t.Errorf("err %v\n%s", err, diff)
			}
		})
	}
}
