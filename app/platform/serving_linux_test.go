package platform

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// hardened is what other programs can have of this process.
func hardened() string {
	dumpable, _ := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	var core unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_CORE, &core)
	return fmt.Sprintf("dumpable %d core %d", dumpable, core.Max)
}

const wantHardened = "dumpable 0 core 0"
