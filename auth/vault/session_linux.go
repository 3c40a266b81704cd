package vault

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// inMemory reports whether what is in the folder is in memory only, but for swap.
func inMemory(dir string) error {
	var at unix.Statfs_t
	if err := unix.Statfs(dir, &at); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if kind := uint32(at.Type); kind != unix.TMPFS_MAGIC && kind != unix.RAMFS_MAGIC { //nolint:gosec // G115: the magic numbers have 32 bits
		return fmt.Errorf("%s is on a disk", dir)
	}
	return nil
}
