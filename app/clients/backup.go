package clients

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// backupTime names a backup: UTC, to the millisecond, sorting by time, and a
// file name on every system.
const backupTime = "20060102T150405.000Z"

// backups are the names of a client's copies, by time, and when they were made.
func backups(dir string) (names []string, made []time.Time) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil
	}
	for _, e := range list {
		if at, err := time.Parse(backupTime, e.Name()[:min(len(e.Name()), len(backupTime))]); err == nil {
			names, made = append(names, e.Name()), append(made, at)
		}
	}
	return names, made
}

// newestBackup is the copy of the client's file that was made last, or "".
func (c *Configs) newestBackup(client Client) string {
	dir := filepath.Join(c.BackupDir, client.ID)
	names, _ := backups(dir)
	if len(names) == 0 {
		return ""
	}
	return filepath.Join(dir, names[len(names)-1])
}

// keptBackups are kept of each client; of older ones, the last of each week.
const keptBackups = 20

// prune removes the backups that are not kept any more. What cannot be removed stays.
func prune(dir string) {
	names, made := backups(dir)
	week := ""
	for i := len(names) - 1 - keptBackups; i >= 0; i-- { // the newest first
		year, number := made[i].ISOWeek()
		if of := fmt.Sprint(year, number); of != week {
			week = of
			continue
		}
		_ = durable.Remove(filepath.Join(dir, names[i]))
	}
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
			prune(dir)
			return path, nil
		}
		if !errors.Is(err, durable.ErrExists) {
			return "", fmt.Errorf("back up: %w", err)
		}
		path = fmt.Sprintf("%s_%03d.json", base, n) // "_" sorts behind "."
	}
}
