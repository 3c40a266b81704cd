//go:build unix

package platform

import "golang.org/x/sys/unix"

// Free is how many bytes this user may still write to the disk that holds a folder.
func Free(dir string) (uint64, error) {
	var s unix.Statfs_t
	err := unix.Statfs(dir, &s)
	return uint64(s.Bavail) * uint64(s.Bsize), err //nolint:unconvert // their types differ by system
}
