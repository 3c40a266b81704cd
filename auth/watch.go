package auth

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// Watch signals on the channel when something changed that State or Events
// shows, whichever process changed it. Signals are merged: one that was not
// taken yet stands for all that followed. The channel is closed when ctx ends.
func (k *Keeper) Watch(ctx context.Context) (<-chan struct{}, error) {
	return k.watch(ctx, k.audit.Dir(), shown)
}

// WatchLogins signals as Watch does, when a profile may be another than before, or
// have another login or token.
func (k *Keeper) WatchLogins(ctx context.Context) (<-chan struct{}, error) {
	return k.watch(ctx, filepath.Join(k.dir, "wal"), func(path string) bool {
		return filepath.Base(path) == "profiles.json" || filepath.Base(filepath.Dir(path)) == "wal"
	})
}

// WatchFile signals as Watch does, when a file of the state folder was written.
func (k *Keeper) WatchFile(ctx context.Context, name string) (<-chan struct{}, error) {
	return k.watch(ctx, k.audit.Dir(), func(path string) bool { return filepath.Base(path) == name })
}

// watch signals changes in the state folder, and in the folder also, of the files
// that are wanted.
func (k *Keeper) watch(ctx context.Context, also string, wanted func(path string) bool) (<-chan struct{}, error) {
	w, err := durable.NewWatcher()
	if err != nil {
		return nil, err
	}
	if err := w.Add(k.dir); err != nil {
		_ = w.Close()
		return nil, fmt.Errorf("watch for changes: %w", err)
	}
	if err := w.Add(also); err != nil { // what keeps the log from being used is an alert
		k.log.WarnContext(ctx, "some changes are not noticed", "error", err)
	}
	return w.Signals(ctx, k.log, func(path string, _ bool) bool {
		if path == also { // another folder, or none: that the log cannot be used is an alert
			_ = w.Add(path)
			return true
		}
		return wanted(path)
	}), nil
}

// shown reports whether a file's content is part of what is shown. Temporary
// files and locks are not: the write they belong to ends in a rename.
func shown(path string) bool {
	name := filepath.Base(path)
	return strings.HasSuffix(name, ".jsonl") || strings.HasSuffix(name, ".json") && !strings.HasPrefix(name, ".")
}
