//go:build linux

package desktop

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Area is a part of the screen, in pixels.
type Area struct{ X, Y, Width, Height int }

// Pixels reads a part of the screen as it is now, four bytes a pixel, straight
// from the X server's memory: within microseconds, to find out when something
// appears. A Screenshot takes a hundred milliseconds.
func (d *Desktop) Pixels(a Area) ([]byte, error) {
	f, err := os.Open(filepath.Join(d.dirs.screen, "Xvfb_screen0"))
	if err != nil {
		return nil, fmt.Errorf("read screen: %w", err)
	}
	defer f.Close()
	// The file begins like an X window dump (XWDFile.h): 32-bit numbers in
	// network order, then the colour map, then the lines.
	var head [25]uint32
	if err := binary.Read(f, binary.BigEndian, &head); err != nil {
		return nil, fmt.Errorf("read screen: %w", err)
	}
	const headSize, width, height, perPixel, perLine, colours, colourSize = 0, 4, 5, 11, 12, 19, 12
	if head[perPixel] != 32 || a.X < 0 || a.Y < 0 || a.X+a.Width > int(head[width]) || a.Y+a.Height > int(head[height]) {
		return nil, errors.New("read screen: outside of it, or of another format")
	}
	start := int64(head[headSize] + head[colours]*colourSize)
	all := make([]byte, 0, 4*a.Width*a.Height)
	line := make([]byte, 4*a.Width)
	for y := a.Y; y < a.Y+a.Height; y++ {
		if _, err := f.ReadAt(line, start+int64(y)*int64(head[perLine])+int64(4*a.X)); err != nil {
			return nil, fmt.Errorf("read screen: %w", err)
		}
		all = append(all, line...)
	}
	return all, nil
}

// Still waits until a part of the screen has not changed for a while, and returns its
// pixels. Bound it by ctx.
func (d *Desktop) Still(ctx context.Context, a Area, while time.Duration) ([]byte, error) {
	var last []byte
	since := time.Now()
	err := poll(ctx, time.Hour, func() (bool, error) {
		now, err := d.Pixels(a)
		if !bytes.Equal(now, last) {
			last, since = now, time.Now()
		}
		return time.Since(since) > while, err
	})
	return last, err
}
