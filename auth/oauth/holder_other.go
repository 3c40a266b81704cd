//go:build !linux

package oauth

// holder is not known: the error says how to find it.
func holder(int) string { return "" }
