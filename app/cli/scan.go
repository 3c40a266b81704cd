package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/scan"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

type scanOptions struct{ move, undo, yes, json bool }

func newCmdScan(f *Factory, runF func(*scanOptions) error) *cobra.Command {
	o := &scanOptions{}
	cmd := &cobra.Command{
		Use:   "scan",
		Short: "Find secrets in plain text in MCP clients' files",
		Long: `Look for tokens, API keys and passwords that stand in plain text in the files of all
known MCP clients, in Stagedoor's copies of them, and in .env files beside the servers
that they start. They are known by how a service's tokens begin, and by the names of
variables, headers and arguments. No value is printed. References such as ${TOKEN},
placeholders and entries that start through Stagedoor are left alone.

The exit status is 5 if there are any, so that a script can tell.

--move puts those of the entries' env into the vault, each value once, as profiles that
are API keys, and has the entries start their servers through Stagedoor, which gives the
values to them. The plan is shown, and you are asked; without a terminal it needs --yes.
--undo puts the entries back as they were, from encrypted copies; the keys stay in the
vault, and stagedoor delete-profile removes one.`,
		Example: `  stagedoor scan
  stagedoor scan --json
  stagedoor scan --move
  stagedoor scan --undo`,
		Args: atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.move && o.undo {
				return usage("say one of the two", "--move and --undo exclude each other")
			}
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return scanRun(ctx, f, k, o) })
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.move, "move", false, "move what can be moved into the vault")
	flags.BoolVar(&o.undo, "undo", false, "put back the entries that --move changed, with their secrets")
	flags.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	flags.BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

type scanKeeper interface {
	setup.Keeper
	scan.Keeper
}

func scanRun(ctx context.Context, f *Factory, k scanKeeper, o *scanOptions) error {
	service, err := f.Setup(k)
	if err != nil {
		return err
	}
	if o.undo {
		if !o.yes && f.ReadPassword != nil && !f.ask("Put the secrets back into the clients' files?") {
			return hint.New("nothing was changed", "answer y to do it, or say --yes")
		}
		return f.moved(ctx, o, service, scan.Undo(ctx, service), "is as it was before, with its secrets")
	}
	found, wrong := scan.Files(service.Configs)
	for _, err := range wrong {
		f.warn(err.Error(), hint.Of(err))
	}
	can := 0
	for _, x := range found {
		if x.Variable != "" {
			can++
		}
	}
	switch {
	case !o.json || o.move && !o.yes:
		f.found(found, o.json)
	case !o.move:
		err = f.json(append([]scan.Finding{}, found...))
	}
	switch {
	case err != nil, len(found) == 0:
		return err
	case !o.move:
		if can > 0 && !o.json {
			f.printf("%d of %s can move into the vault: stagedoor scan --move\n", can, count(len(found), "secret"))
		}
		return attention{}
	case can == 0:
		return hint.New("none of them can be moved", "see what is said about each")
	case !o.yes && f.ReadPassword == nil:
		return usage("look at what is found, then say --yes", "nobody is there to be asked")
	case !o.yes && !f.ask(fmt.Sprintf("Move %s into the vault?", count(can, "secret"))):
		return cmp.Or(ctx.Err(), hint.New("nothing was changed", "answer y to do it, or say --yes"))
	}
	err = f.moved(ctx, o, service, scan.Move(ctx, k, service, found), "starts its server through Stagedoor now: stagedoor scan --undo puts it back")
	if err == nil && can < len(found) {
		err = attention{}
	}
	return err
}

// found lists findings, those of a file together.
func (f *Factory) found(found []scan.Finding, aside bool) {
	say := f.printf
	if aside {
		say = f.notef
	}
	if len(found) == 0 {
		say("There are no secrets in plain text that are known as such.\n")
	}
	file := ""
	for _, x := range found {
		if x.File != file {
			file = x.File
			say("%s\n", file)
		}
		say("  %s: %s: %s (%s)\n    %s\n", x.Entry, x.Place, x.Masked, x.What, x.Next)
	}
}

// moved says what became of entries.
func (f *Factory) moved(ctx context.Context, o *scanOptions, service setup.Service, done []scan.Moved, well string) (err error) {
	if o.json {
		err = f.json(append([]scan.Moved{}, done...))
	} else if len(done) == 0 {
		f.printf("There is nothing to put back.\n")
	}
	failed := false
	var next []string
	for _, m := range done {
		if m.Error != "" {
			failed = true
		}
		if o.json {
			continue
		}
		for _, w := range m.Warnings {
			f.notef("warning: %s\n", w)
		}
		if m.Error != "" {
			f.warn(fmt.Sprintf("%s: the entry %q is left as it is: %s", m.Client, m.Entry, m.Error), m.Hint)
			continue
		}
		f.printf("%s: the entry %q %s\n", m.Client, m.Entry, well)
		for _, key := range m.Keys {
			f.printf("  %s\n", key)
		}
		client, err := clients.Lookup(m.Client)
		if words := service.Next(ctx, client); err == nil && !slices.Contains(next, words) {
			next = append(next, words)
		}
	}
	if len(next) > 0 {
		f.printf("next: %s\n", strings.Join(next, " · "))
	}
	if failed && err == nil {
		err = hint.New("not all entries were changed", "what is said above of each helps")
	}
	return err
}
