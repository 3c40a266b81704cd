//go:build !lean

package window

import (
	"os"
	"path/filepath"
)

// prepareFolders spares the user two complaints that Fyne prints on stderr. None
// of it matters enough to stop a window from opening.
func prepareFolders() {
	// In a fresh home Fyne creates only the last folder of its cache's path.
	if dir, err := os.UserCacheDir(); err == nil {
		_ = os.MkdirAll(filepath.Join(dir, "fyne"), 0o700)
	}
	// Fyne writes its preferences, which Stagedoor has no use for, in place. A
	// process killed meanwhile leaves an empty file, which is no valid JSON.
	if dir, err := os.UserConfigDir(); err == nil {
		file := filepath.Join(dir, "fyne", appID, "preferences.json")
		if info, err := os.Lstat(file); err == nil && info.Mode().IsRegular() && info.Size() == 0 {
			_ = os.Remove(file)
		}
	}
}
