package token

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// Use is the right to send requests with an access token that the next refresh ends.
// Whoever refreshes waits until nobody has it, and lets nobody have it meanwhile, so
// that no request gets there with a token which is dead. It is a kernel lock that the
// users of all processes share, which ends with a process however that ends.
//
// It is not safe for concurrent use.
type Use struct {
	files     string // the path of the three files, without their ends
	seen, own uint64 // the mark before the token was read, and the token's own
	held      *durable.Lock
}

const (
	// drainWait is how long a refresh waits for requests with the token before: less
	// than what those wait for that are to be sent with the next one.
	drainWait = 8 * time.Second
	// Of the files, .gate is locked while a refresh goes on, and .use while a request
	// does. The length of .refreshed in bytes is a mark: twice the generation of the
	// tokens that the last refresh brought, or one less while nobody knows whether it
	// brought them, also if the process that asked for them is gone.
	gateFile, useFile, refreshedFile = ".gate", ".use", ".refreshed"
)

// Use returns the use of the token that Fresh returns next. Of names it.
func (s *Service) Use(id string) *Use {
	u := &Use{files: filepath.Join(s.Locks, id)}
	u.seen = markOf(u.files)
	return u
}

// Of says which tokens the use is of.
func (u *Use) Of(s Set) { u.own = brought(s.Gen) }

func brought(gen uint64) uint64 { return 2 * min(gen, math.MaxInt32) }

func markOf(files string) uint64 {
	info, err := os.Stat(files + refreshedFile)
	if err != nil {
		return 0
	}
	return uint64(info.Size()) //nolint:gosec // G115: no file is shorter than nothing
}

// Enter reports whether a request may be sent now. If not, the token is dead, about to
// be or in doubt, and Fresh returns the next one, or the same if there is none: then that
// has another Use.
func (u *Use) Enter() bool {
	gate, err := durable.TryShare(u.files + gateFile)
	if err != nil {
		return u.unguarded(err)
	}
	defer gate.Release()
	if now := markOf(u.files); now != u.seen && now != u.own {
		u.Leave()
		return false
	}
	if u.held == nil {
		if u.held, err = durable.TryShare(u.files + useFile); err != nil {
			return u.unguarded(err)
		}
	}
	return true
}

// unguarded reports whether requests go out although there is no lock on a file: one
// that cannot be had at all keeps nobody from a refresh, nor from the token.
func (*Use) unguarded(err error) bool { return !errors.Is(err, durable.ErrLocked) }

// Leave says that the answers have come to all requests since Enter.
func (u *Use) Leave() {
	u.held.Release()
	u.held = nil
}

// drain waits until nobody uses the profile's token, and returns what lets them begin
// again. Of those who take too long some get an error of the provider's.
func (s *Service) drain(ctx context.Context, id string) (open func()) {
	limited, cancel := context.WithTimeout(ctx, s.drainWait)
	defer cancel()
	files := filepath.Join(s.Locks, id)
	gate, err := durable.Acquire(limited, files+gateFile)
	if err != nil {
		return func() {}
	}
	use, _ := durable.Acquire(limited, files+useFile) // or else they took too long
	return func() {
		use.Release()
		gate.Release()
	}
}

// asking marks the tokens of all generations before gen as in doubt, before the provider
// is asked for those: it may end the ones before though its answer never arrives. What it
// returns is called with what came of it.
func (s *Service) asking(id string, gen uint64) (answered func(err error)) {
	files := filepath.Join(s.Locks, id)
	before := markOf(files)
	mark(files, brought(gen)-1)
	return func(err error) {
		switch {
		case err == nil:
			mark(files, brought(gen))
		case !maySpend(err):
			mark(files, before)
		}
	}
}

func mark(files string, length uint64) {
	f, err := durable.Open(files+refreshedFile, os.O_CREATE|os.O_WRONLY)
	if err != nil {
		return // who has the token is told so by the provider
	}
	_ = f.Truncate(int64(length)) //nolint:gosec // G115: see brought
	_ = f.Close()
}
