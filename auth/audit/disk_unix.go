//go:build unix

package audit

import (
	"errors"
	"syscall"
)

// isFull reports whether a write failed for want of room: on the disk, in the
// user's quota, or under the process's limit for a file.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
