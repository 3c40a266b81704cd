package host

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// Process is a program that runs.
type Process struct {
	Path  string    // of the program
	Began time.Time // of the machine's clock as it is now
}

// Processes are those of which this user may know what they run, in no order.
func Processes(ctx context.Context) ([]Process, error) { return processes(ctx) }

// listed reads what `ps -o lstart=,comm=` prints in the C locale, where times are local.
func listed(text string, local *time.Location) (list []Process) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 6 {
			continue
		}
		began, err := time.ParseInLocation("Jan 2 15:04:05 2006", strings.Join(words[1:5], " "), local)
		_, path, found := strings.Cut(line, " "+words[4]+" ")
		if err == nil && found {
			list = append(list, Process{strings.TrimSpace(path), began})
		}
	}
	return list
}

// ticks is the start of a process in hundredths of a second since boot, as it stands in
// /proc/PID/stat behind the program's name, which may hold anything (proc(5)).
func ticks(stat string) (n int64, ok bool) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return 0, false
	}
	n, err := strconv.ParseInt(fields[19], 10, 64)
	return n, err == nil
}
