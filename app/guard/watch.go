package guard

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// stamp tells a file that was written from the one that was looked at.
type stamp struct {
	written time.Time
	size    int64
}

// Watch looks at all clients' files and then at each that changes, until ctx ends.
func (g *Guard) Watch(ctx context.Context) error {
	if _, err := durable.EnsureDir(g.Configs.BackupDir); err != nil {
		return fmt.Errorf("watch the clients' files: %w", err)
	}
	w, err := durable.NewWatcher()
	if err != nil {
		return err
	}
	signals := w.Signals(ctx, g.Log, g.wanted)
	folders, mode := map[string]bool{}, g.Mode()
	settled := time.After(0)
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-signals:
			if !ok {
				return nil
			}
			settled = time.After(settle) // anew, for as long as somebody writes
		case <-settled:
			settled = nil
			if now := g.Mode(); now != mode {
				mode, g.seen = now, map[string]stamp{}
			}
			writing := g.checkAll(ctx)
			g.stir() // another process may have answered
			if g.follow(w, folders) || writing {
				settled = time.After(settle)
			}
		}
	}
}

// wanted says that a path is a client's file, a folder above it, or a copy, which
// Stagedoor makes before it changes a client's file.
func (g *Guard) wanted(path string, away bool) bool {
	if strings.HasPrefix(path, g.Configs.BackupDir) || path == g.Settings || strings.HasPrefix(path, g.Dir+string(filepath.Separator)) {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, file := range g.files {
		if path == file {
			g.moved[file] = away
			return true
		}
		if strings.HasPrefix(file, path+string(filepath.Separator)) {
			return true
		}
	}
	return false
}

// place is where a client's file is, by its own name and, through a link, by another.
type place struct {
	client clients.Client
	files  []string
}

func (g *Guard) places() (list []place) {
	for _, c := range clients.All() {
		path, err := c.Path(g.Configs.Env)
		if err != nil {
			continue
		}
		p := place{c, []string{path}}
		if target, err := durable.Resolve(path); err == nil && target != path {
			p.files = append(p.files, target)
		}
		list = append(list, p)
	}
	return list
}

// follow watches the folders of the files that have Stagedoor's entries, or what there is
// above them, and says whether there are more than before.
func (g *Guard) follow(w *durable.Watcher, before map[string]bool) (more bool) {
	add := func(dir string) {
		for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			if info, err := os.Stat(dir); err == nil && info.IsDir() {
				break
			}
		}
		if err := w.Add(dir); err != nil {
			g.Log.Warn("some changes are not noticed", "error", err)
			return
		}
		more = more || !before[dir]
		before[dir] = true
	}
	add(g.Configs.BackupDir)
	add(g.Dir)
	if g.Settings != "" {
		add(filepath.Dir(g.Settings))
	}
	var files []string
	for _, p := range g.places() {
		if dir := filepath.Join(g.Configs.BackupDir, p.client.ID); exists(dir) {
			add(dir)
		}
		if !exists(g.base(p.client) + memoryFile) {
			continue
		}
		for _, file := range p.files {
			add(filepath.Dir(file))
		}
		files = append(files, p.files...)
	}
	g.mu.Lock()
	g.files = files
	g.mu.Unlock()
	return more
}

// checkAll checks what changed, and says whether something is being written.
func (g *Guard) checkAll(ctx context.Context) (writing bool) {
	for _, p := range g.places() {
		info, err := os.Stat(p.files[0])
		now := stamp{}
		if err == nil {
			now = stamp{info.ModTime(), info.Size()}
		}
		was, known := g.seen[p.client.ID]
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist), known && was == now:
			continue
		case err == nil && g.Now().Sub(now.written).Abs() < settle:
			writing = true
			continue
		}
		g.seen[p.client.ID] = now
		if err := g.check(ctx, p.client); err != nil && ctx.Err() == nil {
			delete(g.seen, p.client.ID)
			g.Log.Warn("a client's file could not be watched over", "client", p.client.ID, "error", err)
		}
	}
	return writing
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
