//go:build !linux

package host

// SessionBus returns "": only Linux keeps its keychain behind a session bus.
func SessionBus(string, func(string) string) string { return "" }

// RememberSessionBus does nothing: only Linux has a session bus to remember.
func RememberSessionBus(string, func(string) string) error { return nil }
