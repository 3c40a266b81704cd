//go:build !windows

package platform

// AttachConsole does nothing: only Windows keeps programs with windows apart
// from their console.
func AttachConsole() {}
