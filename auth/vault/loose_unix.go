//go:build unix

package vault

import "os"

// loose reports whether anybody but the owner may read the file.
func loose(info os.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
