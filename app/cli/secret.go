package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

func newCmdSecret(f *Factory) *cobra.Command {
	return newGroup("secret", "Replace the client secret of a profile", newCmdSecretSet(f, nil), newCmdSecretRotate(f, nil))
}

type secretOptions struct {
	profile string
	ends    string // a day
	// rotate
	command string
	every   int // days; 0: as before, less: never
}

func newCmdSecretSet(f *Factory, runF func(*secretOptions) error) *cobra.Command {
	o := &secretOptions{}
	cmd := &cobra.Command{
		Use:   "set PROFILE",
		Short: "Store a new client secret; the login stays",
		Long: `Store a new client secret or API key for a profile, in place of the one it has. It is asked
for, or read from standard input if that is no terminal, and never taken from the
command line. The login stays: the next refresh shows the new secret. What is old
for 90 days, or reaches the end that you give, is an alert from 15 days before.`,
		Example:           "  stagedoor secret set work --secret-expires 2027-03-31\n  pass show corp | stagedoor secret set work",
		Args:              exactly("PROFILE"),
		ValidArgsFunction: completeFirst(f.Names),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.profile = args[0]
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return secretRun(ctx, f, k, o, false) })
		},
	}
	addSecretExpires(cmd, &o.ends)
	return cmd
}

func newCmdSecretRotate(f *Factory, runF func(*secretOptions) error) *cobra.Command {
	o := &secretOptions{}
	cmd := &cobra.Command{
		Use:   "rotate PROFILE [--command LINE [--every DAYS]]",
		Short: "Replace the client secret by one that works",
		Long: `Replace a profile's client secret by a new one, after one refresh has shown that
the provider takes it: if not, the old one stays. The new one is asked for, or
read from standard input, or is what the command prints.

With --every the tray, or stagedoor watch, runs the command again when the secret is
so many days old. The command is kept in the keychain, since settings can be changed
by whoever can write the state folder; while it runs, the list of processes shows it
to others. --every -1 alone ends that, and the secret stays.

If the provider cannot be reached, the new secret is kept in the keychain and tried
every hour.`,
		Example: `  stagedoor secret rotate work
  stagedoor secret rotate work --command 'vault kv get -field=secret kv/spotify' --every 60`,
		Args:              exactly("PROFILE"),
		ValidArgsFunction: completeFirst(f.Names),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.profile = args[0]
			switch {
			case cmd.Flags().Changed("command") && o.command == "":
				return usage("give the line, or leave --command out to type the secret", "--command is empty")
			case o.every > 0 && o.command == "":
				return usage("say which command prints it: --command LINE", "nobody is there to type a secret every %d days", o.every)
			case o.every < -1, o.every > maxEvery:
				return usage(fmt.Sprintf("give 1 to %d days, or -1 for never again", maxEvery), "%d days is not possible", o.every)
			}
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error { return secretRun(ctx, f, k, o, true) })
		},
	}
	cmd.Flags().StringVar(&o.command, "command", "", "a line for the shell, which prints the new secret")
	cmd.Flags().IntVar(&o.every, "every", 0, "have the tray or watch do it again when the secret is so many days old; -1 for never again")
	addSecretExpires(cmd, &o.ends)
	return cmd
}

const (
	maxEvery = 3650 // days
	// secretExpires is a flag of those commands that take a secret.
	secretExpires = "secret-expires"
)

func addSecretExpires(cmd *cobra.Command, day *string) {
	cmd.Flags().StringVar(day, secretExpires, "", "the day on which the provider ends the secret, such as 2027-03-31")
}

// expiry reads a day; "" is none.
func expiry(day string) (time.Time, error) {
	if day == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		err = usage("write it as 2027-03-31", "%q is no day", day)
	}
	return t, err
}

type secretKeeper interface {
	Profile(name string) (profile.Profile, error)
	SetClientSecret(ctx context.Context, name string, n auth.NewSecret) (auth.StoredSecret, error)
}

func secretRun(ctx context.Context, f *Factory, k secretKeeper, o *secretOptions, try bool) error {
	p, err := k.Profile(o.profile) // before anything is typed
	if err != nil {
		return err
	}
	key, what := p.Provider == provider.APIKey, "client secret"
	if key {
		what = "API key"
	}
	n := auth.NewSecret{Try: try}
	if n.Ends, err = expiry(o.ends); err != nil {
		return err
	}
	if o.every != 0 {
		n.Renew = &auth.Renewal{}
		if o.every > 0 {
			n.Renew = &auth.Renewal{Command: o.command, Days: o.every}
		}
	}
	switch {
	case o.command != "":
		n.Value, err = f.Shell(ctx, o.command)
	case o.every >= 0:
		n.Value, err = f.secret(what, f.ReadPassword != nil)
	}
	if err != nil {
		return err
	}
	done, err := k.SetClientSecret(ctx, p.Name, n)
	if row, unknown := provider.Lookup(done.At); unknown == nil {
		done.At = row.Name
	}
	was, shown := "was stored", "it is shown to "+done.At+" and nobody else"
	if key {
		shown = "servers get it from now on"
	}
	switch {
	case done.Same:
		was = "is the one of before, and as old as it was"
	case p.HasSecret:
		was = "was replaced"
	}
	if err = f.done(err, "%s: the %s %s; %s\n", p.Name, what, was, shown); err != nil {
		return err
	}
	switch {
	case done.Same:
	case key && try:
		f.printf("nobody was asked whether it works; delete the old one where you got it\n")
	case done.Tried:
		f.printf("a refresh has shown that it works: the old one can be deleted at the provider\n")
	case try:
		f.printf("it could not be tried, since nobody is signed in: stagedoor login %s\n", p.Name)
	}
	switch {
	case o.every > 0:
		f.printf("the tray or stagedoor watch runs the command again when it is %d days old\n", o.every)
	case o.every < 0:
		f.printf("no command replaces it from now on\n")
	}
	return nil
}

// secret asks for a client secret or an API key, or reads all that standard input has:
// of several lines nobody can say which one is the secret. More than the Keeper takes
// is left for it to refuse.
func (f *Factory) secret(what string, ask bool) (secret.String, error) {
	if ask {
		value, err := f.ReadPassword(text.Sentence(what) + ": ")
		if err == nil && value.Empty() {
			err = usage("type or paste it at the question; a public client needs none", "no %s was typed", what)
		}
		return value, err
	}
	typed, err := io.ReadAll(io.LimitReader(f.In, 64<<10))
	if err != nil {
		return "", fmt.Errorf("read the %s: %w", what, err)
	}
	if len(bytes.TrimSpace(typed)) == 0 {
		return "", usage("pipe it in, alone on one line: pass show NAME | head -n 1 | stagedoor …", "standard input has no %s", what)
	}
	return secret.String(typed), nil
}
