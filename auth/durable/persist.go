package durable

import (
	"os"
	"time"
)

// persistFor bounds how long an operation is tried again.
const persistFor = 2 * time.Second

// persist does op again, ever more rarely, while another program has the file
// open for a moment. On Windows a virus scanner, an indexer or a process that
// reads makes rename, open and remove fail meanwhile; on Unix nothing does.
func persist(op func() error) error { return persistWhile(busy, op) }

func persistWhile(busy func(error) bool, op func() error) error {
	var waited time.Duration
	for wait := 5 * time.Millisecond; ; wait *= 2 {
		err := op()
		if err == nil || !busy(err) || waited >= persistFor {
			return err
		}
		wait = min(wait, persistFor-waited)
		time.Sleep(wait)
		waited += wait
	}
}

// Rename is os.Rename that gives another program time to let go of the file.
func Rename(from, to string) error { return replace(from, to) }

// Remove is os.Remove that gives another program time to let go of the file.
func Remove(path string) error { return persist(func() error { return os.Remove(path) }) }
