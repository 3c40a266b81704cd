//go:build !linux

// Package desktop is a virtual Linux desktop for the end-to-end tests; elsewhere it is empty.
package desktop
