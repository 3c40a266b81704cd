package durable

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A virus scanner that looks at a file just now must not lose a login, and one
// that never lets go must not hang the program.
func TestPersistWaitsForAFileThatIsInUse(t *testing.T) {
	inUse, gone := errors.New("in use"), errors.New("gone")
	busy := func(err error) bool { return errors.Is(err, inUse) }
	for name, c := range map[string]struct {
		fails int // how often it is in use
		then  error
		want  error
		most  time.Duration
	}{
		"free":          {0, nil, nil, 0},
		"in use twice":  {2, nil, nil, 20 * time.Millisecond},
		"in use, gone":  {1, gone, gone, 10 * time.Millisecond},
		"always in use": {1 << 30, nil, inUse, persistFor},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, calls := time.Now(), 0
				err := persistWhile(busy, func() error {
					if calls++; calls <= c.fails {
						return inUse
					}
					return c.then
				})
				if took := time.Since(began); !errors.Is(err, c.want) || took > c.most {
					t.Errorf("%v after %v", err, took)
				}
			})
		})
	}
}
