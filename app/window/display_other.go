//go:build !lean && (windows || darwin)

package window

// checkDisplay has nothing to check where the display is part of the system.
func checkDisplay() error { return nil }
