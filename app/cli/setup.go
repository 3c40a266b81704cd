package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/app/setup"
)

type setupOptions struct {
	setup.Request
	remove, print, json bool
}

func newSetup(env Env) *cobra.Command {
	o := setupOptions{}
	cmd := &cobra.Command{
		Use:   "setup [CLIENT] [-- COMMAND [ARGS…]]",
		Short: "Write the profile's server into Claude Desktop's config",
		Long: `Write an entry into an MCP client's config that starts the server through
Stagedoor. No token is written there. The rest of the file stays as it is, byte
by byte, and a copy of it is kept first.

Without --profile the entry follows the active profile, so that switching in the
tray is enough. With --profile it is pinned, and several accounts can be used
side by side. What was set up for a profile is remembered: name the command once.

CLIENT is claude-desktop (the default), claude-code, cursor, vscode, windsurf,
zed or gemini.`,
		Example: `  stagedoor setup
  stagedoor setup --profile work
  stagedoor setup --env API_TOKEN={access_token} -- npx -y some-mcp-server
  stagedoor setup cursor --print
  stagedoor setup --remove --name spotify`,
		RunE: func(cmd *cobra.Command, args []string) error {
			before := args
			if at := cmd.ArgsLenAtDash(); at >= 0 {
				before, o.Command = args[:at], args[at:]
			}
			if err := atMost(1)(cmd, before); err != nil {
				return err
			}
			o.Client = first(before)
			return with(cmd.Context(), env, func(k Keeper) error { return runSetup(cmd.Context(), env, k, o) })
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveDefault
			}
			var ids []string
			for _, c := range clients.All() {
				ids = append(ids, c.ID+"\t"+c.Name)
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Profile, "profile", "", "pin the entry to this profile")
	f.StringVar(&o.Entry, "name", "", "name of the entry; the provider's, or provider-profile, if left out")
	f.StringVar(&o.As, "as", "", "deliver what this known server reads")
	f.StringArrayVar(&o.Env, "env", nil, "set NAME=TEMPLATE for the server, e.g. API_TOKEN={access_token}; may be repeated")
	f.BoolVar(&o.remove, "remove", false, "remove the entry")
	f.BoolVar(&o.print, "print", false, "show what would change and change nothing")
	f.BoolVar(&o.json, "json", false, "print the result as JSON")
	completeProfileFlag(cmd, env)
	return cmd
}

// setupResult is the JSON shape of setup.
type setupResult struct {
	Client   string         `json:"client"`
	Path     string         `json:"path"`
	Entry    string         `json:"entry"`
	Action   clients.Action `json:"action"`
	Backup   string         `json:"backup,omitempty"`
	Warnings []string       `json:"warnings,omitempty"`
}

func runSetup(ctx context.Context, env Env, k Keeper, o setupOptions) error {
	service, err := env.Setup(k)
	if err != nil {
		return err
	}
	plan := service.Plan
	if o.remove {
		plan = service.PlanRemoval
	}
	for _, v := range o.Env {
		if _, err := launch.ParseVar(v); err != nil {
			return err
		}
	}
	p, err := plan(ctx, o.Request)
	if err != nil {
		return err
	}
	result := setupResult{Client: p.Client.ID, Path: p.Change.Path, Entry: p.Change.Name, Action: p.Change.Action, Warnings: p.Change.Warnings}
	for _, w := range p.Change.Warnings {
		_, _ = fmt.Fprintln(env.Err, "warning: "+w)
	}
	if o.print {
		if o.json {
			return writeJSON(env.Out, result)
		}
		if !p.Change.Writes() {
			_, err := fmt.Fprintf(env.Out, "nothing would change in %s\n", p.Change.Path)
			return err
		}
		_, err := fmt.Fprint(env.Out, p.Change.Diff())
		return err
	}
	if result.Backup, err = service.Apply(ctx, p); err != nil {
		return err
	}
	if o.json {
		return writeJSON(env.Out, result)
	}
	return describeSetup(env, p, result)
}

func describeSetup(env Env, p setup.Plan, r setupResult) error {
	switch r.Action {
	case clients.Unchanged:
		_, err := fmt.Fprintf(env.Out, "%s has the entry %q already\n", p.Client.Name, r.Entry)
		return err
	case clients.Absent:
		_, err := fmt.Fprintf(env.Out, "%s has no entry %q\n", p.Client.Name, r.Entry)
		return err
	case clients.Remove:
		_, _ = fmt.Fprintf(env.Out, "removed the entry %q from %s\n", r.Entry, r.Path)
	default:
		_, _ = fmt.Fprintf(env.Out, "wrote the entry %q to %s\n", r.Entry, r.Path)
	}
	if r.Backup != "" {
		_, _ = fmt.Fprintf(env.Out, "the former file is kept as %s\n", r.Backup)
	}
	_, err := fmt.Fprintln(env.Out, p.Client.Reload)
	return err
}
