package auth

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// EachEvent calls each for every event of the log that has one of the names, or
// for all of them without names, oldest first. Lines of other names are not
// taken apart, so that it is cheap to look for what is rare.
func (k *Keeper) EachEvent(ctx context.Context, names []string, each func(audit.Event)) error {
	var want func([]byte) bool
	if len(names) > 0 {
		want = func(name []byte) bool { return slices.Contains(names, string(name)) }
	}
	_, err := k.book.Read(ctx, audit.Cursor{}, want, each)
	return err
}

// OpenIncident writes into the book that a report was begun and returns its
// number, SEC-YYYY-MM-DD-NNN with the day in UTC. No two processes get the same.
func (k *Keeper) OpenIncident(ctx context.Context, data map[string]any) (id string, err error) {
	lock, err := durable.Acquire(ctx, filepath.Join(k.dir, "locks", "incident.lock"))
	if err != nil {
		return "", err
	}
	defer lock.Release()
	prefix := "SEC-" + k.now().UTC().Format("2006-01-02") + "-"
	newest := 0
	err = k.EachEvent(ctx, []string{audit.IncidentOpened}, func(e audit.Event) {
		var n int
		taken, _ := e.Data["id"].(string)
		if digits, ok := strings.CutPrefix(taken, prefix); ok {
			if _, err := fmt.Sscanf(digits, "%d", &n); err == nil {
				newest = max(newest, n)
			}
		}
	})
	if err != nil {
		return "", err
	}
	id = fmt.Sprintf("%s%03d", prefix, newest+1)
	all := map[string]any{"id": id}
	for key, value := range data {
		all[key] = value
	}
	_, err = k.book.Append(ctx, audit.Event{Name: audit.IncidentOpened, Outcome: audit.OK, Data: all})
	return id, err
}
