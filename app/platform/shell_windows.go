package platform

import (
	"context"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/windows"
)

// system hands the line over as it is, in the quotes that /s takes off again: Go's own
// quoting is not cmd's. The tray has no console, and shows none.
func system(ctx context.Context, line string) *exec.Cmd {
	name := "cmd.exe"
	if dir, err := windows.GetSystemDirectory(); err == nil {
		name = filepath.Join(dir, name)
	}
	cmd := exec.CommandContext(ctx, name)
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: `cmd.exe /d /s /c "` + line + `"`, HideWindow: true}
	return cmd
}
