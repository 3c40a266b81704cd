package cli

import (
	"runtime"

	"github.com/spf13/cobra"
)

type quitOptions struct{}

func newCmdQuit(f *Factory, runF func(*quitOptions) error) *cobra.Command {
	return &cobra.Command{
		Use:   "quit",
		Short: "Close the tray and all windows",
		Long: `Close the tray and all windows of it, as Quit in its menu does, and wait until it has
gone. Servers that clients started go on.`,
		Example: "  stagedoor quit",
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(&quitOptions{})
			}
			ran, err := f.Quit(cmd.Context())
			if ran {
				return f.done(err, "the tray is closed\n")
			}
			return f.done(err, "no tray runs\n")
		},
	}
}

// newCmdUserPath is for the installer: what it can hold of a PATH is shorter than some are.
func newCmdUserPath(f *Factory) *cobra.Command {
	return &cobra.Command{
		Use: "user-path on|off", Short: "Have this program's folder in your PATH, for the installer on Windows",
		Example: "  stagedoor user-path on",
		Hidden:  true, Args: exactly("on|off"), ValidArgs: []string{"on", "off"},
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case args[0] != "on" && args[0] != "off":
				return usage("say on or off", "user-path: unexpected %q", args[0])
			case f.OnPath == nil:
				return usage("a package for "+runtime.GOOS+" needs no such thing", "user-path is for the installer on Windows")
			}
			return f.OnPath(args[0] == "on")
		},
	}
}
