package durable

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// Of two processes that save in one folder, neither may take the other's new
// file for a killed one's: a login would be lost between its last byte and its name.
func TestAWriteThatIsDoneIsNotSwept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	err := stream(path, FileMode, func(from, to string) error {
		Sweep(filepath.Dir(to)) // as the other process does
		return replace(from, to)
	}, func(w io.Writer) error {
		_, err := io.WriteString(w, "new")
		return err
	})
	if data, gone := os.ReadFile(path); err != nil || gone != nil || string(data) != "new" {
		t.Errorf("%q, %v, %v", data, err, gone)
	}
}
