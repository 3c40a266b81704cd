package authserver

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// Root returns the repository's top folder: the first one with a go.mod above this source file, or above the
// working folder when the sources have moved since the program was built.
func Root() (string, error) {
	_, file, _, _ := runtime.Caller(0)
	wd, _ := os.Getwd()
	for _, start := range []string{filepath.Dir(file), wd} {
		for dir := start; filepath.IsAbs(dir); dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				return dir, nil
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return "", errors.New("repository root not found: no go.mod above the sources or the working folder")
}
