package clients

import (
	"path"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/host"
)

// Began is when the client that runs was started; ok is false if it does not run, as
// far as can be told. A star in the row stands for any part of a folder's name.
func (c Client) Began(goos string, list []host.Process) (began time.Time, ok bool) {
	ends, known := c.programs[goos]
	if !known {
		ends = c.programs[""]
	}
	for _, p := range list {
		for _, end := range ends {
			if !endsWith(goos, p.Path, end) {
				continue
			}
			if !ok || p.Began.Before(began) { // its helpers began later
				began, ok = p.Began, true
			}
		}
	}
	return began, ok
}

// Restart is a command that starts the running client anew without ending it by force,
// or "" where there is none.
func (c Client) Restart(goos string) string { return c.restart[goos] }

// endsWith compares as the system does.
func endsWith(goos, program, end string) bool {
	if goos == "windows" {
		program, end = strings.ToLower(strings.ReplaceAll(program, `\`, "/")), strings.ToLower(end)
	}
	have, want := strings.Split(program, "/"), strings.Count(end, "/")+1
	if len(have) < want {
		return false
	}
	fits, err := path.Match(end, strings.Join(have[len(have)-want:], "/"))
	return fits && err == nil
}
