//go:build !linux

package platform

func hardened() string { return "" }

const wantHardened = ""
