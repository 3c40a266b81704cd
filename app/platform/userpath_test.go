package platform

import "testing"

// A user's PATH is somebody's work: nothing of it is lost or doubled.
func TestUserPath(t *testing.T) {
	const key, dir = `Environment\Path`, `C:\Users\ann\AppData\Local\Programs\Stagedoor`
	for was, on := range map[string]string{
		"":                             dir,
		`C:\bin`:                       `C:\bin;` + dir,
		`%USERPROFILE%\go\bin;C:\bin;`: `%USERPROFILE%\go\bin;C:\bin;` + dir,
		dir + `;C:\bin`:                dir + `;C:\bin`,
		`c:\users\ANN\appdata\local\programs\stagedoor\`: `c:\users\ANN\appdata\local\programs\stagedoor\`,
		dir + `\bin`: dir + `\bin;` + dir,
	} {
		r := registryDouble{}
		if was != "" {
			r[key] = []byte(was)
		}
		for range 2 {
			if err := OnPath(r, dir, true); err != nil || string(r[key]) != on {
				t.Errorf("on, %q: %q, %v", was, r[key], err)
			}
		}
		if err := OnPath(r, dir, false); err != nil {
			t.Error(err)
		}
		if was != on {
			if left, there := r[key]; string(left) != was && string(left)+";" != was || there != (was != "") {
				t.Errorf("off again, %q: %q", was, left)
			}
		}
	}
	r := registryDouble{key: []byte(`C:\bin;` + dir + `\;D:\x`)}
	if err := OnPath(r, dir, false); err != nil || string(r[key]) != `C:\bin;D:\x` {
		t.Errorf("in the middle: %q, %v", r[key], err)
	}
}
