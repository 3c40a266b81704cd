// Package guard notices that an MCP client lost Stagedoor's entries out of its file, as
// clients do when they reset it, rewrite it from an old copy in memory or crash, and puts
// them back.
//
// It promises:
//
//   - What a person did is left alone: entries that were taken out through Stagedoor, and
//     any edit that leaves them in the file. Where an entry alone is gone, which may have
//     been either, it asks, once.
//   - Entries come back by a patch of the file as it is. Only a file that is gone, empty or
//     full of zeros is replaced, by the last copy of it that had the entries.
//   - A client that goes on is not fought: after three times in an hour it stops and asks.
//   - While nothing happens it does nothing: there is no timer.
//
// What is remembered is in the state folder, so that it is known of a wipe that happened
// while nothing watched. A Guard is safe for concurrent use, by goroutines and processes.
package guard

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

const (
	// settle is how long a file must have been left alone.
	settle = 300 * time.Millisecond
	// So often within that time are entries put back without a question.
	restores, restoresWithin = 3, time.Hour
	// copyEvery bounds how often a file is copied whose entries stay as they are: Claude
	// Code writes its own with every message.
	copyEvery = 10 * time.Minute
)

// Keeper is what the package needs of auth.Keeper.
type Keeper interface {
	LogWritable(ctx context.Context) error
	Record(ctx context.Context, p profile.Profile, event, outcome string, data map[string]any)
}

// Params are what a Guard is made of.
type Params struct {
	Dir     string // of its own, in the state folder; it is made
	Configs *clients.Configs
	Keeper  Keeper
	Now     func() time.Time
	Log     *slog.Logger
	Mode    func() string // the setting, as settings.GuardWipes
	// Settings is the file that Mode is read from; when it changes, Watch looks anew. It may be "".
	Settings string
	// Began is when a client was started that reads its file only then; it may be nil.
	Began  func(context.Context, clients.Client) (began time.Time, known bool)
	Notify func(title, body string)
}

// Guard watches over the clients' files.
type Guard struct {
	Params
	changed chan struct{}

	seen map[string]stamp // of Watch alone: the files that were looked at

	mu    sync.Mutex
	files []string        // those that are followed
	moved map[string]bool // of them, those that were renamed away
}

// New returns a Guard. It touches no file.
func New(p Params) *Guard {
	return &Guard{Params: p, changed: make(chan struct{}, 1), moved: map[string]bool{}, seen: map[string]stamp{}}
}

// See remembers a client's file after a change through Stagedoor, if it is as it should be.
// Files of projects are not watched over.
func (g *Guard) See(ctx context.Context, c clients.Client) error {
	if c.Project != "" {
		return nil
	}
	return g.locked(ctx, c, func(m *Memory) error {
		l, err := g.Configs.Look(ctx, c)
		if err != nil || g.Mode() == settings.GuardOff || m != nil && m.Path == l.Path && Decide(*m, Now{Look: l}).Verdict != Fine {
			return err
		}
		return g.remember(ctx, c, m, l)
	})
}

// check looks at a client's file and does what has to be done.
func (g *Guard) check(ctx context.Context, c clients.Client) error {
	return g.locked(ctx, c, func(m *Memory) error {
		mode := g.Mode()
		if mode == settings.GuardOff {
			return g.forget(c)
		}
		l, err := g.Configs.Look(ctx, c)
		if err != nil {
			return err
		}
		if m == nil || m.Path != l.Path {
			if !slices.ContainsFunc(l.Entries, ours) {
				return nil
			}
			return g.remember(ctx, c, nil, l)
		}
		now := g.now(*m, l)
		d := Decide(*m, now)
		if d.Verdict == Removed && !m.asked(d.Ours) && g.stale(ctx, c, l) {
			now.Stale = true
			d = Decide(*m, now)
		}
		switch lately := m.lately(g.Now()); {
		case d.Verdict == Fine:
			return g.remember(ctx, c, m, l)
		case d.Verdict == Wait, m.asked(d.Ours):
			return nil
		case d.Verdict == Removed:
			return g.ask(ctx, c, m, d, Gone)
		case mode == settings.GuardAsk:
			return g.ask(ctx, c, m, d, Lost)
		case lately >= restores:
			return g.ask(ctx, c, m, d, Again)
		}
		if err := g.putBack(ctx, c, m, l, d.Ours); errors.Is(err, clients.ErrFileConflict) {
			return err // its writer causes another look
		} else if err != nil {
			g.Log.Warn("entries could not be put back", "client", c.ID, "error", err)
			return g.ask(ctx, c, m, d, Failed)
		}
		g.tell(restored(c, d.Ours, m.Missing))
		return nil
	})
}

// now gathers what Decide needs, but for Stale.
func (g *Guard) now(m Memory, l clients.Look) Now {
	n := Now{Look: l}
	if !l.Exists {
		_, err := os.Stat(filepath.Dir(l.Path))
		n.NoFolder = errors.Is(err, fs.ErrNotExist)
		g.mu.Lock()
		n.Moved = g.moved[l.Path]
		g.mu.Unlock()
		n.Moved = n.Moved || beside(m)
	}
	return n
}

// stale says that the client has run since before Stagedoor changed its file last.
func (g *Guard) stale(ctx context.Context, c clients.Client, l clients.Look) bool {
	if g.Began == nil || len(l.Done) == 0 {
		return false
	}
	began, known := g.Began(ctx, c)
	return known && !began.IsZero() && began.Before(l.Done[0].Made)
}

// beside says that a file that is gone is there under another name.
func beside(m Memory) bool {
	dir := filepath.Dir(m.Path)
	files, _ := os.ReadDir(dir)
	return slices.ContainsFunc(files, func(f os.DirEntry) bool {
		info, err := f.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() != int64(m.Size) {
			return false
		}
		sum, err := clients.SumOf(filepath.Join(dir, f.Name()))
		return err == nil && sum == m.Sum
	})
}

// putBack puts entries back, and waits for no file: the caller has looked.
func (g *Guard) putBack(ctx context.Context, c clients.Client, m *Memory, l clients.Look, names []string) error {
	if err := g.Keeper.LogWritable(ctx); err != nil { // nothing is changed that is not written down
		return err
	}
	data, err := g.Configs.Stored(ctx, g.base(c))
	if err != nil {
		return fmt.Errorf("read the copy of %s: %w", l.Path, err)
	}
	var ch clients.Change
	if !l.Exists || l.Blank || l.Zeros {
		ch, err = g.Configs.PlanContent(ctx, c, data)
	} else {
		ch, err = g.Configs.PlanBack(ctx, c, data, names)
	}
	if err == nil && ch.Writes() && ch.Exists == l.Exists && !l.Was(ch.Before) {
		err = clients.ErrFileConflict
	}
	if err == nil {
		_, err = g.Configs.Apply(ctx, ch)
	}
	if err != nil {
		return err
	}
	if l, err = g.Configs.Look(ctx, c); err != nil {
		return err
	}
	missing := slices.Clone(m.Missing)
	for _, e := range m.Entries {
		if e.Ours && slices.Contains(names, e.Name) {
			if !slices.Contains(m.Missing, e.Name) { // else the log has it
				g.record(ctx, c, audit.ConfigDrift, e.Name, "")
			}
			g.record(ctx, c, audit.ConfigWritten, e.Name, "restore")
		}
		if !slices.Contains(missing, e.Name) {
			missing = append(missing, e.Name)
		}
	}
	m.Restored = append(m.Restored, g.Now().UTC())
	m.Missing, m.Why, m.Change = missing, Others, newest(l)
	return g.remember(ctx, c, m, l)
}

// ask has the user decide.
func (g *Guard) ask(ctx context.Context, c clients.Client, m *Memory, d Decision, why Why) error {
	for _, name := range slices.Concat(d.Ours, d.Others) {
		if !slices.Contains(m.Missing, name) {
			m.Missing = append(m.Missing, name)
		}
	}
	m.Why = why
	if err := g.save(c, *m); err != nil {
		return err
	}
	if d.Verdict == Wiped {
		for _, name := range d.Ours {
			g.record(ctx, c, audit.ConfigDrift, name, "")
		}
	}
	g.tell(Loss{c.ID, c.Name, m.Missing, why}.notice())
	return nil
}

// tell notifies the user and whoever shows what is open.
func (g *Guard) tell(title, body string) {
	g.Notify(title, body)
	g.stir()
}

func (g *Guard) stir() {
	select {
	case g.changed <- struct{}{}:
	default:
	}
}

func (g *Guard) record(ctx context.Context, c clients.Client, event, entry, action string) {
	data := map[string]any{"client": c.ID, "entry": entry}
	if action != "" {
		data["action"] = action
	}
	g.Keeper.Record(ctx, profile.Profile{}, event, audit.OK, data)
}

// PutBack puts back what the user was asked about.
func (g *Guard) PutBack(ctx context.Context, client string) (message string, err error) {
	c, err := clients.Lookup(client)
	if err != nil {
		return "", err
	}
	err = g.locked(ctx, c, func(m *Memory) error {
		if m == nil || len(m.Missing) == 0 {
			message = c.Name + " has its servers already."
			return nil
		}
		l, err := g.Configs.Look(ctx, c)
		if err != nil {
			return err
		}
		names := m.Missing
		if err := g.putBack(ctx, c, m, l, names); err != nil {
			return err
		}
		m.Restored = nil // whoever goes on asking for it gets it
		_, message = restored(c, names, nil)
		return g.save(c, *m)
	})
	g.stir()
	return message, err
}

// Leave takes it that what is missing is to stay away.
func (g *Guard) Leave(ctx context.Context, client string) error {
	c, err := clients.Lookup(client)
	if err != nil {
		return err
	}
	defer g.stir()
	return g.locked(ctx, c, func(m *Memory) error {
		if m == nil {
			return nil
		}
		l, err := g.Configs.Look(ctx, c)
		if err != nil {
			return err
		}
		m.Missing, m.Restored, m.Copied = nil, nil, time.Time{}
		return g.remember(ctx, c, m, l)
	})
}
