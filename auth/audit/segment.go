package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

const (
	segmentExt = ".jsonl"
	lockName   = "audit.lock"
	tornName   = "audit.torn"
)

// Segment is a file of the log, or the part of one that is to be read.
type Segment struct {
	Number  int
	Size    int64     // where to end, in bytes
	Changed time.Time // when the file was changed last, as it says
	From    int64     // where to begin; a line begins there
	Line    int       // lines before that
	path    string
}

// Name is the file's name.
func (s Segment) Name() string { return SegmentName(s.Number) }

// Open opens the file for reading.
func (s Segment) Open() (*os.File, error) { return durable.Open(s.path, os.O_RDONLY) }

// begins reports whether the file begins with a line, or is gone.
func (s Segment) begins() bool {
	f, err := s.Open()
	if err != nil {
		return ignoreGone(err) == nil
	}
	defer func() { _ = f.Close() }()
	return rawSeq(head(f)) > 0
}

// SegmentName is the name of the segment with that number.
func SegmentName(number int) string { return fmt.Sprintf("%06d%s", number, segmentExt) }

// maxSegment is the largest number of a segment, terabytes from the first. A
// file with a larger one is not ours: it would leave no number for the next.
const maxSegment = 999_999

// maxSegmentBytes is thrice what a segment grows to: a longer file is none of
// ours. One with a hole in it may be terabytes long.
const maxSegmentBytes = 3 * defaultSegmentSize

// folder is what lies in the audit folder.
type folder struct {
	segments []Segment // oldest first
	// odd are names like a segment's of what is none: a folder, pipe, link or
	// device, or a number or size that no log reaches. They are passed over.
	odd  []string
	lost []string // marks of events that are not in the log, see Log.Lost
}

// segments lists the log's files, oldest first.
func segments(dir string) ([]Segment, error) {
	f, err := readFolder(dir)
	return f.segments, err
}

// newest returns the newest segment, or the zero Segment if there is none.
func newest(list []Segment) Segment {
	if len(list) == 0 {
		return Segment{}
	}
	return list[len(list)-1]
}

// readFolder lists the audit folder. One that is not there is empty.
func readFolder(dir string) (f folder, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return f, fmt.Errorf("read audit folder: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), lostPrefix) && e.Type().IsRegular() {
			f.lost = append(f.lost, e.Name())
			continue
		}
		digits, ok := strings.CutSuffix(e.Name(), segmentExt)
		if !ok || len(digits) < 6 || strings.Trim(digits, "0123456789") != "" {
			continue
		}
		path := filepath.Join(dir, e.Name())
		info, err := os.Lstat(path)
		if err != nil {
			if ignoreGone(err) == nil {
				continue
			}
			return f, fmt.Errorf("read audit folder: %w", err)
		}
		n, err := strconv.Atoi(digits)
		if err != nil || n < 1 || n > maxSegment || SegmentName(n) != e.Name() || !info.Mode().IsRegular() || info.Size() > maxSegmentBytes {
			f.odd = append(f.odd, e.Name())
			continue
		}
		f.segments = append(f.segments, Segment{Number: n, Size: info.Size(), Changed: info.ModTime(), path: path})
	}
	slices.SortFunc(f.segments, func(a, b Segment) int { return a.Number - b.Number })
	return f, nil
}

// ignoreGone makes nothing of an error that says that there is no such file:
// another process removed the segment, or set it aside, since it was listed.
func ignoreGone(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
