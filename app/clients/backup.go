package clients

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// backupTime names a backup: UTC, to the millisecond, sorting by time, and a
// file name on every system.
const backupTime = "20060102T150405.000Z"

// newestBackup is the copy of the client's file that was made last, or "".
func (c *Configs) newestBackup(client Client) string {
	dir := filepath.Join(c.BackupDir, client.ID)
	list, err := os.ReadDir(dir)
	if err != nil || len(list) == 0 {
		return ""
	}
	return filepath.Join(dir, list[len(list)-1].Name()) // they are named by time
}

// backup keeps data and returns where.
func (c *Configs) backup(client Client, data []byte) (string, error) {
	dir := filepath.Join(c.BackupDir, client.ID)
	for _, d := range []string{c.BackupDir, dir} {
		if _, err := durable.EnsureDir(d); err != nil {
			return "", fmt.Errorf("back up: %w", err)
		}
	}
	base := filepath.Join(dir, c.Now().UTC().Format(backupTime))
	path := base + ".json"
	for n := 2; ; n++ {
		err := durable.CreateStream(path, durable.FileMode, durable.Bytes(data))
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, durable.ErrExists) {
			return "", fmt.Errorf("back up: %w", err)
		}
		path = fmt.Sprintf("%s_%03d.json", base, n) // "_" sorts behind "."
	}
}
