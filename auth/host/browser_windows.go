package host

import (
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/windows"
)

// opener names rundll32 by its full path, so that nothing of that name in the
// current folder or on the PATH is run instead. Unlike "cmd /c start" it hands
// an address with & in it over unparsed.
func opener(func(string) string) ([]string, error) {
	system, err := windows.GetSystemDirectory()
	if err != nil {
		return nil, err
	}
	return []string{filepath.Join(system, "rundll32.exe"), "url.dll,FileProtocolHandler"}, nil
}

func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}
