//go:build !windows

package platform

// UserRegistry is for Windows alone.
func UserRegistry() Registry { return nil }
