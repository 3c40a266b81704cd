package launch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"

	"github.com/stagedoor-app/stagedoor/app/launch/proxy"
)

// LiveKeeper is what a server that is kept supplied needs of the Keeper.
type LiveKeeper interface {
	Fresh(ctx context.Context, p profile.Profile) (auth.Access, error)
	Holds(ctx context.Context, p profile.Profile, had auth.Access) (bool, error)
	RecordRefusal(ctx context.Context, p profile.Profile, purpose string, err error)
}

// Live is where a proxy's credentials come from: the profile that Find names at the
// moment.
type Live struct {
	Keeper LiveKeeper
	Find   func() (profile.Profile, error)
	// Environ is the server's environment with that token.
	Environ func(auth.Access) ([]string, error)

	mu  sync.Mutex
	had auth.Access // of the server that was started last
}

// Fresh returns what to start a server with.
func (l *Live) Fresh(ctx context.Context) (proxy.Credential, error) {
	p, err := l.Find()
	if err != nil {
		l.Keeper.RecordRefusal(ctx, p, "run", err)
		return proxy.Credential{}, sentence(err)
	}
	access, err := l.Keeper.Fresh(ctx, p)
	if err != nil {
		return proxy.Credential{}, sentence(err)
	}
	env, err := l.Environ(access)
	if err != nil {
		return proxy.Credential{}, sentence(err)
	}
	l.mu.Lock()
	l.had = access
	l.mu.Unlock()
	token := access.Token.Reveal()
	sum := sha256.Sum256([]byte(token))
	return proxy.Credential{
		Account: p.ID, Token: string(sum[:]), Env: env, Renews: access.Renews, Expires: access.Expires,
		Redact: func(words string) string { return strings.ReplaceAll(words, token, "[token]") },
	}, nil
}

// Current reports whether the server that was started with c may go on with it.
func (l *Live) Current(ctx context.Context, c proxy.Credential) (bool, error) {
	p, err := l.Find()
	if err != nil {
		return false, sentence(err)
	}
	if p.ID != c.Account {
		return false, nil
	}
	l.mu.Lock()
	had := l.had
	l.mu.Unlock()
	ok, err := l.Keeper.Holds(ctx, p, had)
	if err != nil {
		return false, sentence(err)
	}
	return ok, nil
}

// sentence is an error as the user of an MCP client reads it, with what to do.
func sentence(err error) error {
	words := fmt.Sprintf("Stagedoor has no token for this server: %v.", err)
	if advice := hint.Of(err); advice != "" {
		words += " To mend that, " + advice + "."
	}
	return errors.New(words)
}
