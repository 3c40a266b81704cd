package audit

import (
	"errors"
	"syscall"
)

// Error codes of the Windows API that the syscall package does not name.
const (
	errorHandleDiskFull = syscall.Errno(39)
	errorDiskFull       = syscall.Errno(112)
	errorQuota          = syscall.Errno(1295) // ERROR_DISK_QUOTA_EXCEEDED
)

// isFull reports whether a write failed for want of room.
func isFull(err error) bool {
	return errors.Is(err, errorDiskFull) || errors.Is(err, errorHandleDiskFull) || errors.Is(err, errorQuota)
}
