package keepertest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// CreateProfile implements profiles.Keeper.
func (f *Fake) CreateProfile(_ context.Context, n auth.NewProfile) (profile.Profile, error) {
	if err := f.call("create %s", n.Name); err != nil {
		return profile.Profile{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.free(n.Name); err != nil {
		return profile.Profile{}, err
	}
	f.Created = append(f.Created, n)
	if f.Warning != "" {
		n.Warn(f.Warning)
	}
	f.Profiles = append(slices.Clone(f.Profiles), auth.ProfileView{ID: "id-" + n.Name, Name: n.Name, Status: auth.StatusNotConfigured})
	f.changed()
	return profile.Profile{ID: "id-" + n.Name, Name: n.Name}, nil
}

// Providers implements profiles.Keeper.
func (f *Fake) Providers() ([]provider.Provider, []error) { return provider.Offered(), nil }

// free says why a name cannot be given to a profile.
func (f *Fake) free(name string) error {
	if f.index(name) >= 0 {
		return fmt.Errorf("%w: %q", profile.ErrExists, name)
	}
	return profile.CheckName(name)
}

// Use implements profiles.Keeper.
func (f *Fake) Use(_ context.Context, name string) error {
	return f.change(name, func(used *auth.ProfileView) {
		for i := range f.Profiles {
			f.Profiles[i].Active = false
		}
		used.Active = true
		f.record(audit.ProfileUsed, used.ID)
	}, "use %s", name)
}

// record writes what was done into the log.
func (f *Fake) record(event, id string) {
	e := audit.Event{Seq: 1, Time: Now, Name: event, Profile: id, Outcome: audit.OK}
	if n := len(f.Log); n > 0 {
		e.Seq, e.Time = f.Log[n-1].Seq+1, f.Log[n-1].Time
	}
	f.Log = append(f.Log, e)
}

// Login implements profiles.Keeper.
func (f *Fake) Login(ctx context.Context, name string, o auth.LoginOptions) (auth.LoginResult, error) {
	if f.OpenFails != nil {
		o.OnOpenFailed(f.OpenFails)
	}
	if f.OnLogin != nil {
		_ = f.call("login %s", name)
		return f.OnLogin(ctx)
	}
	f.mu.Lock()
	known := f.index(name) >= 0
	f.mu.Unlock()
	if known && o.OnURL != nil {
		o.OnURL("https://login.example/authorize")
	}
	err := f.change(name, func(p *auth.ProfileView) {
		if ctx.Err() == nil {
			p.Status = auth.StatusActive
		}
	}, "login %s", name)
	if err == nil && ctx.Err() != nil {
		err = oauth.ErrCancelled
	}
	if err != nil {
		return auth.LoginResult{}, err
	}
	r := f.LoginResult
	r.Profile = name
	return r, nil
}

// Revoke implements profiles.Keeper.
func (f *Fake) Revoke(ctx context.Context, name string) (r auth.RevokeResult, err error) {
	if f.OnRevoke != nil {
		return f.OnRevoke(ctx)
	}
	err = f.change(name, func(p *auth.ProfileView) { r = f.revoked(p) }, "revoke %s", name)
	return r, err
}

func (f *Fake) revoked(p *auth.ProfileView) auth.RevokeResult {
	r := f.RevokeResult
	switch {
	case r.Remote != "":
	case p.Status == auth.StatusNotConfigured:
		r = auth.RevokeResult{Remote: token.NothingHeld, Title: "nothing to revoke", Message: "there was nothing to revoke"}
	default:
		r = auth.RevokeResult{Remote: token.Revoked, Title: "revoked", Message: "revoked at the provider and removed here"}
	}
	r.Profile, p.Status = p.Name, auth.StatusNotConfigured
	return r
}

// Rename implements profiles.Keeper.
func (f *Fake) Rename(_ context.Context, from, to string) (err error) {
	missing := f.change(from, func(p *auth.ProfileView) {
		if err = f.free(to); err == nil {
			p.Name = to
		}
	}, "rename %s %s", from, to)
	return errors.Join(missing, err)
}

// DeleteProfile implements profiles.Keeper.
func (f *Fake) DeleteProfile(_ context.Context, name string) (r auth.RevokeResult, err error) {
	err = f.change(name, func(p *auth.ProfileView) {
		r = f.revoked(p)
		f.Past = append(f.Past, auth.PastProfile{ID: p.ID, Name: name, Names: []string{name}})
		f.Profiles = slices.DeleteFunc(f.Profiles, func(p auth.ProfileView) bool { return p.Name == name })
	}, "delete %s", name)
	return r, err
}

// AcceptIdentity implements profiles.Keeper.
func (f *Fake) AcceptIdentity(_ context.Context, name string) (words string, err error) {
	err = f.change(name, func(p *auth.ProfileView) {
		words = p.Changed
		p.Changed, p.Blocked, p.CanAccept = "", "", false
	}, "accept %s", name)
	return words, err
}

// KeepUntilLogout implements profiles.Keeper.
func (f *Fake) KeepUntilLogout(_ context.Context, name string, on bool) error {
	if on && !f.CanForget {
		return vault.ErrNoMemory
	}
	return f.change(name, func(p *auth.ProfileView) {
		p.Vault = map[bool]string{true: "session", false: "keychain"}[on]
	}, "keep %s until logout %v", name, on)
}
