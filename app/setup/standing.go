package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Standing is how an MCP client of this machine stands.
type Standing struct {
	Client  clients.Client
	Path    string
	Exists  bool  // the file does; else its folder
	Problem error // why the file is left alone, or nil
	Entries []Held
	Others  []clients.Server // that start their server without Stagedoor
	Changed time.Time        // the file, by Stagedoor for the last time
	Began   time.Time        // the client; zero if it does not run
	Known   bool             // Began is
}

// Stale reports whether the client has run since before Stagedoor changed its file.
func (s Standing) Stale() bool { return s.Known && !s.Began.IsZero() && s.Began.Before(s.Changed) }

// Held is an entry of Stagedoor's in a client's file.
type Held struct {
	clients.Server
	Starts  string          // the server, and for whom
	Profile profile.Profile // whose tokens the server would get; zero if there is none
	Fault   Fault           // what keeps it from starting, or ""
	Why     error           // the fault in words
}

// Survey returns the clients that are on this machine, as far as their files tell, with
// those projects whose files Stagedoor changed.
func (s Service) Survey(ctx context.Context) (all []Standing, err error) {
	kept, err := s.Configs.Kept()
	list := append(clients.All(), slices.DeleteFunc(kept, func(c clients.Client) bool { return c.Project == "" })...)
	for _, c := range list {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if st, found := s.stand(ctx, c); found {
			all = append(all, st)
		}
	}
	return all, err
}

// Stamp tells whether a client wrote its file or was started since: then Survey has news.
func (s Service) Stamp(ctx context.Context) string {
	var all strings.Builder
	for _, c := range clients.All() {
		path, err := c.Path(s.Configs.Env)
		if err != nil {
			continue
		}
		if info, err := os.Stat(path); err == nil {
			fmt.Fprint(&all, c.ID, info.ModTime().UnixNano(), info.Size())
		}
		if began, known := s.Began(ctx, c); known {
			fmt.Fprint(&all, began.Unix())
		}
	}
	return all.String()
}

func (s Service) stand(ctx context.Context, c clients.Client) (st Standing, found bool) {
	st.Client = c
	var err error
	if st.Path, err = c.Path(s.Configs.Env); err != nil {
		return st, false
	}
	_, err = os.Lstat(st.Path)
	if st.Exists = err == nil; !st.Exists {
		dir := filepath.Dir(st.Path)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() || dir == s.Configs.Env.Home || c.Project != "" {
			return st, false
		}
	}
	servers, problem := s.Configs.ServersOf(c)
	st.Problem = problem
	for _, e := range servers {
		if e.Entry.IsOurs() {
			st.Entries = append(st.Entries, s.hold(e))
		} else {
			st.Others = append(st.Others, e)
		}
	}
	if made, _ := s.Configs.Backups(c); len(made) > 0 {
		st.Changed = made[0].Made
	}
	st.Began, st.Known = s.Began(ctx, c)
	return st, true
}

func (s Service) hold(e clients.Server) Held {
	h := Held{Server: e, Starts: starts(e.Entry)}
	flags, _ := e.Entry.Behind()
	if pinned := Option(flags, "--profile"); pinned != "" {
		h.Profile, _ = s.Keeper.Profile(pinned)
	} else {
		h.Profile, _ = s.Keeper.ProfileFor(Option(flags, "--provider"))
	}
	if h.Fault, h.Why = s.Examine(e); h.Fault == "" {
		if _, err := s.FindServer(e); err != nil {
			h.Fault, h.Why = NoServer, err
		}
	}
	return h
}

// Fault is what keeps an entry of Stagedoor's from starting its server, in a word.
type Fault string

// The faults.
const (
	Moved       Fault = "moved"        // Stagedoor is not where the entry looks for it
	OtherFolder Fault = "other folder" // it would use another state folder than this process
	OtherVault  Fault = "other vault"  // and look for its secrets in another vault
	NoProfile   Fault = "no profile"   // the one that it names is no more
	NoRecipe    Fault = "no recipe"    // the one that it names is not as it was
	NoServer    Fault = "no server"    // it names none, or one that the client does not find
)

// Examine says what is wrong with the launcher's part of an entry, if anything is.
func (s Service) Examine(e clients.Server) (Fault, error) {
	flags, _ := e.Entry.Behind()
	pinned, as := Option(flags, "--profile"), Option(flags, "--as")
	if _, err := launch.Find(s.here(e.Entry, e.Client).Command); err != nil {
		return Moved, fmt.Errorf("it starts Stagedoor as %s: %w", e.Entry.Command, err)
	}
	if s.Environ["STAGEDOOR_HOME"] != e.Entry.Env["STAGEDOOR_HOME"] && e.Client.Project == "" {
		return OtherFolder, errors.New("it uses another state folder than this program: " + cmp.Or(e.Entry.Env["STAGEDOOR_HOME"], "the usual one"))
	}
	if s.Environ["STAGEDOOR_VAULT"] != e.Entry.Env["STAGEDOOR_VAULT"] && e.Client.Project == "" {
		return OtherVault, errors.New("it looks for its secrets in another vault than this program")
	}
	if pinned != "" && s.Keeper != nil {
		if _, err := s.Keeper.Profile(pinned); errors.Is(err, profile.ErrNotFound) {
			return NoProfile, errors.New("its profile " + text.Name(pinned) + " is no more")
		}
	}
	if as != "" {
		if _, err := launch.LookupRecipe(s.RecipeDir, as); err != nil {
			return NoRecipe, err
		}
	}
	return "", nil
}

// FindServer finds the program of an entry's server where its client looks for it.
func (s Service) FindServer(e clients.Server) (path string, err error) {
	_, command := s.here(e.Entry, e.Client).Behind()
	if len(command) == 0 {
		return "", errors.New("it names no server to start")
	}
	env, _ := e.Client.Environ(s.Configs.Env.GOOS, s.Host)
	for name, value := range e.Entry.Env {
		env = append(env, name+"="+value)
	}
	return launch.FindIn(command[0], env)
}

// Try is Check for an entry that is there.
func (s Service) Try(ctx context.Context, e clients.Server) Check {
	return s.Check(ctx, Plan{Client: e.Client, Change: clients.Change{Name: e.Name, Entry: &e.Entry}})
}

// Backups are the kept copies of all clients' files, the newest first. Plain ones that have
// secrets are encrypted first; exposed says of which clients that failed, and why.
func (s Service) Backups(ctx context.Context) (all []clients.Backup, exposed map[string]error, err error) {
	kept, err := s.Configs.Kept()
	exposed = map[string]error{}
	for _, client := range kept {
		if err := s.Configs.SealOld(ctx, client); err != nil {
			exposed[client.Name] = err
		}
		list, unread := s.Configs.Backups(client)
		err = errors.Join(err, unread)
		all = append(all, list...)
	}
	slices.SortStableFunc(all, func(a, b clients.Backup) int { return b.Made.Compare(a.Made) })
	return all, exposed, err
}
