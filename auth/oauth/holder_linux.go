package oauth

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

// holder says which program listens on a port of this computer, as far as the user may
// know, or "".
func holder(port int) string {
	wanted := map[string]bool{} // the sockets
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, _ := os.ReadFile(table) //nolint:forbidigo // of the kernel, which writes it as it is read
		for line := range strings.Lines(string(data)) {
			const listening = "0A"
			f := strings.Fields(line) // local address in [1], state in [3], inode in [9]
			if len(f) > 9 && f[3] == listening && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) {
				wanted["socket:["+f[9]+"]"] = true
			}
		}
	}
	if len(wanted) == 0 {
		return ""
	}
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, file := range files {
		if to, err := os.Readlink(file); err == nil && wanted[to] {
			process := filepath.Dir(filepath.Dir(file))
			name, _ := os.ReadFile(filepath.Join(process, "comm")) //nolint:forbidigo // of the kernel, too
			return text.Line(string(name), maxName) + ", process " + filepath.Base(process)
		}
	}
	return ""
}
