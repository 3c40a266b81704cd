package scan

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Keeper is what moving needs of auth.Keeper.
type Keeper interface {
	KeepKey(ctx context.Context, name string, value secret.String) (p profile.Profile, created bool, err error)
	DeleteProfile(ctx context.Context, name string) (auth.RevokeResult, error)
}

// Moved says what became of an entry. One with an Error is as it was.
type Moved struct {
	Client   string   `json:"client"`
	File     string   `json:"file"`
	Entry    string   `json:"entry"`
	Keys     []string `json:"keys,omitempty"` // "VARIABLE → profile"
	Backup   string   `json:"backup,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	Error    string   `json:"error,omitempty"`
	Hint     string   `json:"hint,omitempty"`
}

func (m *Moved) failed(err error) { m.Error, m.Hint = err.Error(), hint.Of(err) }

// Move puts what it can of the findings into the vault, each value once, and has the
// entries start their servers through Stagedoor, which gives the values to them. An entry
// moves with all of its variables or not at all.
func Move(ctx context.Context, k Keeper, s setup.Service, found []Finding) (done []Moved) {
	for len(found) > 0 && ctx.Err() == nil {
		f := found[0]
		var mine []Finding
		found = slices.DeleteFunc(slices.Clone(found), func(other Finding) bool {
			same := other.Client == f.Client && other.File == f.File && other.Entry == f.Entry
			if same && other.Variable != "" {
				mine = append(mine, other)
			}
			return same
		})
		if len(mine) > 0 {
			done = append(done, move(ctx, k, s, mine))
		}
	}
	return done
}

func move(ctx context.Context, k Keeper, s setup.Service, found []Finding) Moved {
	f := found[0]
	m := Moved{Client: f.Client, File: f.File, Entry: f.Entry}
	r := setup.Request{Client: f.Client, Wrap: f.Entry, Bare: true}
	var created []string
	err := func() error {
		for _, f := range found {
			p, fresh, err := k.KeepKey(ctx, profileName(f), f.Value)
			if fresh {
				created = append(created, p.Name)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", f.Variable, err)
			}
			template := "{secret}"
			if r.Profile == "" {
				r.Profile = p.Name
			} else if p.Name != r.Profile {
				template = "{secret:" + p.Name + "}"
			}
			r.Env = append(r.Env, f.Variable+"="+template)
			r.Taken = append(r.Taken, f.Variable)
			m.Keys = append(m.Keys, f.Variable+" → "+p.Name)
		}
		plan, err := s.Plan(ctx, r)
		if err != nil {
			return err
		}
		if plan.Change.Path != f.File {
			return hint.New("the client reads another file now", "run scan again")
		}
		for _, v := range found { // what was looked at is what goes
			if plan.Change.Previous == nil || plan.Change.Previous.Env[v.Variable] != v.Value.Reveal() {
				return hint.New("the entry was changed meanwhile", "run scan again")
			}
		}
		m.Warnings = plan.Change.Warnings
		m.Backup, err = s.Apply(ctx, plan)
		return err
	}()
	if err != nil {
		m.failed(err)
		m.Keys = nil
		for _, name := range created { // nothing uses it, and the file still has the value
			_, _ = k.DeleteProfile(context.WithoutCancel(ctx), name)
		}
	}
	return m
}

var unnameable = text.Pattern(`[^a-z0-9]+`)

// profileName is a name after the server and the variable.
func profileName(f Finding) string {
	words := strings.ToLower(f.Entry + "-" + f.Variable)
	if strings.HasPrefix(strings.ToLower(f.Variable), strings.ToLower(f.Entry)) {
		words = strings.ToLower(f.Variable)
	}
	name := strings.Trim(unnameable().ReplaceAllString(words, "-"), "-")
	name = strings.TrimRight(name[:min(len(name), 60)], "-")
	if name == "" {
		return "key"
	}
	return name
}

var fromVault = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)=\{secret(:[^}]*)?\}$`)

// Undo puts entries back as they were before Move, with their secrets. The keys stay in the
// vault. Entries that were changed since, or that were never moved, stay as they are.
func Undo(ctx context.Context, s setup.Service) (done []Moved) {
	for _, e := range s.Configs.Servers() {
		names := movedVariables(e.Entry)
		if len(names) == 0 || ctx.Err() != nil {
			continue
		}
		m := Moved{Client: e.Client.ID, Entry: e.Name}
		plan, err := s.Plan(ctx, setup.Request{Client: e.Client.ID, Unwrap: e.Name})
		if err == nil {
			m.File = plan.Change.Path
			for _, name := range names {
				if plan.Change.Entry == nil || plan.Change.Entry.Env[name] == "" {
					err = hint.New("there is no copy of the entry as it was, or it was changed since",
						"stagedoor setup "+e.Client.ID+" --unwrap "+setup.Quote(e.Name)+" takes it out of Stagedoor's hands without its keys")
				}
			}
		}
		if err == nil {
			m.Backup, err = s.Apply(ctx, plan)
		}
		if err != nil {
			m.failed(err)
		}
		done = append(done, m)
	}
	return done
}

// movedVariables are the variables that an entry's server gets from the vault alone.
func movedVariables(e clients.Entry) (names []string) {
	flags, _ := e.Behind()
	for _, flag := range flags {
		if m := fromVault.FindStringSubmatch(flag); m != nil && e.IsOurs() {
			names = append(names, m[1])
		}
	}
	return names
}
