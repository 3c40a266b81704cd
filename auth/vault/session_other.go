//go:build !linux

package vault

import "errors"

func inMemory(string) error { return errors.New("this system has no folder that is in memory only") }
