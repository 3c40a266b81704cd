package launch

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Run starts the program with our own stdio, waits for it and returns its exit
// status. Windows has no execve. A job object takes the program down with us,
// and Ctrl+C reaches it through the console it shares with us.
func Run(program string, args, env []string) (status int, err error) {
	signal.Reset(os.Interrupt) // what Ctrl+C means, and how long that takes, is for the program
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	defer signal.Stop(signals)

	line, err := commandLine(program, args)
	if err != nil {
		return ExitNotExecutable, &StartError{ExitNotExecutable, err}
	}
	cmd := exec.Command(program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: line}
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return ExitNotExecutable, &StartError{ExitNotExecutable, fmt.Errorf("cannot run %s: %w", program, err)}
	}
	if job, err := killWithUs(cmd.Process.Pid); err == nil {
		defer func() { _ = windows.CloseHandle(job) }()
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// killWithUs puts the process into a job that ends when its last handle, ours,
// is closed.
func killWithUs(pid int) (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, err
	}
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	info.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err == nil {
		var process windows.Handle
		process, err = windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(pid))
		if err == nil {
			err = windows.AssignProcessToJobObject(job, process)
			_ = windows.CloseHandle(process)
		}
	}
	if err != nil {
		_ = windows.CloseHandle(job)
		return 0, err
	}
	return job, nil
}
