package profile

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Errors that callers branch on.
var (
	ErrNotFound   = errors.New("no such profile")
	ErrExists     = errors.New("profile exists already")
	ErrNoneActive = errors.New("no profile is selected")
)

const (
	version  = 1
	fileName = "profiles.json"
	// lockWait bounds how long a change waits for another process's change,
	// which takes milliseconds.
	lockWait = 10 * time.Second
	// maxSize is in bytes; a profile takes one or two thousand.
	maxSize = 8 << 20
)

// Store reads and changes the list.
type Store struct {
	path, lock string
	now        func() time.Time
	rand       io.Reader
}

// Params of a Store.
type Params struct {
	Dir  string // the state folder, which exists
	Now  func() time.Time
	Rand io.Reader
}

// NewStore returns a store on the state folder. It touches nothing yet.
func NewStore(p Params) (*Store, error) {
	if p.Dir == "" || p.Now == nil || p.Rand == nil {
		return nil, errors.New("profile store: folder, clock and randomness are needed")
	}
	return &Store{
		path: filepath.Join(p.Dir, fileName),
		lock: filepath.Join(p.Dir, "locks", "profiles.lock"),
		now:  p.Now, rand: p.Rand,
	}, nil
}

// Load reads the list. A missing file is an empty list. A file that cannot be
// understood is an error and stays as it is; of a single entry, see Refused.
func (s *Store) Load() (List, error) {
	data, err := durable.ReadFile(s.path, maxSize)
	if errors.Is(err, os.ErrNotExist) {
		return List{Version: version}, nil
	}
	if err != nil {
		return List{}, fmt.Errorf("read profiles: %w", err)
	}
	return parse(s.path, data)
}

// Create adds a profile. The name must be free; id and creation time are set
// here. The first profile becomes the active one.
func (s *Store) Create(ctx context.Context, p Profile) (Profile, error) {
	if err := CheckName(p.Name); err != nil {
		return Profile{}, err
	}
	id := make([]byte, 8)
	if _, err := io.ReadFull(s.rand, id); err != nil {
		return Profile{}, fmt.Errorf("create profile: %w", err)
	}
	p.ID, p.Created = hex.EncodeToString(id), s.now().UTC()
	err := s.change(ctx, func(l *List) error {
		if l.taken(p.Name) {
			return Taken(p.Name)
		}
		l.Profiles = append(l.Profiles, p)
		if l.Active == "" && len(l.Profiles) == 1 {
			l.use(p)
		}
		return nil
	})
	return p, err
}

// Taken is the error for a name that another profile has.
func Taken(name string) error {
	return hint.Wrap(fmt.Errorf("%w: %q", ErrExists, name), "choose another name, or delete it first: stagedoor delete-profile "+name)
}

// Use selects the profile with that name.
func (s *Store) Use(ctx context.Context, name string) (p Profile, err error) {
	err = s.change(ctx, func(l *List) error {
		if p, err = l.Find(name); err != nil {
			return err
		}
		l.use(p)
		return nil
	})
	return p, err
}

// Rename gives a profile another name. Its id, and with it its history and its
// keychain items, stay.
func (s *Store) Rename(ctx context.Context, from, to string) (p Profile, err error) {
	if err := CheckName(to); err != nil {
		return Profile{}, err
	}
	err = s.change(ctx, func(l *List) error {
		if _, err := l.Find(from); err != nil {
			return err
		}
		if from != to && l.taken(to) {
			return hint.Wrap(fmt.Errorf("%w: %q", ErrExists, to), "choose another name")
		}
		i := l.index(func(q Profile) bool { return q.Name == from })
		l.Profiles[i].Name = to
		p = l.Profiles[i]
		return nil
	})
	return p, err
}

// Delete removes a profile from the list. When it was the active one, none is
// active afterwards: choosing another account is the user's decision.
func (s *Store) Delete(ctx context.Context, id string) error {
	return s.change(ctx, func(l *List) error {
		l.Profiles = slices.DeleteFunc(l.Profiles, func(p Profile) bool { return p.ID == id })
		if l.Active == id {
			l.Active = ""
		}
		for service, recent := range l.Recent {
			if recent == id {
				delete(l.Recent, service)
			}
		}
		return nil
	})
}

// Update changes one profile in place under the lock. Its id cannot change.
func (s *Store) Update(ctx context.Context, id string, f func(*Profile)) error {
	return s.change(ctx, func(l *List) error {
		i := l.index(func(p Profile) bool { return p.ID == id })
		if i < 0 {
			return fmt.Errorf("%w: it was deleted meanwhile", ErrNotFound)
		}
		f(&l.Profiles[i])
		l.Profiles[i].ID = id
		return nil
	})
}

func (l *List) use(p Profile) {
	l.Active = p.ID
	if l.Recent == nil {
		l.Recent = map[string]string{}
	}
	l.Recent[p.Service()] = p.ID
}

// change reads, changes and writes the list under the lock, and writes only if
// something is different, so that watchers are not woken for nothing.
func (s *Store) change(ctx context.Context, f func(*List) error) error {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	lock, err := durable.Acquire(ctx, s.lock)
	if err != nil {
		return fmt.Errorf("change profiles: %w", err)
	}
	defer lock.Release()
	l, err := s.Load()
	if err != nil {
		return err
	}
	before, err := encode(l)
	if err != nil {
		return err
	}
	if err := f(&l); err != nil {
		return err
	}
	slices.SortFunc(l.Profiles, func(a, b Profile) int { return strings.Compare(a.Name, b.Name) })
	after, err := encode(l)
	if err != nil {
		return err
	}
	if bytes.Equal(before, after) {
		return nil
	}
	if len(after) > maxSize {
		return hint.Wrap(fmt.Errorf("change profiles: %w: %s would have %d bytes", durable.ErrTooLarge, s.path, len(after)),
			"delete profiles that you do not need: stagedoor delete-profile NAME")
	}
	return durable.WriteFile(s.path, after, durable.FileMode)
}

func encode(l List) ([]byte, error) {
	l.Version = version
	data, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write profiles: %w", err)
	}
	return append(data, '\n'), nil
}
