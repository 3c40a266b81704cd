package durable

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/fsnotify/fsnotify"
)

// Watcher watches folders for changes of files in them, whichever process makes them.
type Watcher struct{ w *fsnotify.Watcher }

// NewWatcher returns a Watcher of no folder. Signals ends it.
func NewWatcher() (*Watcher, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch for changes: %w", err)
	}
	return &Watcher{w}, nil
}

// Add watches a folder that exists, too. It may be called at any time, and again: a folder
// that was removed is no longer watched.
func (w *Watcher) Add(folder string) error { return w.w.Add(folder) }

// Close ends a Watcher without Signals.
func (w *Watcher) Close() error { return w.w.Close() }

// Signals signals on the channel when something happened to a file that is wanted. Signals
// are merged: one that was not taken yet stands for all that followed. The channel is
// closed when ctx ends. wanted is called on one goroutine; away says that the file is not
// there under that name any more, since somebody renamed it.
func (w *Watcher) Signals(ctx context.Context, log *slog.Logger, wanted func(path string, away bool) bool) <-chan struct{} {
	out := make(chan struct{}, 1)
	go func() {
		defer close(out)
		defer func() { _ = w.w.Close() }()
		for {
			select {
			case <-ctx.Done():
				return
			case err, ok := <-w.w.Errors:
				if !ok {
					return
				}
				// An overflow means that changes were missed: signal one.
				log.WarnContext(ctx, "watch for changes", "error", err)
			case e, ok := <-w.w.Events:
				if !ok {
					return
				}
				if !wanted(e.Name, e.Has(fsnotify.Rename)) {
					continue
				}
			}
			select {
			case out <- struct{}{}:
			default:
			}
		}
	}()
	return out
}
