//go:build unix

package proxy

import (
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"syscall"
)

// guard is a shell that kills the server's process group when we are gone, however
// we went: npx and uvx leave grandchildren, which a signal to the child does not
// reach. It learns the group's id and "done" from its standard input.
const guard = `trap "" HUP INT TERM; read -r g || exit; read -r _ || kill -KILL -- "-$g"`

// group is the processes that a server consists of.
type group struct {
	id    int
	shell *exec.Cmd
	line  io.WriteCloser
}

func startGroup(cmd *exec.Cmd) (*group, error) {
	g := &group{}
	shell := exec.Command("/bin/sh", "-c", guard)
	shell.Env, shell.Dir, shell.SysProcAttr = []string{}, "/", &syscall.SysProcAttr{Setpgid: true}
	line, err := shell.StdinPipe()
	if err == nil && shell.Start() == nil { // a container may have no shell
		g.shell, g.line = shell, line
	}
	cmd.SysProcAttr = attributes()
	if err := cmd.Start(); err != nil {
		g.release()
		return nil, err
	}
	g.id = cmd.Process.Pid
	if g.line != nil {
		_, _ = fmt.Fprintln(g.line, strconv.Itoa(g.id))
	}
	return g, nil
}

func (g *group) terminate() { _ = syscall.Kill(-g.id, syscall.SIGTERM) }
func (g *group) kill()      { _ = syscall.Kill(-g.id, syscall.SIGKILL) }

// release lets the guard go. The group's id may be another's soon.
func (g *group) release() {
	if g.line == nil {
		return
	}
	_, _ = io.WriteString(g.line, "done\n")
	_ = g.line.Close()
	go func() { _ = g.shell.Wait() }()
}

// exitStatus is what a shell says of how a program ended.
func exitStatus(e *exec.ExitError) int {
	if s, ok := e.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return 128 + int(s.Signal())
	}
	return e.ExitCode()
}
