//go:build unix && !linux

package proxy

import "syscall"

func attributes(string) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
