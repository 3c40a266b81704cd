//go:build !lean && (windows || darwin)

package window

import "context"

// checkDisplay has nothing to check where the display is part of the system.
func checkDisplay(context.Context) error { return nil }
