package clients

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// Copies do not fill the disk, and one of long ago is there when it is needed.
func TestBackupsArePruned(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, time.March, 6, 12, 0, 0, 0, time.UTC) // a Friday
	c := &Configs{Params{BackupDir: dir, Now: func() time.Time { return now }}}
	client := Client{ID: "x"}
	note := filepath.Join(dir, "x", "my own notes.txt")
	for day := range 100 { // three a day
		for range 3 {
			b, err := c.backup(t.Context(), client, Change{Exists: true, Before: []byte(fmt.Sprint(day))})
			if err != nil {
				t.Fatal(err)
			}
			if list, err := c.Backups(client); err != nil || day == 0 && list[0].ID != b.ID {
				t.Errorf("the newest is %v, %v", list[0], err)
			}
			now = now.Add(time.Hour)
		}
		now = now.Add(21 * time.Hour)
		if day == 0 {
			if err := os.WriteFile(note, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	list, err := os.ReadDir(filepath.Join(dir, "x"))
	if err != nil {
		t.Fatal(err)
	}
	records := 0
	list = slices.DeleteFunc(list, func(e os.DirEntry) bool {
		is := filepath.Ext(e.Name()) == recordFile
		if is {
			records++
		}
		return is
	})
	if records != len(list)-1 {
		t.Errorf("%d records of %d copies", records, len(list)-1)
	}
	var days []string
	for _, e := range list[:len(list)-1] {
		data, err := os.ReadFile(filepath.Join(dir, "x", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		days = append(days, string(data))
	}
	if n := len(days); n < 20+13 || n > 20+15 || days[n-1] != "99" || days[n-20] != "93" {
		t.Errorf("%d are left, of the days %v", n, days)
	}
	if !slices.Contains(days, "2") || list[len(list)-1].Name() != filepath.Base(note) {
		t.Errorf("of the days %v and %s", days, list[len(list)-1].Name())
	}
}
