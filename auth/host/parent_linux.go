package host

import (
	"os"
	"strconv"
)

func parent() string {
	path, _ := os.Readlink("/proc/" + strconv.Itoa(os.Getppid()) + "/exe")
	return path
}
