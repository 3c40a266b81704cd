package cli

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

type recipesOptions struct {
	id   string
	json bool
}

func newCmdRecipes(f *Factory, runF func(*recipesOptions) error) *cobra.Command {
	o := &recipesOptions{}
	cmd := &cobra.Command{
		Use:   "recipes [ID]",
		Short: "List the MCP servers that are known, and what they read",
		Long: `List the MCP servers that are known, and what each reads of a login. With an ID one
is shown in full. "run" and "setup" recognise these servers by their command; --as
names one where they do not.

A server that is not among them can have a file recipes/ID.json in the state folder,
like what --json prints, without command and match. Other programs may be able to
write there, so such a recipe is used only by the name with a digest that is shown
here, ID@DIGEST, and no more once it is changed.`,
		Example: `  stagedoor recipes
  stagedoor recipes server-github
  stagedoor recipes tidal-mcp --json`,
		Args:              atMost(1),
		ValidArgsFunction: completeFirst(f.recipes),
		RunE: func(_ *cobra.Command, args []string) error {
			if o.id = first(args); runF != nil {
				return runF(o)
			}
			return recipesRun(f, o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print as JSON")
	return cmd
}

func recipesRun(f *Factory, o *recipesOptions) error {
	all, wrong := f.allRecipes()
	if o.id == "" {
		for _, err := range wrong {
			f.warn(err.Error(), hint.Of(err))
		}
		return list(f, o.json, all, "recipes", []string{"ID", "SERVER", "LOGIN", "READS"}, func(r launch.Recipe) []string {
			return []string{r.ID, r.Name, loginOf(r), reads(r)}
		})
	}
	i := slices.IndexFunc(all, func(r launch.Recipe) bool {
		id, _, _ := strings.Cut(r.ID, "@")
		return r.ID == o.id || id == o.id
	})
	if i < 0 {
		_, err := f.recipe(o.id)
		return err
	}
	r := all[i]
	if o.json {
		return f.json(r)
	}
	rows := [][]string{{"login of", loginOf(r)}}
	add := func(what string, values ...string) {
		for _, v := range values {
			if v != "" {
				rows = append(rows, []string{what, v})
			}
		}
	}
	for _, v := range r.Env {
		add("variable", v.Name+"="+v.Template)
	}
	for _, file := range r.Files {
		add("file", file.Path+"="+file.Template)
	}
	if r.InRunDir {
		add("starts in", "{run_dir}")
	}
	add("command", strings.Join(r.Command, " "))
	add("known by", r.Match...)
	add("note", r.Note)
	add("source", r.Source)
	return list(f, false, rows, "", []string{r.ID, r.Name}, func(row []string) []string { return row })
}

// loginOf says whose login a server takes.
func loginOf(r launch.Recipe) string { return cmp.Or(r.Provider, strings.Join(r.Hosts, ", "), "any") }

// reads names what carries the token.
func reads(r launch.Recipe) string {
	var names []string
	for _, v := range r.Env {
		if strings.Contains(v.Template, "{access_token}") {
			names = append(names, v.Name)
		}
	}
	for _, file := range r.Files {
		names = append(names, file.Path)
	}
	return strings.Join(names, ", ")
}

// allRecipes are the built-in ones and the user's, and what is wrong with these.
func (f *Factory) allRecipes() ([]launch.Recipe, []error) {
	dir, err := f.Folder("recipes")
	if err != nil {
		return launch.Recipes(), []error{err}
	}
	own, wrong := launch.OwnRecipes(dir)
	return append(launch.Recipes(), own...), wrong
}

// recipe is what --as names.
func (f *Factory) recipe(id string) (launch.Recipe, error) {
	dir, err := f.Folder("recipes")
	if err != nil {
		return launch.Recipe{}, err
	}
	return launch.LookupRecipe(dir, id)
}

// recipes are the ids for completion, with the names for people.
func (f *Factory) recipes() (ids []string) {
	all, _ := f.allRecipes()
	for _, r := range all {
		ids = append(ids, r.ID+"\t"+printable(r.Name))
	}
	return ids
}
