package platform

import (
	"errors"

	"golang.org/x/sys/unix"
)

func harden() {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
}

// watchParent calls gone when the process ends. It costs a thread that sleeps.
func watchParent(pid int, gone func()) {
	queue, err := unix.Kqueue()
	if err != nil {
		return
	}
	exit := unix.Kevent_t{Ident: uint64(pid), Filter: unix.EVFILT_PROC, Flags: unix.EV_ADD, Fflags: unix.NOTE_EXIT}
	go func() {
		for {
			n, err := unix.Kevent(queue, []unix.Kevent_t{exit}, make([]unix.Kevent_t, 1), nil)
			if n > 0 || errors.Is(err, unix.ESRCH) {
				gone()
			}
			if !errors.Is(err, unix.EINTR) {
				return
			}
		}
	}()
}
