// Package ospath has the rules for paths of any operating system, which need not
// be the one that this runs on, so that all of them can be tested on one. It
// keeps no state.
package ospath

import (
	"path/filepath"
	"strings"
)

// IsAbs is filepath.IsAbs for an operating system as in runtime.GOOS.
func IsAbs(goos, path string) bool {
	if goos != "windows" {
		return strings.HasPrefix(path, "/")
	}
	if strings.HasPrefix(path, `\\`) {
		return len(path) > 2
	}
	return len(path) >= 3 && path[1] == ':' && (path[2] == '\\' || path[2] == '/') && 'a' <= path[0]|0x20 && path[0]|0x20 <= 'z'
}

// Clean is filepath.Clean for an operating system.
func Clean(goos, path string) string {
	if goos != "windows" {
		return filepath.ToSlash(filepath.Clean(path))
	}
	return filepath.Clean(path)
}

// Join puts a folder and what is below it together.
func Join(goos, base string, parts ...string) string {
	if goos == "windows" {
		return strings.TrimRight(base, `\/`) + `\` + strings.Join(parts, `\`)
	}
	return strings.TrimRight(base, "/") + "/" + strings.Join(parts, "/")
}
