package platform

import (
	"errors"

	"golang.org/x/sys/unix"
)

// harden keeps other programs of the user from reading this one's memory, and the
// kernel from writing it to a file. What it starts is not to leave a core either.
func harden() {
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
}

// watchParent calls gone when the process ends. It costs a thread that sleeps.
func watchParent(pid int, gone func()) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil { // Linux before 5.3: the end of standard input has to do
		return
	}
	go func() {
		for {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
			if n > 0 {
				gone()
			}
			if !errors.Is(err, unix.EINTR) {
				return
			}
		}
	}()
}
