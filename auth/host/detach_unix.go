//go:build unix

package host

import (
	"os/exec"
	"syscall"
)

// detach gives cmd a session of its own: Ctrl+C in our terminal must not close
// the user's browser, nor its messages appear among ours.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
}
