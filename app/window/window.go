//go:build !lean

// Package window shows the windows, each in a process of its own.
package window

import "context"

// Names returns the windows that exist in this build.
func Names() []string { return []string{"audit", "profiles", "welcome"} }

// Run shows a window and returns when it is closed or ctx ends.
func Run(ctx context.Context, name string, p Params) error {
	return run(ctx, name, p)
}
