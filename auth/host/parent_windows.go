package host

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// parent asks about two processes, where os.Getppid would list all of them. The
// parent's number may be another program's by now: that one began after this one.
func parent() string {
	var self windows.PROCESS_BASIC_INFORMATION
	me := windows.CurrentProcess()
	if windows.NtQueryInformationProcess(me, windows.ProcessBasicInformation, unsafe.Pointer(&self), uint32(unsafe.Sizeof(self)), nil) != nil {
		return ""
	}
	path, at := programOf(uint32(self.InheritedFromUniqueProcessId)) //nolint:gosec // G115: a process id
	if at == 0 || at > begun(me) {
		return ""
	}
	return path
}

// begun is when a process began, in units of 100 ns since 1601; 0 if that is not known.
func begun(p windows.Handle) int64 {
	var created, exited, kernel, user windows.Filetime
	if windows.GetProcessTimes(p, &created, &exited, &kernel, &user) != nil {
		return 0
	}
	return int64(created.HighDateTime)<<32 | int64(created.LowDateTime)
}
