package platform

import "golang.org/x/sys/windows"

func harden() {}

// watchParent calls gone when the process ends. It costs a thread that sleeps.
func watchParent(pid int, gone func()) {
	process, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return
	}
	go func() {
		if _, err := windows.WaitForSingleObject(process, windows.INFINITE); err == nil {
			gone()
		}
	}()
}
