package audit

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// Belongs reports whether the log in a folder has a line that was sealed with
// the key, and whether it has the line that the anchor names. It looks at no
// more than it must: of a log whose key it is, mostly at its newest line and at
// what came since the anchor.
func Belongs(ctx context.Context, dir string, key []byte, a Anchor) (sealed, anchored bool, err error) {
	seal, err := newSealer(key)
	if err != nil {
		return false, false, err
	}
	list, err := segments(dir)
	if err != nil {
		return false, false, err
	}
	for i := len(list) - 1; i >= 0; i-- {
		err := eachBackward(list[i].path, func(f frame) bool {
			ours := (!sealed || f.seq == a.Seq) && seal.seals(f)
			sealed = sealed || ours
			anchored = anchored || ours && f.seq == a.Seq && string(f.mac) == a.MAC
			return ctx.Err() == nil && !(sealed && (a.MAC == "" || f.seq <= a.Seq))
		})
		if errors.Is(err, errEnough) {
			return sealed, anchored, ctx.Err()
		}
		if err != nil {
			return false, false, err
		}
	}
	return sealed, anchored, nil
}

var errEnough = errors.New("enough")

// eachBackward calls f for each line of a segment that can be read, the newest
// first, until it returns false; then the error is errEnough.
func eachBackward(path string, f func(frame) bool) error {
	file, err := durable.Open(path, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	lines, err := readBackward(file, info.Size())
	if err != nil {
		return err
	}
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if at, err := split(line); err == nil && !f(at) {
			return errEnough
		}
	}
}
