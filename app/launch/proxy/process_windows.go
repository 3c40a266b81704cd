package proxy

import (
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// group is a job object, which ends all its processes when its last handle, ours,
// is closed.
type group struct {
	job windows.Handle
	cmd *exec.Cmd
}

func startGroup(cmd *exec.Cmd) (*group, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, err
	}
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	info.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	if _, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation, uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info))); err == nil {
		err = cmd.Start()
	}
	if err != nil {
		_ = windows.CloseHandle(job)
		return nil, err
	}
	if process, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(cmd.Process.Pid)); err == nil {
		_ = windows.AssignProcessToJobObject(job, process)
		_ = windows.CloseHandle(process)
	}
	return &group{job, cmd}, nil
}

func attributes(line string) *syscall.SysProcAttr { return &syscall.SysProcAttr{CmdLine: line} }

// terminate: Windows has no signal that a program without a console understands.
func (g *group) terminate() { g.kill() }

func (g *group) kill() {
	_ = windows.TerminateJobObject(g.job, 1)
	_ = g.cmd.Process.Kill() // in case it could not be put into the job
}

func (g *group) release() { _ = windows.CloseHandle(g.job) }

// StartHere starts a command that has our streams, and that ends with us.
func (c Command) StartHere(cmd *exec.Cmd) (release func(), err error) {
	cmd.SysProcAttr = attributes(c.Line)
	g, err := startGroup(cmd)
	if err != nil {
		return nil, err
	}
	return g.release, nil
}
