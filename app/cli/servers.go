package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

type serversOptions struct {
	id   string
	json bool
}

func newCmdServers(f *Factory, runF func(*serversOptions) error) *cobra.Command {
	o := &serversOptions{}
	cmd := &cobra.Command{
		Use:   "servers [ID]",
		Short: "List the MCP servers to set up, and what each still needs",
		Long: `List the MCP servers that are known, and what is missing until each works: what
starts it, a profile, a login, an entry in an MCP client. With an ID the steps are
shown one by one, with what to type.

Any other server can be set up, too: see stagedoor setup.`,
		Example: `  stagedoor servers
  stagedoor servers github-mcp-server
  stagedoor servers --json`,
		Args:              atMost(1),
		ValidArgsFunction: completeFirst(f.recipes),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.id = first(args)
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return serversRun(ctx, f, k, o) })
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print as JSON")
	return cmd
}

type serversKeeper interface {
	setup.Keeper
	stateKeeper
}

func serversRun(ctx context.Context, f *Factory, k serversKeeper, o *serversOptions) error {
	known, wrong := f.allRecipes()
	for _, err := range wrong {
		f.warn(err.Error(), hint.Of(err))
	}
	if o.id != "" {
		r, err := f.recipe(o.id)
		if err != nil {
			return err
		}
		known = []launch.Recipe{r}
	}
	state, err := k.State(ctx)
	if err != nil {
		return err
	}
	f.warn(state.VaultProblem, state.VaultHint)
	service, err := f.Setup(k)
	if err != nil {
		return err
	}
	all := service.Catalogue(known, state)
	if o.id == "" {
		return list(f, o.json, all, "servers", []string{"ID", "SERVER", "LOGIN", "PROFILES", "NEXT", "ENTRIES"}, func(c setup.Choice) []string {
			next := c.Missing().Step
			if next == "" {
				next = "works"
			}
			return []string{c.ID, c.Name, strings.Join(c.Provider, ", "), strings.Join(c.Profiles, ", "), next, strings.Join(c.Entries, ", ")}
		})
	}
	if o.json {
		return f.json(all[0])
	}
	return f.describeServer(all[0])
}

func (f *Factory) describeServer(c setup.Choice) error {
	err := list(f, false, c.Steps, "", []string{"STEP", "", "COMMAND", "NOTE"}, func(s setup.Step) []string {
		return []string{s.Step, map[bool]string{true: "done", false: "to do"}[s.Done], s.Command, s.Hint}
	})
	if c.Recipe.Note != "" {
		f.printf("\n%s\n", printable(c.Recipe.Note))
	}
	if len(c.Entries) > 0 {
		f.printf("\nIt is set up in %s.\n", printable(strings.Join(c.Entries, ", ")))
	}
	return err
}
