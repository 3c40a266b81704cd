package cli

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/app/launch/proxy"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

type serveKeeper interface {
	launchKeeper
	WatchLogins(ctx context.Context) (<-chan struct{}, error)
	RecordLaunch(ctx context.Context, p profile.Profile, program string)
	RecordServed(ctx context.Context, p profile.Profile, s auth.Served, last bool)
	RecordCallFailed(ctx context.Context, p profile.Profile, status, calls int)
}

// serve stands between an MCP client and the server, and keeps it supplied.
func serve(ctx context.Context, f *Factory, k serveKeeper, o *runOptions, recipe launch.Recipe, program string, in io.Reader) error {
	ctx, end := f.Serving(ctx)
	defer end()
	live := o.live(f, recipe, program)
	defer live.Close()
	live.Keeper, live.Named = k, k.Profile
	live.Find = func() (profile.Profile, error) {
		p, err := o.find(k, recipe)
		if id := live.Profile("").ID; id != "" && errors.Is(err, profile.ErrNotFound) {
			if past, unknown := k.ProfilesCalled(ctx, id); unknown == nil && len(past) == 1 && past[0].Exists { // under another name
				renamed := *o
				renamed.profile = past[0].Name
				return renamed.find(k, recipe)
			}
		}
		return p, o.whereTo(ctx, k, err)
	}
	changes, err := k.WatchLogins(ctx)
	if err != nil {
		f.warn("a switch of the profile will not be noticed while the server runs: "+err.Error(), "")
	}
	command, err := launch.Command(program, recipe.Command[1:], f.Err)
	if err != nil {
		return err
	}
	name := filepath.Base(program)
	after := context.WithoutCancel(ctx) // what is written at the end
	status, err := proxy.Run(ctx, proxy.Params{
		In: in, Out: f.Out, Err: f.Err, Source: live, Changes: changes, Now: f.Now, Version: f.Version,
		Start: command.Start,
		Supplied: func(c proxy.Credential, first bool) {
			if p := live.Profile(c.Account); first {
				k.RecordLaunch(after, p, name)
			} else {
				k.RecordHandOut(after, p)
			}
		},
		Failed: func(c proxy.Credential, status, calls int) bool {
			k.RecordCallFailed(after, live.Profile(c.Account), status, calls)
			return status == http.StatusUnauthorized && live.Doubt(after, c)
		},
		Report: func(t proxy.Tally, ran time.Duration, final bool) {
			k.RecordServed(after, live.Profile(""), auth.Served{For: ran, Calls: t.Calls, Failed: t.Failed, Tools: t.Tools}, final)
		},
	})
	return ended(status, err)
}
