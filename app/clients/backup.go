package clients

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// backupTime names a backup: UTC, to the millisecond, sorting by time, and a
// file name on every system.
const backupTime = "20060102T150405.000Z"

// backup keeps data and returns where. The caller holds the client's lock, so
// nobody else takes the name that was found free.
func (c *Configs) backup(client Client, data []byte) (string, error) {
	dir := filepath.Join(c.backupDir, client.ID)
	for _, d := range []string{c.backupDir, dir} {
		if _, err := durable.EnsureDir(d); err != nil {
			return "", fmt.Errorf("back up: %w", err)
		}
	}
	base := filepath.Join(dir, c.now().UTC().Format(backupTime))
	path := base + ".json"
	for n := 2; ; n++ {
		_, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return "", fmt.Errorf("back up: %w", err)
		}
		path = fmt.Sprintf("%s_%03d.json", base, n) // "_" sorts behind "."
	}
	if err := durable.WriteFile(path, data, durable.FileMode); err != nil {
		return "", fmt.Errorf("back up: %w", err)
	}
	return path, nil
}
