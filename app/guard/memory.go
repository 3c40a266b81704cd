package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// Memory is what is remembered of a client's file that had Stagedoor's entries. It has no
// value out of the file.
type Memory struct {
	Path    string            `json:"path"`
	Sum     string            `json:"sum"`  // of the file
	Size    int               `json:"size"` // in bytes
	Entries []clients.Present `json:"entries"`
	Change  string            `json:"change,omitempty"` // the last change of Stagedoor's that it has
	Copied  time.Time         `json:"copied"`           // when the copy was made

	Missing  []string    `json:"missing,omitempty"` // what the user is asked about
	Why      Why         `json:"why,omitempty"`     // and why
	Restored []time.Time `json:"restored,omitempty"`
}

// remember takes a file for what it should be. m is nil if nothing is known of it.
func (g *Guard) remember(ctx context.Context, c clients.Client, m *Memory, l clients.Look) error {
	if !slices.ContainsFunc(l.Entries, ours) {
		return g.forget(c)
	}
	next := Memory{Path: l.Path, Sum: l.Sum, Size: l.Size, Entries: l.Entries, Change: newest(l)}
	copied := false
	if m != nil {
		next.Restored, next.Copied = m.Restored, m.Copied
		copied = m.Path == l.Path && slices.Equal(m.Entries, l.Entries) && g.Now().Sub(m.Copied).Abs() < copyEvery
		if m.Change == next.Change { // who changed it through us meanwhile has decided
			next.Missing = slices.DeleteFunc(slices.Clone(m.Missing), func(name string) bool { return has(l.Entries, name) })
		}
		if len(next.Missing) > 0 { // which the copy has
			next.Why, copied = m.Why, true
		} else if len(m.Missing) > 0 {
			copied = false
			g.stir()
		}
	}
	if !copied {
		if err := g.Configs.Store(ctx, c, l, g.base(c)); err != nil {
			return fmt.Errorf("copy %s: %w", l.Path, err)
		}
		next.Copied = g.Now().UTC()
	}
	if m != nil {
		*m = next
	}
	return g.save(c, next)
}

// newest is the last change of Stagedoor's.
func newest(l clients.Look) string {
	if len(l.Done) == 0 {
		return ""
	}
	return l.Done[0].ID
}

// asked says that the user was asked about these entries.
func (m Memory) asked(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(m.Missing, name) })
}

// lately counts the times that entries were put back.
func (m Memory) lately(now time.Time) (n int) {
	for _, t := range m.Restored {
		if now.Sub(t).Abs() < restoresWithin {
			n++
		}
	}
	return n
}

// base is the path of what is remembered of a client, without the ending.
func (g *Guard) base(c clients.Client) string { return filepath.Join(g.Dir, c.ID) }

const memoryFile = ".seen"

// locked calls f with what is remembered, or nil, while no other process does.
func (g *Guard) locked(ctx context.Context, c clients.Client, f func(*Memory) error) error {
	_, err := durable.EnsureDir(g.Dir)
	_, wrong := durable.EnsureDir(g.Configs.LockDir)
	if err := cmp.Or(err, wrong); err != nil {
		return err
	}
	lock, err := durable.Acquire(ctx, filepath.Join(g.Configs.LockDir, "guard-"+c.ID+".lock"))
	if err != nil {
		return err
	}
	defer lock.Release()
	return f(load(g.base(c) + memoryFile))
}

// load is what is remembered, or nil. What cannot be read is learned anew.
func load(path string) *Memory {
	m := &Memory{}
	if data, err := durable.ReadFile(path, 1<<20); err != nil || json.Unmarshal(data, m) != nil {
		return nil
	}
	return m
}

func (g *Guard) save(c clients.Client, m Memory) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return durable.WriteFile(g.base(c)+memoryFile, data, durable.FileMode)
}

func (g *Guard) forget(c clients.Client) error {
	err := durable.Remove(g.base(c) + memoryFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	g.stir()
	return cmp.Or(err, g.Configs.Unstore(g.base(c)))
}
