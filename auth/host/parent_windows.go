package host

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

func parent() string {
	list, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return ""
	}
	defer func() { _ = windows.CloseHandle(list) }()
	want := uint32(os.Getppid()) //nolint:gosec // G115: a process id
	entry := windows.ProcessEntry32{Size: uint32(unsafe.Sizeof(windows.ProcessEntry32{}))}
	for err = windows.Process32First(list, &entry); err == nil; err = windows.Process32Next(list, &entry) {
		if entry.ProcessID == want {
			return windows.UTF16ToString(entry.ExeFile[:])
		}
	}
	return ""
}
