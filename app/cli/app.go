package cli

import (
	"cmp"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// windowNames are the windows of the full build, which the lean one opens too where a
// package has both.
var windowNames = []string{"alerts", "audit", "profiles", "servers", "welcome"}

type windowOptions struct{ name string }

func newCmdWindow(f *Factory, runF func(*windowOptions) error) *cobra.Command {
	return &cobra.Command{
		Use:       "window NAME",
		Short:     "Open a window",
		Long:      "Open one window in a process of its own, as the tray does: " + strings.Join(windowNames, ", ") + ".",
		Example:   "  stagedoor window audit",
		Args:      exactly("NAME"),
		ValidArgs: windowNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if runF != nil {
				return runF(&windowOptions{args[0]})
			}
			return ended(f.Window(cmd.Context(), args[0]))
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

type versionOptions struct{ json, security bool }

func newCmdVersion(f *Factory, runF func(*versionOptions) error) *cobra.Command {
	o := &versionOptions{}
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the version, or where to report a vulnerability",
		Example: `  stagedoor version
  stagedoor version --security`,
		Args: atMost(0),
		RunE: func(*cobra.Command, []string) error {
			if runF != nil {
				return runF(o)
			}
			return versionRun(f, o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.Flags().BoolVar(&o.security, "security", false, "where to report a vulnerability, and the dates of the security policy")
	return cmd
}

func versionRun(f *Factory, o *versionOptions) error {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	if o.json {
		out := map[string]any{"version": f.Version, "go": runtime.Version(), "platform": platform, "windows": append([]string{}, f.Windows...)}
		if o.security {
			policy := map[string]string{}
			for _, fact := range policyFacts(f.Policy) {
				policy[strings.ReplaceAll(strings.ToLower(fact[0]), " ", "_")] = fact[1]
			}
			out["security"] = policy
		}
		return f.json(out)
	}
	f.printf("stagedoor %s (%s, %s), windows: %s\n", f.Version, runtime.Version(), platform, cmp.Or(strings.Join(f.Windows, ", "), "none (lean build)"))
	if !o.security {
		return nil
	}
	for _, fact := range policyFacts(f.Policy) {
		f.printf("%-16s%s\n", strings.ToLower(fact[0]), fact[1])
		if due, err := time.Parse(time.DateOnly, fact[1]); err == nil && fact[0] == nextReview && f.Now().After(due) {
			defer f.warn("the policy of this release is past its review", "look for a newer release")
		}
	}
	return nil
}

// nextReview is the day after which nobody answers for what the policy says.
const nextReview = "Next review"

var policyFact = regexp.MustCompile(`(?m)^- \*\*([A-Za-z ]+)\*\*: <?([^\s>]+)`)

// policyFacts are the names and values at the head of SECURITY.md, in its order.
func policyFacts(policy string) (facts [][2]string) {
	head, _, _ := strings.Cut(policy, "\n## ")
	for _, m := range policyFact.FindAllStringSubmatch(head, -1) {
		facts = append(facts, [2]string{m[1], m[2]})
	}
	return facts
}
