//go:build unix

package proxy

import (
	"context"
	"io"
	"os/exec"
	"syscall"
)

// guard is a shell that kills its process group, the server's, when we are gone,
// however we went: npx and uvx leave grandchildren, which a signal to the child does
// not reach. It lets go of them when it reads a line.
const guard = `trap "" HUP INT TERM; read -r _ || kill -KILL 0`

// group is the processes that a server consists of. The guard is there first and leads
// it, so that there is no moment without one.
type group struct {
	id    int
	shell *exec.Cmd
	line  io.WriteCloser
}

func startGroup(cmd *exec.Cmd) (*group, error) {
	g := &group{}
	shell := exec.CommandContext(context.Background(), "/bin/sh", "-c", guard)
	shell.Env, shell.Dir, shell.SysProcAttr = []string{}, "/", &syscall.SysProcAttr{Setpgid: true}
	line, err := shell.StdinPipe()
	if err == nil && shell.Start() == nil { // a container may have no shell
		g.shell, g.line, g.id = shell, line, shell.Process.Pid
		cmd.SysProcAttr.Pgid = g.id
	}
	if err := cmd.Start(); err != nil {
		g.release()
		return nil, err
	}
	if g.id == 0 {
		g.id = cmd.Process.Pid
	}
	return g, nil
}

func (g *group) terminate() { _ = syscall.Kill(-g.id, syscall.SIGTERM) }
func (g *group) kill()      { _ = syscall.Kill(-g.id, syscall.SIGKILL) }

// release lets the guard go, which nobody is left for.
func (g *group) release() {
	if g.line == nil {
		return
	}
	_, _ = io.WriteString(g.line, "\n")
	_ = g.line.Close()
	go func() { _ = g.shell.Wait() }()
}

// StartHere starts a command that has our streams. It stays in our process group, the
// one that may read from the terminal.
func (Command) StartHere(cmd *exec.Cmd) (release func(), err error) { return func() {}, cmd.Start() }
