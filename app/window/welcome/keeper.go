package welcome

import (
	"context"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

// Keeper is what the window needs of auth.Keeper. Its methods take a profile's
// name, may block and are safe for concurrent use.
type Keeper interface {
	// State tells which names are taken.
	State(ctx context.Context) (auth.State, error)
	CreateProfile(ctx context.Context, p auth.NewProfile) (profile.Profile, error)
	Providers() ([]provider.Provider, []error)
	Use(ctx context.Context, name string) error
	Login(ctx context.Context, name string, o auth.LoginOptions) (auth.LoginResult, error)
}
