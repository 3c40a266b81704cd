//go:build !linux

// Command virtual-desktop needs Linux.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "virtual-desktop: needs Linux")
	os.Exit(1)
}
