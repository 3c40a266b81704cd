//go:build !linux

package main

import (
	"context"
	"errors"
	"os"
)

// tour needs the virtual desktop, which is Linux's.
type tour struct {
	pictures   string
	transcript *os.File
}

func newTour(context.Context, string, string) (*tour, error) {
	return nil, errors.New("the virtual desktop runs on Linux only")
}

func (*tour) walk(context.Context) error { return nil }
func (*tour) close()                     {}
