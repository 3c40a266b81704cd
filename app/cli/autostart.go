package cli

import (
	"cmp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/platform"
)

// Autostart is what starts the tray when the user logs in.
type Autostart interface {
	Set(on bool) error
	State() (platform.AutostartState, error)
}

type autostartOptions struct {
	do   string // on, off or status
	json bool
}

func newCmdAutostart(f *Factory, runF func(*autostartOptions) error) *cobra.Command {
	o := &autostartOptions{}
	cmd := &cobra.Command{
		Use:   "autostart [on|off|status]",
		Short: "Start the tray when you log in",
		Long: `Have the tray started when you log in, or not any more. Without a word it says
which. Only your own login is changed, in the place where the desktop's settings
look, too: a file in autostart/ (Linux), a launch agent (macOS) or a value below
HKEY_CURRENT_USER (Windows).`,
		Example: `  stagedoor autostart on
  stagedoor autostart status --json`,
		Args:      atMost(1),
		ValidArgs: []string{"on", "off", "status"},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch o.do = cmp.Or(first(args), "status"); {
			case o.do != "on" && o.do != "off" && o.do != "status":
				return usage("say on, off or status", "autostart: unexpected %q", o.do)
			case o.json && o.do != "status":
				return usage(seeHelp(cmd), "--json is for status")
			}
			if runF != nil {
				return runF(o)
			}
			return autostartRun(f, o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "with status, print JSON")
	return cmd
}

func autostartRun(f *Factory, o *autostartOptions) error {
	a, apart, err := f.Autostart()
	if err != nil {
		return err
	}
	if o.do != "status" {
		if err := a.Set(o.do == "on"); err != nil {
			return err
		}
	}
	s, err := a.State()
	switch {
	case err != nil:
		return err
	case o.json:
		return f.json(s)
	case s.On:
		f.printf("on: %s starts when you log in (%s)\n", s.Program, s.Place)
	case s.Off != "":
		f.printf("off: %s (%s, %s)\n", s.Off, s.Program, s.Place)
	default:
		f.printf("off\n")
	}
	if len(apart) > 0 && o.do == "on" {
		f.warn("", strings.Join(apart, ", ")+" must be set for your whole session, or that tray does not know of it")
	}
	return nil
}
