package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/text"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Served is what a server did for a client: how often its tools were called, and
// nothing of what they were asked or answered.
type Served struct {
	For    time.Duration // how long the server has run; of the last report only
	Calls  int           // since the report before; of the last report all
	Failed int           // of them
	Tools  map[string]int
}

// toolsShown is how many tools an event names.
const toolsShown = 20

// RecordServed notes what a server did; last says that it has ended.
func (k *Keeper) RecordServed(ctx context.Context, p profile.Profile, s Served, last bool) {
	data := map[string]any{"calls": s.Calls, "failed": s.Failed}
	names := slices.SortedFunc(maps.Keys(s.Tools), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.Tools[b], s.Tools[a]), strings.Compare(a, b))
	})
	var tools []string
	for _, name := range names[:min(len(names), toolsShown)] {
		tools = append(tools, fmt.Sprintf("%s %d", text.Line(name, 60), s.Tools[name]))
	}
	if len(tools) > 0 {
		data["tools"] = strings.Join(tools, ", ")
	}
	event := audit.ServerCalls
	if last {
		event = audit.ServerEnded
		data["seconds"] = int(s.For.Seconds())
	}
	k.record(ctx, p, event, audit.OK, data)
}

// Doubt asks the provider whether it knows a token which an API refused, and reports
// whether the token is dead: then another one is to be had, or a login needed. So it is
// of one that was refreshed away meanwhile. A provider that cannot be asked says nothing.
func (k *Keeper) Doubt(ctx context.Context, p profile.Profile, had Access) (dead bool) {
	ctx = about(ctx, p)
	a, err := account.Of(p)
	if err != nil {
		return false
	}
	set, err := k.tokens.Load(vault.WithWait(ctx, 0), p.ID)
	switch {
	case err != nil, a.Allows(set) != nil:
		return false
	case set.Access != had.Token, !set.Alive(k.now()): // another process was faster
		return true
	case a.IdentityURL() == "":
		return false
	}
	limited, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	var refused *oauth.Error
	if _, err = k.identify(limited, a, set, ""); !errors.As(err, &refused) || !refused.Dead {
		return false
	}
	dead, err = k.tokens.Distrust(ctx, k.grant(a), set.Access)
	if err != nil {
		k.log.WarnContext(ctx, "a token that the provider refuses is still in use", "error", err)
	}
	return dead
}

// RecordCallFailed notes that a tool call failed, with an HTTP status if one was seen
// (0 if not), and how many calls there were in the last five minutes.
func (k *Keeper) RecordCallFailed(ctx context.Context, p profile.Profile, status, calls int) {
	data := map[string]any{"calls": calls}
	if status != 0 {
		data["status"] = status
	}
	k.record(ctx, p, audit.APIError, audit.Failed, data)
}
