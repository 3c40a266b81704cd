//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/packaging/desktop"
	"github.com/stagedoor-app/stagedoor/packaging/longlog"
)

const (
	bigEvents  = 1_000_000
	openings   = 5
	firstRows  = 400.0 // ms, the limit of the design
	settled    = 1500 * time.Millisecond
	lookEvery  = time.Millisecond
	walked     = 30
	windowName = "Audit log — 1,000,000 events"
)

// window opens the audit window on a log of a million events, several times, and
// measures from the start of the process until the first rows are on the
// screen: until the pixels of the table are those that it has for good.
func window(ctx context.Context, program string) error {
	d, err := desktop.Start(ctx, desktop.Options{NoPanel: true, NoNotifications: true})
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if out, err := d.Command(ctx, program, "create-profile", "work", "--provider", "spotify", "--client-id", "bench").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	began := time.Now()
	if err := longlog.Write(ctx, d, longlog.Options{Events: bigEvents, Span: 365 * 24 * time.Hour}); err != nil {
		return err
	}
	fmt.Printf("log          %6.0f MB   %d events, made in %.1f s\n", folderMB(longlog.Dir(d)), bigEvents, time.Since(began).Seconds())

	// A row under the pointer would look different now and then.
	if err := d.MoveTo(ctx, 1, 1); err != nil {
		return err
	}
	area, want, err := rehearse(ctx, d, program)
	if err != nil {
		return err
	}
	var times, work []float64
	for range openings {
		ms, cpu, err := opening(ctx, d, program, area, want)
		if err != nil {
			return err
		}
		times, work = append(times, ms), append(work, cpu)
	}
	ms := median(times)
	fmt.Printf("first rows   %6.0f ms   median of %d, from the start of the process; limit %.0f ms: %.2f\n", ms, openings, firstRows, ms/firstRows)
	fmt.Printf("  of that    %6.0f ms   on the processor\n", median(work))
	return walkBack(ctx, d, program)
}

// rehearse opens the window once to learn where the table's first rows are and
// what they look like.
func rehearse(ctx context.Context, d *desktop.Desktop, program string) (area desktop.Area, want []byte, err error) {
	cmd := d.Command(ctx, program, "window", "audit")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return area, nil, err
	}
	defer end(cmd)
	w, err := d.WaitWindow(ctx, regexp.QuoteMeta(windowName))
	if err != nil {
		return area, nil, err
	}
	// The middle of the table: past the bars and labels that come later.
	area = desktop.Area{X: w.X + 20, Y: w.Y + w.Height/2, Width: w.Width / 3, Height: w.Height / 4}
	want, err = d.Still(ctx, area, settled)
	return area, want, err
}

// opening opens the window and returns after how many milliseconds its rows are
// there, and how many of them its process has computed.
func opening(ctx context.Context, d *desktop.Desktop, program string, area desktop.Area, want []byte) (ms, cpu float64, err error) {
	before, err := d.Pixels(area)
	if err != nil {
		return 0, 0, err
	}
	if bytes.Equal(before, want) {
		return 0, 0, fmt.Errorf("the last window is still on the screen")
	}
	limit, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := d.Command(ctx, program, "window", "audit")
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	defer end(cmd)
	for {
		now, err := d.Pixels(area)
		if err != nil {
			return 0, 0, err
		}
		if bytes.Equal(now, want) {
			ms := float64(time.Since(start).Microseconds()) / 1000
			used, err := ticks(cmd.Process.Pid)
			if err == nil {
				_, err = d.Still(limit, area, settled) // the survey and the verification go on, as they do for a user
			}
			return ms, 10 * float64(used), err
		}
		if err := pause(limit, lookEvery); err != nil {
			return 0, 0, fmt.Errorf("the rows did not appear: %w", err)
		}
	}
}

// walkBack goes to the oldest event and tells how long that takes and what it
// costs in memory.
func walkBack(ctx context.Context, d *desktop.Desktop, program string) error {
	cmd := d.Command(ctx, program, "window", "audit")
	if err := cmd.Start(); err != nil {
		return err
	}
	defer end(cmd)
	w, err := d.WaitWindow(ctx, regexp.QuoteMeta(windowName))
	if err != nil {
		return err
	}
	area := desktop.Area{X: w.X, Y: w.Y, Width: w.Width, Height: w.Height}
	if _, err := d.Still(ctx, area, settled); err != nil { // surveyed and verified
		return err
	}
	if err := d.Focus(ctx, w); err != nil {
		return err
	}
	start := time.Now()
	if err := d.Key(ctx, "End"); err != nil {
		return err
	}
	if _, err := d.Still(ctx, area, settled); err != nil {
		return err
	}
	ms := float64((time.Since(start) - settled).Microseconds()) / 1000
	fmt.Printf("oldest rows  %6.0f ms   after the End key\n", ms)
	if err := sayResident(cmd.Process.Pid, "with the oldest rows in view"); err != nil {
		return err
	}
	for range walked { // the pane beside the table shows each
		if err := d.Key(ctx, "Up"); err != nil {
			return err
		}
	}
	if _, err := d.Still(ctx, area, settled); err != nil {
		return err
	}
	return sayResident(cmd.Process.Pid, fmt.Sprintf("%d events later", walked))
}

// sayResident prints how much memory a window has, and how much of it Mesa's
// software renderer, which stands in for a graphics card.
func sayResident(pid int, when string) error {
	all, err := residentMB(pid)
	if err != nil {
		return err
	}
	renderer, err := mappedMB(pid, "/libLLVM", "/swrast_dri")
	if err != nil {
		return err
	}
	fmt.Printf("resident     %6.1f MB   %s; %.1f MB of it is the code of the software renderer\n", all, when, renderer)
	return nil
}

// mappedMB returns how much of the files whose paths contain one of the names is
// resident.
func mappedMB(pid int, names ...string) (mb float64, err error) {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "smaps"))
	if err != nil {
		return 0, err
	}
	ours := false
	for line := range strings.Lines(string(data)) {
		first, rest, _ := strings.Cut(line, ":")
		switch {
		case strings.Contains(first, "-"): // the first line of a mapping
			ours = slices.ContainsFunc(names, func(name string) bool { return strings.Contains(line, name) })
		case ours && first == "Rss":
			kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			if err != nil {
				return 0, err
			}
			mb += kib * 1024 / 1e6
		}
	}
	return mb, nil
}

// end closes a window's process and waits until it is gone.
func end(cmd *exec.Cmd) {
	_ = cmd.Process.Signal(os.Interrupt)
	_ = cmd.Wait()
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func folderMB(dir string) (mb float64) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			mb += float64(info.Size()) / 1e6
		}
	}
	return mb
}
