package platform

import (
	"slices"
	"strings"
)

// environmentKey has the user's variables, below HKEY_CURRENT_USER.
const environmentKey = "Environment"

// OnPath has a folder at the end of the user's PATH on Windows, or no longer. All else of
// it stays as it is. Programs that run learn of it when somebody sends them
// WM_SETTINGCHANGE, as the installer does.
func OnPath(r Registry, dir string, on bool) error {
	was, err := r.Get(environmentKey, "Path")
	if err != nil {
		return err
	}
	entries := strings.Split(string(was), ";")
	same := func(entry string) bool { return strings.EqualFold(strings.TrimRight(entry, `\`), dir) }
	switch there := slices.ContainsFunc(entries, same); {
	case there == on:
		return nil
	case on && (len(was) == 0 || strings.HasSuffix(string(was), ";")):
		return r.SetExpandable(environmentKey, "Path", string(was)+dir)
	case on:
		return r.SetExpandable(environmentKey, "Path", string(was)+";"+dir)
	}
	left := strings.Join(slices.DeleteFunc(entries, same), ";")
	if left == "" {
		return r.Delete(environmentKey, "Path")
	}
	return r.SetExpandable(environmentKey, "Path", left)
}
