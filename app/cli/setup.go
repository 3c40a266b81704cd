package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/importer"
)

type setupOptions struct {
	setup.Request
	print, json, yes, noCheck, undo bool

	bundle, noOpen bool
	output         string // of the bundle
}

func newCmdSetup(f *Factory, runF func(*setupOptions) error) *cobra.Command {
	o := &setupOptions{}
	cmd := &cobra.Command{
		Use:   "setup [CLIENT] [-- COMMAND [ARGS…]]",
		Short: "Write the profile's server into Claude Desktop's config",
		Long: `Write an entry into an MCP client's config that starts the server through
Stagedoor. No token is written there. The rest of the file stays as it is, byte
by byte, and a copy of it is kept first.

Without --profile the entry follows the active profile, so that switching in the
tray is enough. With --profile it is pinned, and several accounts can be used
side by side. What was set up for a profile is remembered: name the command once.

An entry of that name that starts its server without Stagedoor is put behind it as
it is: the same program, arguments and env, and the profile that the server's own
--profile names. --wrap does that for an entry of any name. Secrets in its env that
the server gets from Stagedoor are moved into the keychain if you agree; elsewhere
--yes does. --unwrap puts the entry back as it was, with its secrets.

An entry that starts another server is replaced only after a question, or with
--force. Proxy and CA variables of your shell (HTTPS_PROXY, SSL_CERT_FILE, …) go into
the entry's env, since clients do not pass them on: --no-environment leaves them out.

Then the entry's command is started once, as the client will start it, and you see
how many tools the server has, or why it does not start. --no-check leaves that out.

--project DIR writes into the file of a project instead, .mcp.json of Claude Code or
.vscode/mcp.json of VS Code, which others may get with its repository. Such an entry
starts stagedoor and the server by name, has relative paths, follows the active profile
of whoever uses it, and has no variable of your shell. What it has of yours all the
same, as a --profile, is said.

--bundle makes an MCP bundle (.mcpb) instead, which Claude Desktop for macOS and Windows
installs by a click and keeps when it resets its file. It has no secret, and starts the
server through Stagedoor as an entry does. It is tried, written to --output, and opened.

--undo takes back what Stagedoor changed last in a client's file, in that of CLIENT or
in the one that it changed last. What others changed since stays; if that is the entry
itself, nothing is taken back without --force. stagedoor backups has what is older.

CLIENT is claude-desktop (the default), claude-code, cursor, vscode, windsurf, zed,
gemini, codex, vscode-insiders, cline, roo, lm-studio or goose.`,
		Example: `  stagedoor setup
  stagedoor setup --profile work
  stagedoor setup --env API_TOKEN={access_token} -- npx -y some-mcp-server
  stagedoor setup cursor --print
  stagedoor setup --wrap spotify-work
  stagedoor setup claude-code --project . -- npx -y some-mcp-server
  stagedoor setup --bundle --profile work
  stagedoor setup --remove --name spotify
  stagedoor setup --undo`,
		RunE: func(cmd *cobra.Command, args []string) error {
			before := args
			if at := cmd.ArgsLenAtDash(); at >= 0 {
				before, o.Command = args[:at], args[at:]
			}
			if err := atMost(1)(cmd, before); err != nil {
				return err
			}
			if named := first(before); named != "" && o.Client != "" {
				return usage("leave one of them out", "--client and CLIENT both name a client")
			} else if named != "" {
				o.Client = named
			}
			if !o.bundle && (o.output != "" || o.noOpen) {
				return usage("say --bundle, too", "--output and --no-open are for a bundle")
			}
			if o.bundle && (o.undo || o.print || o.Remove || o.Wrap+o.Unwrap+o.Project != "" || o.Client != "" && o.Client != "claude-desktop") {
				return usage("a bundle is for Claude Desktop, and is made anew", "--bundle goes with --profile, --name, --as, --env, --file, --endpoint, a command, and its own flags")
			}
			if o.undo && (o.Command != nil || o.Wrap+o.Unwrap+o.Entry != "" || o.Remove) {
				return usage("stagedoor setup --undo takes the last change back, whatever it was", "--undo goes with CLIENT, --project, --force, --yes, --print and --json alone")
			}
			if n := len(slices.DeleteFunc([]string{o.Wrap, o.Unwrap, o.Entry}, func(s string) bool { return s == "" })); n > 1 || o.Remove && o.Wrap+o.Unwrap != "" {
				return usage("say one of --wrap, --unwrap, --remove and --name", "--wrap and --unwrap name the entry, and go alone")
			}
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error {
				if o.bundle {
					return setupBundleRun(ctx, f, k, o)
				}
				if o.undo {
					return setupUndoRun(ctx, f, k, o)
				}
				return setupRun(ctx, f, k, o)
			})
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return files(cmd, args, typed)
			}
			return clientIDs(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Client, "client", "", "the same as CLIENT")
	flags.StringVar(&o.Project, "project", "", "write into the file of the project in this folder")
	flags.StringVar(&o.Profile, "profile", "", "pin the entry to this profile")
	flags.StringVar(&o.Entry, "name", "", "name of the entry; the provider's, or provider-profile, if left out")
	flags.StringVar(&o.As, "as", "", "deliver what this known server reads")
	flags.StringArrayVar(&o.Env, "env", nil, "set NAME=TEMPLATE for the server, e.g. API_TOKEN={access_token}; may be repeated")
	flags.BoolVar(&o.Endpoint, "endpoint", false, "let the server ask for tokens at $STAGEDOOR_TOKEN_URL")
	flags.StringArrayVar(&o.Files, "file", nil, "write PATH=TEMPLATE for the server, in a folder that {run_dir} names; may be repeated")
	flags.BoolVar(&o.Remove, "remove", false, "remove the entry")
	flags.BoolVar(&o.Force, "force", false, "replace or remove an entry that is not Stagedoor's, or that starts another server; undo a change that somebody changed since")
	flags.BoolVar(&o.Bare, "no-environment", false, "write no proxy and CA variables of your shell into the entry")
	flags.StringVar(&o.Wrap, "wrap", "", "put this entry, which starts its server without Stagedoor, behind it")
	flags.StringVar(&o.Unwrap, "unwrap", "", "put this entry back as it was before --wrap")
	flags.BoolVar(&o.undo, "undo", false, "take back what Stagedoor changed last")
	flags.BoolVarP(&o.yes, "yes", "y", false, "do not ask: with --wrap, move secrets of the entry's env into the keychain; with --undo, take the change back")
	flags.BoolVar(&o.print, "print", false, "show what would change and change nothing")
	flags.BoolVar(&o.bundle, "bundle", false, "make a bundle for Claude Desktop instead of an entry")
	flags.StringVarP(&o.output, "output", "o", "", "the bundle's file; stagedoor-NAME.mcpb in this folder if it is not said")
	flags.BoolVar(&o.noOpen, "no-open", false, "do not open the bundle with Claude Desktop")
	_ = cmd.RegisterFlagCompletionFunc("output", files)
	flags.BoolVar(&o.noCheck, "no-check", false, "do not start the server to see whether it works")
	flags.BoolVar(&o.json, "json", false, "print the result as JSON")
	completeFlag(cmd, "client", clientIDs)
	_ = cmd.MarkFlagDirname("project")
	completeFlag(cmd, "profile", f.Names)
	completeFlag(cmd, "as", f.recipes)
	return cmd
}

// clientIDs are the MCP clients for completion, with the names for people.
func clientIDs() (ids []string) {
	for _, c := range clients.All() {
		ids = append(ids, c.ID+"\t"+c.Name)
	}
	return ids
}

// setupResult is the JSON shape of setup.
type setupResult struct {
	Client   string         `json:"client"`
	Project  string         `json:"project,omitempty"`
	Shared   bool           `json:"shared,omitempty"` // of a project, the entry has nothing of this computer or account
	Path     string         `json:"path"`
	Entry    string         `json:"entry"`
	Action   clients.Action `json:"action"`
	Backup   string         `json:"backup,omitempty"`
	Warnings []string       `json:"warnings,omitempty"`
	Check    *setup.Check   `json:"check,omitempty"`
}

type setupKeeper interface {
	setup.Keeper
	importKeeper
}

// takeSecrets moves what the server gets from us out of an entry's env. What is not
// moved stays there, and the plan says so.
func takeSecrets(ctx context.Context, f *Factory, k importKeeper, service setup.Service, o *setupOptions) error {
	r := o.Request
	found, err := service.Find(ctx, &r)
	if err != nil || len(found.Secrets) == 0 || o.print || !o.yes && f.ReadPassword == nil {
		return err
	}
	screen := *f
	screen.Out = f.Err
	report, err := found.Take(ctx, k, &o.Request, func(plan importer.Report) error {
		return f.confirm(ctx, o.yes, plan.Look, "Move these out of the entry?", func() {
			plan.DryRun = true
			describeImport(&screen, plan)
		})
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		f.notef("warning: the secrets stay in the entry: %s\n", err)
		return nil
	}
	describeImport(&screen, report)
	if o.Project != "" {
		f.notef("warning: if the file was committed, its history has the secrets: get new ones\n")
	}
	return nil
}

func setupRun(ctx context.Context, f *Factory, k setupKeeper, o *setupOptions) error {
	service, err := f.Setup(k)
	if err == nil && o.Wrap != "" {
		err = takeSecrets(ctx, f, k, service, o)
	}
	if err != nil {
		return err
	}
	p, err := service.Plan(ctx, o.Request)
	if err != nil {
		return err
	}
	result := setupResult{Client: p.Client.ID, Project: p.Client.Project, Shared: p.Shared, Path: p.Change.Path, Entry: p.Change.Name, Action: p.Change.Action, Warnings: p.Change.Warnings}
	if q := p.Replaces(); q != nil && !o.Force && !o.print {
		f.notef("%s\n", strings.ReplaceAll(q.Error(), "\n", "; "))
		if f.ReadPassword == nil || !f.ask("Replace it?") {
			return hint.New(fmt.Sprintf("the entry %q is left as it is", result.Entry), "--name NAME makes another one beside it, --force replaces it")
		}
	}
	for _, w := range p.Change.Warnings {
		f.notef("warning: %s\n", printable(w))
	}
	if !o.print {
		if result.Backup, err = service.Apply(ctx, p); err != nil {
			return err
		}
	}
	tried := func() error { return nil }
	if !o.print && !o.noCheck && p.Checkable() {
		tried = func() error {
			if f.Copy != nil { // somebody waits at a terminal
				f.notef("starting %s as %s will…\n", result.Entry, p.Client.Name)
			}
			c := service.Check(ctx, p)
			result.Check = &c
			return c.Err()
		}
	}
	switch {
	case o.json:
		unwell := tried()
		return cmp.Or(f.json(result), unwell)
	case o.print && p.Change.Writes():
		_, err := io.WriteString(f.Out, p.Change.Diff())
		return err
	case o.print:
		f.printf("nothing would change in %s\n", result.Path)
	case result.Action == clients.Unchanged:
		f.printf("%s has the entry %q already\n", p.Client.Name, result.Entry)
	case result.Action == clients.Absent:
		f.printf("%s has no entry %q\n", p.Client.Name, result.Entry)
	case result.Action == clients.Remove:
		f.printf("removed the entry %q from %s\n", result.Entry, result.Path)
	case o.Unwrap != "":
		f.printf("the entry %q starts its server without Stagedoor again\n", result.Entry)
	case p.Wrapped:
		f.printf("the entry %q starts its server through Stagedoor now: stagedoor setup %s --unwrap %s undoes it\n", result.Entry, setup.Named(p.Client), setup.Quote(result.Entry))
	default:
		f.printf("wrote the entry %q to %s\n", result.Entry, result.Path)
	}
	if result.Backup != "" {
		f.printf("the former file is kept as %s\n", result.Backup)
	}
	describeShared(f, p)
	unwell := tried()
	describeCheck(f, result.Check, p.Client)
	if !o.print && p.Change.Writes() {
		f.printf("%s\n", service.Next(ctx, p.Client))
		if again := p.Client.Restart(runtime.GOOS); again != "" {
			if began, _ := service.Began(ctx, p.Client); !began.IsZero() {
				f.printf("this does it: %s\n", again)
			}
		}
	}
	return unwell
}

// describeShared says what of an entry others get with a project.
func describeShared(f *Factory, p setup.Plan) {
	e := p.Change.Entry
	if p.Client.Project == "" || !p.Checkable() {
		return
	}
	words := append([]string{e.Command}, e.Args...)
	_, command := e.Behind()
	for i := len(words) - len(command) + 1; i < len(words); i++ {
		words[i] = clients.Scrub(words[i])
	}
	f.printf("others get with the project: %s\n", strings.Join(words, " "))
	if p.Shared {
		f.printf("it has no path, variable or profile of yours\n")
	}
	f.printf("they need stagedoor in their PATH, and a profile of %s\n", p.Profile.Service())
}

// describeCheck says what the server did; of one that does not start, what it wrote.
func describeCheck(f *Factory, c *setup.Check, client clients.Client) {
	switch {
	case c == nil:
	case c.OK || c.Untried:
		f.printf("%s\n", c.Words())
		if c.Slow {
			f.notef("warning: %s waits for %d s only\n", client.Name, int(client.Waits().Seconds()))
		}
	default:
		for _, line := range c.Output {
			f.notef("  %s\n", line)
		}
	}
}
