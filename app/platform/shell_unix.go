//go:build !windows

package platform

import (
	"context"
	"os/exec"
)

func system(ctx context.Context, line string) *exec.Cmd {
	return exec.CommandContext(ctx, "/bin/sh", "-c", line)
}
