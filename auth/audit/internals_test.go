package audit

import "time"

// What only this package's own tests reach into.
var (
	AppendLower = appendLower
	Searchable  = searchable
)

const (
	MaxSegment   = maxSegment
	MaxSeq       = maxSeq
	MaxKey       = maxKey
	MaxLine      = maxLine
	MaxChunk     = maxChunk
	KeychainRest = keychainRest
)

// SetStill sets how long the log may stand still under somebody else's lock.
func (l *Log) SetStill(d time.Duration) { l.still = d }

// Respell writes the event of a line again, up to its prev.
func Respell(l Line, e Event) (same bool) {
	body, _, err := encode(e)
	return err == nil && string(body) == string(l.Text[:l.body])
}
