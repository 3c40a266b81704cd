package audit

import (
	"context"
	"errors"
	"time"
)

// Query selects events. A zero field selects all.
type Query struct {
	Profile string    // id
	Name    string    // of the event
	Outcome string    // OK or Failed
	Since   time.Time // at or after
	Until   time.Time // before
	Text    string    // anywhere in name, actor, outcome or data, in any case
	Limit   int       // the newest so many; 0 = all
}

// Query returns the selected events, newest first.
func (l *Log) Query(ctx context.Context, q Query) ([]Event, error) {
	return nil, errors.New("query: being built")
}
