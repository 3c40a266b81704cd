package host

import (
	"errors"
	"os/exec"
)

// opener follows BROWSER if that is one executable, and else leaves the choice
// to the desktop. BROWSER's other forms, a command with arguments or a list with
// %s in it, are left to xdg-open, which reads them too.
func opener(getenv func(string) string) ([]string, error) {
	for _, name := range []string{getenv("BROWSER"), "xdg-open"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return []string{path}, nil
		}
	}
	return nil, errors.New("no browser found: neither BROWSER nor xdg-open names a program")
}
