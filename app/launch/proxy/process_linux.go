package proxy

import "syscall"

// attributes has the child die with us even before its guard knows of it. The
// kernel ties that to the thread which starts it; Go's threads stay.
func attributes(string) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
