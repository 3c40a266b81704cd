package cli

import (
	"cmp"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
)

type windowOptions struct{ name string }

func newCmdWindow(f *Factory, runF func(*windowOptions) error) *cobra.Command {
	return &cobra.Command{
		Use:       "window NAME",
		Short:     "Open a window",
		Long:      "Open one window in a process of its own, as the tray does: " + strings.Join(f.Windows, ", ") + ".",
		Example:   "  stagedoor window audit",
		Args:      exactly("NAME"),
		ValidArgs: f.Windows,
		RunE: func(cmd *cobra.Command, args []string) error {
			if runF != nil {
				return runF(&windowOptions{args[0]})
			}
			return f.Window(cmd.Context(), args[0])
		},
	}
}

func newCmdDemo(f *Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Try everything without an account",
		Long: `Start the app on a throwaway folder with an authorization server of its own on
the loopback interface. Your keychain, your profiles and Claude Desktop's config
are not touched.`,
		Example: "  stagedoor demo",
		Args:    atMost(0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.Demo(cmd.Context()) },
	}
}

func newCmdVersion(f *Factory, runF func(*jsonOptions) error) *cobra.Command {
	o := &jsonOptions{}
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Show the version",
		Example: "  stagedoor version",
		Args:    atMost(0),
		RunE: func(*cobra.Command, []string) error {
			if runF != nil {
				return runF(o)
			}
			return versionRun(f, o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func versionRun(f *Factory, o *jsonOptions) error {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	if o.json {
		return f.json(map[string]any{"version": f.Version, "go": runtime.Version(), "platform": platform, "windows": append([]string{}, f.Windows...)})
	}
	f.printf("stagedoor %s (%s, %s), windows: %s\n", f.Version, runtime.Version(), platform, cmp.Or(strings.Join(f.Windows, ", "), "none (lean build)"))
	return nil
}
