package oauth

import (
	"context"
	"net/http"
	"time"
)

// Reached is what any answer of a server tells.
type Reached struct {
	Took time.Duration
	// Ahead is how far this computer's clock is ahead of the server's, as far as an answer
	// in whole seconds tells; Timed says that the server told its time.
	Ahead time.Duration
	Timed bool
}

// Reach sends a HEAD without any secret. Every answer will do: few token endpoints take
// such a request.
func (w *Wire) Reach(ctx context.Context, address string) (r Reached, err error) {
	began := time.Now()
	a, err := w.send(ctx, "connection", http.MethodHead, address, http.Header{}, "")
	r.Took = time.Since(began)
	if err != nil {
		return r, err
	}
	told, err := http.ParseTime(a.header.Get("Date"))
	if r.Timed = err == nil; r.Timed {
		earliest, latest := told.Sub(a.at.Add(r.Took)), told.Add(time.Second).Sub(a.at)
		switch { // the server wrote its time somewhere between
		case earliest > 0:
			r.Ahead = -earliest
		case latest < 0:
			r.Ahead = -latest
		}
	}
	return r, nil
}
