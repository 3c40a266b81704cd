package profiles

import (
	"context"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

// Keeper is what the window needs of auth.Keeper. Its methods take a profile's
// name, may block and are safe for concurrent use.
type Keeper interface {
	// Watch signals each change that any process made, until ctx ends.
	Watch(ctx context.Context) (<-chan struct{}, error)
	// State returns all profiles and open alerts.
	State(ctx context.Context) (auth.State, error)
	CreateProfile(ctx context.Context, p auth.NewProfile) (profile.Profile, error)
	Providers() ([]provider.Provider, []error)
	Use(ctx context.Context, name string) error
	Login(ctx context.Context, name string, o auth.LoginOptions) (auth.LoginResult, error)
	Revoke(ctx context.Context, name string) (auth.RevokeResult, error)
	Rename(ctx context.Context, from, to string) error
	// DeleteProfile revokes what the profile holds and then forgets it.
	DeleteProfile(ctx context.Context, name string) (auth.RevokeResult, error)
	// AcceptIdentity lets servers have the tokens of a login whose account or
	// scopes changed; it says in words what was accepted.
	AcceptIdentity(ctx context.Context, name string) (string, error)
	// KeepUntilLogout has the tokens forgotten at logout, or no longer.
	KeepUntilLogout(ctx context.Context, name string, on bool) error
}

// Entries are those of MCP clients, as setup.Service has them. Its methods may block.
type Entries interface {
	// Pinned are the entries that start their server with a profile, by its name.
	Pinned(profile string) []clients.Server
	// Repin has such an entry use the profile's new name, or removes it if that is "".
	Repin(ctx context.Context, p profile.Profile, e clients.Server, to string) error
}
