package settings

import (
	"os"
	"sync"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/alert"
)

// Store is the settings file of a running process. It looks at the file each
// time it is asked and reads it again when it changed, so that a long-lived
// process follows what another one saved.
type Store struct {
	path     string
	location *time.Location

	mu      sync.Mutex
	read    bool
	file    os.FileInfo // as it was read; nil if there was none
	current Settings
	problem error
	rules   []alert.Rule
}

// Open returns the store of the file at path, which need not exist. Quiet hours
// and hours of habit are in location; nil means the machine's.
func Open(path string, location *time.Location) *Store {
	if location == nil {
		location = time.Local
	}
	return &Store{path: path, location: location}
}

// Path is where the file is or would be.
func (s *Store) Path() string { return s.path }

// Settings returns what is in effect. An error says that the file is of no use
// and that the settings are therefore the defaults.
func (s *Store) Settings() (Settings, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	return s.current, s.problem
}

// Rules returns the alert rules with the overrides on them: the same slice until
// the file changes.
func (s *Store) Rules() []alert.Rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	return s.rules
}

// MayNotify reports whether the user may be notified of a now. Nothing but
// turning notifications off keeps a P0 from the user.
func (s *Store) MayNotify(a alert.Alert, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	n := s.current.Notifications
	switch {
	case !n.Enabled:
		return false
	case a.Severity == alert.P0:
		return true
	}
	return !a.Muted && !n.Quiet.Has(now.In(s.location))
}

func (s *Store) refresh() {
	now, _ := os.Stat(s.path)
	if s.read && unchanged(s.file, now) {
		return
	}
	s.read, s.file = true, now
	s.current, s.problem = Load(s.path)
	s.rules = alert.Apply(alert.Defaults(), s.current.Overrides())
	for i := range s.rules {
		s.rules[i].Location = s.location
	}
}

// unchanged reports whether now is the file that was read; nil is no file. Saving
// replaces the file, so a change counts even within the resolution of the file's
// time.
func unchanged(read, now os.FileInfo) bool {
	if now == nil || read == nil {
		return now == nil && read == nil
	}
	return os.SameFile(now, read) && now.ModTime().Equal(read.ModTime()) && now.Size() == read.Size()
}
