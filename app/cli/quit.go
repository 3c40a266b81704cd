package cli

import "github.com/spf13/cobra"

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
			return f.Quit(cmd.Context())
		},
	}
}
