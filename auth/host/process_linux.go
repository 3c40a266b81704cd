package host

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

func processes(ctx context.Context) (list []Process, err error) {
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err != nil {
		return nil, err
	}
	boot := time.Now().Add(-time.Duration(up.Nano()))
	folders, err := filepath.Glob("/proc/[0-9]*")
	for _, dir := range folders {
		if ctx.Err() != nil {
			return list, ctx.Err()
		}
		path, unknown := os.Readlink(dir + "/exe")
		stat, gone := durable.ReadFile(dir+"/stat", 4096)
		if unknown != nil || gone != nil {
			continue // of another user, of the kernel, or ended
		}
		if n, ok := ticks(string(stat)); ok {
			list = append(list, Process{strings.TrimSuffix(path, deleted), boot.Add(time.Duration(n) * 10 * time.Millisecond)})
		}
	}
	return list, err
}
