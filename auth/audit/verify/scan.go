package verify

import (
	"bytes"
	"context"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// scan is what one pass over one segment found, independent of the others.
type scan struct {
	lines    int
	first    audit.Line // a copy
	sound    bool       // every line follows from the one before it in the segment
	end      state      // after the last line, if sound
	sealed   bool       // it has a line with a MAC
	lost     uint64     // events that lines say were lost
	to       time.Time
	anchored *string         // MAC of the line that the anchor names, if it is here
	anchorAt int             // its line
	pruned   []audit.Removal // what genuine lines say about segments that were removed
}

// scan checks all segments, in parallel.
func (v *verification) scan(ctx context.Context, progress func(done, total int64)) ([]scan, error) {
	m := meter{tell: progress}
	for _, e := range v.Segments {
		m.total += e.Size - e.From
	}
	scans := make([]scan, len(v.Segments))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, e := range v.Segments {
		g.Go(func() error {
			seal, err := audit.NewSealer(v.Key)
			if err != nil {
				return err
			}
			scans[i], err = scanSegment(ctx, e, seal, v.Anchor.Seq, &m)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if progress != nil {
		progress(m.total, m.total)
	}
	return scans, nil
}

// meterStep is how many bytes pass between two calls of a meter.
const meterStep = 1 << 20

// meter adds up the bytes that several goroutines have checked.
type meter struct {
	mu          sync.Mutex
	done, total int64
	tell        func(done, total int64)
}

func (m *meter) add(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done += n; m.tell != nil {
		m.tell(min(m.done, m.total), m.total)
	}
}

// scanSegment checks a segment by itself. Segments are scanned in parallel; join
// puts the ends together. The loop is the whole cost of a verification, so it
// allocates nothing and looks at each byte as seldom as it can: once for the
// line's end and once for the hash.
func scanSegment(ctx context.Context, e audit.Segment, seal *audit.Sealer, anchorSeq uint64, done *meter) (scan, error) {
	res, at := scan{sound: true}, place{segment: e.Name()}
	var last []byte // the beginning of the last line
	var read int64
	defer func() { done.add(read) }()
	for l, err := range e.Lines(ctx) {
		if err != nil {
			return res, err
		}
		if res.lines++; res.lines == 1 {
			res.first = audit.ParseLine(bytes.Clone(l.Text))
			res.end.Chain = l.Before()
		}
		if read += int64(len(l.Text)) + 1; read >= meterStep {
			done.add(read)
			read = 0
		}
		last = append(last[:0], l.Text[:min(len(l.Text), 64)]...)
		at.line = l.N
		if res.sound = res.sound && res.end.accept(seal, l, at); res.sound {
			res.sealed = res.sealed || l.MAC != nil
			if l.Seq == anchorSeq {
				mac := string(l.MAC)
				res.anchored, res.anchorAt = &mac, l.N
			}
		}
		switch string(l.Name()) {
		case audit.EventsLost:
			if res.sound {
				res.lost += lostEvents(l)
			}
		case audit.Pruned, audit.LogAccepted:
			if r, ok := l.Removal(); ok && (res.sound && l.MAC != nil || seal.Seals(l)) {
				res.pruned = append(res.pruned, r)
			}
		}
	}
	res.to = audit.Line{Text: last}.Time()
	return res, nil
}

// lostEvents is what a line about lost events says of their number.
func lostEvents(l audit.Line) uint64 {
	e, err := l.Event()
	n, ok := e.Data[audit.LostCount].(float64)
	if err != nil || !ok || n < 1 || n > 1<<53 {
		return 0
	}
	return uint64(n)
}
