package platform

import (
	"os"

	"golang.org/x/sys/windows"
)

// AttachConsole connects a program of the GUI subsystem to the console that it
// was started from, so that its commands can print there. Streams that are
// redirected stay as they are. Without a console, as when started from the
// desktop, it does nothing. It must run before os.Stdout is used.
func AttachConsole() {
	const parentProcess = ^uintptr(0) // ATTACH_PARENT_PROCESS
	ok, _, _ := windows.NewLazySystemDLL("kernel32.dll").NewProc("AttachConsole").Call(parentProcess)
	if ok == 0 {
		return
	}
	reopen := func(std uint32, file **os.File, name string, mode int) {
		if h, err := windows.GetStdHandle(std); err == nil && h != 0 && h != windows.InvalidHandle {
			return
		}
		if f, err := os.OpenFile(name, mode, 0); err == nil {
			*file = f
		}
	}
	reopen(windows.STD_INPUT_HANDLE, &os.Stdin, "CONIN$", os.O_RDWR)
	reopen(windows.STD_OUTPUT_HANDLE, &os.Stdout, "CONOUT$", os.O_RDWR)
	reopen(windows.STD_ERROR_HANDLE, &os.Stderr, "CONOUT$", os.O_RDWR)
}
