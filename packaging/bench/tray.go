//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

// Limits of the idle tray, from the design.
const (
	maxResident = 20.0 // MB
	idleSeconds = 60
)

// tray starts the app with a profile in it and leaves it alone.
func tray(ctx context.Context, program string) error {
	d, err := desktop.Start(ctx, desktop.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if out, err := d.Command(ctx, program, "create-profile", "work", "--provider", "spotify", "--client-id", "bench").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	// So that the guard has a file to watch.
	if out, err := d.Command(ctx, program, "setup", "--no-check", "--env", "API_TOKEN={access_token}", "--", "/bin/true").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	cmd := d.Command(ctx, program)
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() }()
	if _, _, err := d.TrayIcon(ctx); err != nil {
		return err
	}
	time.Sleep(3 * time.Second) // start-up's garbage is not idleness
	before, err := ticks(cmd.Process.Pid)
	if err != nil {
		return err
	}
	time.Sleep(idleSeconds * time.Second)
	after, err := ticks(cmd.Process.Pid)
	if err != nil {
		return err
	}
	resident, err := residentMB(cmd.Process.Pid)
	if err != nil {
		return err
	}
	fmt.Printf("resident     %6.1f MB   of the limit of %.0f MB: %.2f\n", resident, maxResident, resident/maxResident)
	fmt.Printf("CPU ticks    %6d      in %d s idle, limit 0\n", after-before, idleSeconds)
	return wiped(filepath.Join(d.Home(), ".config", "Claude", "claude_desktop_config.json"))
}

// wiped resets a client's file and waits until the tray has put the entry back.
func wiped(path string) error {
	const limit = 1000
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		return err
	}
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(5 * time.Millisecond) {
		if data, err := os.ReadFile(path); err == nil && bytes.Contains(data, []byte("stagedoor")) {
			fmt.Printf("wipe undone  %6d ms   limit %d ms\n", time.Since(began).Milliseconds(), limit)
			return nil
		}
	}
	return errors.New("the tray did not put the entry back")
}

// ticks returns the user and system time of a process in clock ticks, 1/100 s.
func ticks(pid int) (uint64, error) {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, err
	}
	// The second field, the name, is in parentheses and may hold spaces.
	fields := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	if len(fields) < 13 {
		return 0, errors.New("/proc/PID/stat is not as expected")
	}
	user, err := strconv.ParseUint(string(fields[11]), 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseUint(string(fields[12]), 10, 64)
	return user + system, err
}

// residentMB returns the resident set in MB of 1,000,000 bytes.
func residentMB(pid int) (float64, error) { return memoryMB(pid, "VmRSS") }

// memoryMB returns a line of /proc/PID/status, in megabytes.
func memoryMB(pid int, what string) (float64, error) {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, what+":"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			return kib * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("/proc/PID/status names no %s", what)
}
