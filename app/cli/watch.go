package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

type watchOptions struct{ once, json bool }

func newCmdWatch(f *Factory, runF func(*watchOptions) error) *cobra.Command {
	o := &watchOptions{}
	cmd := &cobra.Command{
		Use:   "watch [--once]",
		Short: "Do what the tray does all day, without one",
		Long: `Look after the accounts where no tray runs: ask again for revocations that no
provider has confirmed, look at the ends of logins and client secrets, remove
events that are no longer kept, verify what came to the audit log, write new
alerts down and show them where there is a desktop.

With --once it does so once and says what is open; the exit status is 5 if
anything is. That is for a timer: packaging/watch has them for systemd, launchd
and cron. Without it, it goes on until it is ended. Nobody is asked to unlock the
keychain.`,
		Example: "  stagedoor watch --once\n  stagedoor watch --once --json\n  stagedoor watch",
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.json && !o.once {
				return usage("add --once", "--json is what one look came to")
			}
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return watchRun(ctx, f, k, o) })
		},
	}
	cmd.Flags().BoolVar(&o.once, "once", false, "look once, and end")
	cmd.Flags().BoolVar(&o.json, "json", false, "with --once, print what it came to as JSON")
	return cmd
}

const (
	// watchEvery is how often what no file tells of is looked at.
	watchEvery = time.Hour
	// watchAfter is how long changes are let come together, from the first one on:
	// who goes on changing something holds nothing up.
	watchAfter = 2 * time.Second
)

type changeKeeper interface {
	Watch(ctx context.Context) (<-chan struct{}, error)
}

func watchRun(ctx context.Context, f *Factory, k *auth.Keeper, o *watchOptions) error {
	if o.once {
		return watchOnce(ctx, f, k, o)
	}
	return watchOn(ctx, f, k, func(ctx context.Context) error {
		w, err := f.Watch(ctx, k)
		f.tell(w.Raised)
		return err
	})
}

// watchOnce prints what one look came to.
func watchOnce(ctx context.Context, f *Factory, k *auth.Keeper, o *watchOptions) error {
	w, err := f.Watch(ctx, k)
	if err != nil {
		return err
	}
	if o.json {
		err = f.json(w)
	} else {
		if w.Report.OK {
			f.printf("the audit log verifies\n")
		}
		f.tell(w.Open)
		for _, r := range w.Revocations {
			f.printf("%s\n", r.Words())
		}
		if len(w.Open)+len(w.Revocations) == 0 {
			f.printf("nothing is open\n")
		}
	}
	if err == nil && (len(w.Open)+len(w.Revocations) > 0 || !w.Report.OK) {
		err = hint.Wrap(attention{"something is open"}, "look at it: stagedoor alerts")
	}
	return err
}

func (f *Factory) tell(alerts []alert.Alert) {
	for _, a := range alerts {
		f.printf("%s %s %s\n", a.Severity, a.ID, a.Message)
	}
}

// watchOn looks now, after each change, and every hour, until ctx ends, which is no
// error.
func watchOn(ctx context.Context, f *Factory, k changeKeeper, look func(context.Context) error) error {
	end, err := f.OnlyWatch()
	if err != nil {
		return err
	}
	defer end()
	changes, err := k.Watch(ctx)
	if err != nil {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for changed := false; ; {
		select {
		case <-ctx.Done():
			return nil
		case _, more := <-changes:
			switch {
			case !more: // it ended by itself; there is every hour still
				changes = nil
			case !changed:
				changed = true
				timer.Reset(watchAfter)
			}
			continue
		case <-timer.C:
			changed = false
		}
		if err := look(ctx); err != nil && !errors.Is(err, context.Canceled) {
			f.warn(err.Error(), hint.Of(err))
		}
		timer.Reset(watchEvery)
	}
}
