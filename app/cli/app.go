package cli

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
)

func newWindow(env Env) *cobra.Command {
	return &cobra.Command{
		Use:       "window NAME",
		Short:     "Open a window",
		Long:      "Open one window in a process of its own, as the tray does: " + strings.Join(env.Windows, ", ") + ".",
		Example:   "  stagedoor window audit",
		Args:      exactly("NAME"),
		ValidArgs: env.Windows,
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.Window(cmd.Context(), args[0])
		},
	}
}

func newDemo(env Env) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Try everything without an account",
		Long: `Start the app on a throwaway folder with an authorization server of its own on
the loopback interface. Your keychain, your profiles and Claude Desktop's config
are not touched.`,
		Example: "  stagedoor demo",
		Args:    atMost(0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return env.Demo(cmd.Context(), env.Out) },
	}
}

func newVersion(env Env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Show the version",
		Example: "  stagedoor version",
		Args:    atMost(0),
		RunE: func(*cobra.Command, []string) error {
			windows := strings.Join(env.Windows, ", ")
			if asJSON {
				return writeJSON(env.Out, map[string]any{
					"version": env.Version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH, "windows": append([]string{}, env.Windows...),
				})
			}
			if windows == "" {
				windows = "none (lean build)"
			}
			_, err := fmt.Fprintf(env.Out, "stagedoor %s (%s, %s/%s), windows: %s\n", env.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH, windows)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// childExit carries a child's exit status out of a command that could not
// become the child.
type childExit int

func (c childExit) Error() string { return fmt.Sprintf("exit status %d", int(c)) }
