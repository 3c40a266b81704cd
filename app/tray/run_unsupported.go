//go:build !linux && !windows && !(darwin && cgo)

package tray

import "context"

// run stands in where systray does not compile: on macOS it needs cgo, which the
// lean build leaves out.
func run(context.Context, Params) error { return ErrUnsupported }

// Host is always nil: the tray is a part of the system.
func Host(context.Context) error { return nil }
