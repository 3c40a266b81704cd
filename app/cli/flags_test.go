package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/importer"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// flagTest is a command line and the options that it must become. Without want
// it must be refused.
type flagTest[O any] struct {
	line string
	want *O
}

// checkFlags parses lines as the command does and compares what it would work
// with. Every refusal must say what to do instead.
func checkFlags[O any](t *testing.T, newCmd func(*Factory, func(*O) error) *cobra.Command, tests ...flagTest[O]) {
	t.Helper()
	for _, tt := range tests {
		var got *O
		cmd := newCmd(&Factory{}, func(o *O) error { got = o; return nil })
		cmd.SetArgs(strings.Fields(tt.line))
		cmd.SetOut(io.Discard)
		cmd.SetErr(io.Discard)
		err := cmd.ExecuteContext(t.Context())
		if tt.want == nil {
			if err == nil || hint.Of(err) == "" {
				t.Errorf("%s %s: %v, hint %q; want it refused with a hint", cmd.Name(), tt.line, err, hint.Of(err))
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %s: %v", cmd.Name(), tt.line, err)
		}
		if diff := cmp.Diff(tt.want, got, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", cmd.Name(), tt.line, diff)
		}
	}
}

// A flag that reaches another option than its own makes a command do something
// else than was asked for.
func TestFlagsReachTheirOptions(t *testing.T) {
	checkFlags(t, newCmdLogin,
		flagTest[loginOptions]{"work --until-logout", &loginOptions{profile: "work", untilLogout: true, chooses: true}},
		flagTest[loginOptions]{"work --until-logout=false", &loginOptions{profile: "work", chooses: true}},
		flagTest[loginOptions]{"", &loginOptions{}},
		flagTest[loginOptions]{"work --no-browser --json", &loginOptions{profile: "work", noBrowser: true, json: true}},
		flagTest[loginOptions]{"work --device", &loginOptions{profile: "work", device: true}},
		flagTest[loginOptions]{"work --device --no-browser", nil},
		flagTest[loginOptions]{"work home", nil},
	)
	checkFlags(t, newCmdRevoke,
		flagTest[revokeOptions]{"work --json", &revokeOptions{profile: "work", json: true}},
		flagTest[revokeOptions]{"--all", &revokeOptions{all: true}},
		flagTest[revokeOptions]{"work --all", nil},
	)
	for _, newCmd := range []func(*Factory, func(*profileOptions) error) *cobra.Command{newCmdUse, newCmdAccept, newCmdToken} {
		checkFlags(t, newCmd, flagTest[profileOptions]{"work", &profileOptions{"work"}}, flagTest[profileOptions]{"work home", nil})
	}
	checkFlags(t, newCmdSecretSet,
		flagTest[secretOptions]{"work --secret-expires 2027-03-31", &secretOptions{profile: "work", ends: "2027-03-31"}},
		flagTest[secretOptions]{"work home", nil},
	)
	checkFlags(t, newCmdSecretRotate,
		flagTest[secretOptions]{"work --command c --every 60 --secret-expires d", &secretOptions{profile: "work", command: "c", every: 60, ends: "d"}},
		flagTest[secretOptions]{"work --every -1", &secretOptions{profile: "work", every: -1}},
		flagTest[secretOptions]{"work --every 60", nil},
		flagTest[secretOptions]{"work --command c --every -2", nil},
		flagTest[secretOptions]{"work --command=", nil},
		flagTest[secretOptions]{"work --command c --every 9999", nil},
	)
	checkFlags(t, newCmdScan,
		flagTest[scanOptions]{"--move -y --json", &scanOptions{move: true, yes: true, json: true}},
		flagTest[scanOptions]{"--undo", &scanOptions{undo: true}},
		flagTest[scanOptions]{"--undo --move", nil},
		flagTest[scanOptions]{"here", nil},
	)
	checkFlags(t, newCmdRename, flagTest[renameOptions]{"work home -y", &renameOptions{"work", "home", true}}, flagTest[renameOptions]{"work", nil})
	checkFlags(t, newCmdDeleteProfile, flagTest[deleteOptions]{"work --yes", &deleteOptions{"work", true}}, flagTest[deleteOptions]{"work home", nil})
	checkFlags(t, newCmdCreateProfile,
		flagTest[createOptions]{
			"corp --provider oauth2 --client-id ID --client-secret-stdin --issuer I --auth-url A --token-url T --revoke-url R --device-url D --userinfo-url U --scope a,b --scope c --redirect-port 8899 --redirect-port 8900,8901 --redirect-host localhost --redirect-path /p",
			&createOptions{secretFromStdin: true, ports: []int{8899, 8900, 8901}, NewProfile: auth.NewProfile{
				Name: "corp", Provider: "oauth2", ClientID: "ID", Issuer: "I", Scopes: []string{"a,b", "c"}, RedirectPort: 8899, RedirectPath: "/p",
				MorePorts: []int{8900, 8901}, RedirectHost: "localhost",
				Endpoints: profile.Endpoints{Authorization: "A", Token: "T", Revocation: "R", DeviceAuthorization: "D", UserInfo: "U"},
			}},
		},
		flagTest[createOptions]{"corp --provider tidal --ask-client-secret --secret-expires d", &createOptions{askSecret: true, secretEnds: "d", NewProfile: auth.NewProfile{Name: "corp", Provider: "tidal"}}},
		flagTest[createOptions]{"corp --provider tidal --client-id-env I --client-secret-env S", &createOptions{clientIDEnv: "I", secretEnv: "S", NewProfile: auth.NewProfile{Name: "corp", Provider: "tidal"}}},
		flagTest[createOptions]{"corp --provider oidc --ca-file F --pin sha256/a --pin sha256/b", &createOptions{caFile: "F", NewProfile: auth.NewProfile{Name: "corp", Provider: "oidc", Pins: []string{"sha256/a", "sha256/b"}}}},
		flagTest[createOptions]{"gh --provider api-key --owner Ada --secret-expires d", &createOptions{secretEnds: "d", NewProfile: auth.NewProfile{Name: "gh", Provider: "api-key", Owner: "Ada"}}},
		flagTest[createOptions]{"corp --provider gitlab --param host=h --param a=b", &createOptions{NewProfile: auth.NewProfile{Name: "corp", Provider: "gitlab", Params: []string{"host=h", "a=b"}}}},
		flagTest[createOptions]{"corp --provider oidc --refresh-ends-access", &createOptions{NewProfile: auth.NewProfile{Name: "corp", Provider: "oidc", RefreshEndsAccess: true}}},
		flagTest[createOptions]{
			"corp --provider oauth2 --auth-method client_secret_post --auth-param prompt= --auth-param a=b,c --account-field data.0.id",
			&createOptions{NewProfile: auth.NewProfile{
				Name: "corp", Provider: "oauth2", Endpoints: profile.Endpoints{AuthMethod: "client_secret_post"}, AuthParams: []string{"prompt=", "a=b,c"}, AccountField: "data.0.id",
			}},
		},
		flagTest[createOptions]{"corp --provider tidal --until-logout", &createOptions{NewProfile: auth.NewProfile{Name: "corp", Provider: "tidal", UntilLogout: true}}},
		flagTest[createOptions]{"corp --provider tidal --client-id x --client-id-env I", nil},
		flagTest[createOptions]{"corp --provider tidal --client-secret-env S --ask-client-secret", nil},
		flagTest[createOptions]{"corp --provider tidal --secret-expires 2027-01-01", nil},
		flagTest[createOptions]{"corp", nil},
		flagTest[createOptions]{"corp --provider tidal --redirect-port 0", nil},
		flagTest[createOptions]{"corp --provider tidal --ask-client-secret --client-secret-stdin", nil},
	)
	checkFlags(t, newCmdRun,
		flagTest[runOptions]{
			"--profile work --as spotify-mcp --env A=b --env C=d --file E=f -- prog --profile x",
			&runOptions{profile: "work", as: "spotify-mcp", env: []string{"A=b", "C=d"}, file: []string{"E=f"}, command: []string{"prog", "--profile", "x"}},
		},
		flagTest[runOptions]{"--provider tidal prog", &runOptions{service: "tidal", command: []string{"prog"}}},
		flagTest[runOptions]{"--provider tidal --profile work prog", nil},
	)
	checkFlags(t, newCmdSetup,
		flagTest[setupOptions]{
			"cursor --profile work --name n --as spotify-mcp --env A=b --file C=d --print --json -- prog -v",
			&setupOptions{print: true, json: true, Request: setup.Request{
				Client: "cursor", Profile: "work", Entry: "n", As: "spotify-mcp", Env: []string{"A=b"}, Files: []string{"C=d"}, Command: []string{"prog", "-v"},
			}},
		},
		flagTest[setupOptions]{"--force --no-environment", &setupOptions{Request: setup.Request{Force: true, Bare: true}}},
		flagTest[setupOptions]{"--bundle -o x.mcpb --no-open", &setupOptions{bundle: true, output: "x.mcpb", noOpen: true}},
		flagTest[setupOptions]{"-o x.mcpb", nil}, flagTest[setupOptions]{"cursor --bundle", nil}, flagTest[setupOptions]{"--bundle --remove", nil},
		flagTest[setupOptions]{"--no-check", &setupOptions{noCheck: true}},
		flagTest[setupOptions]{"--remove", &setupOptions{Request: setup.Request{Remove: true}}},
		flagTest[setupOptions]{"--wrap e -y", &setupOptions{yes: true, Request: setup.Request{Wrap: "e"}}},
		flagTest[setupOptions]{"cursor --unwrap e", &setupOptions{Request: setup.Request{Client: "cursor", Unwrap: "e"}}},
		flagTest[setupOptions]{"--wrap e --unwrap e", nil},
		flagTest[setupOptions]{"--wrap e --remove", nil},
		flagTest[setupOptions]{"cursor zed", nil},
	)
	checkFlags(t, newCmdProviders,
		flagTest[providersOptions]{"gitlab --json", &providersOptions{id: "gitlab", json: true}},
		flagTest[providersOptions]{"check acme.json --json", &providersOptions{check: "acme.json", json: true}},
		flagTest[providersOptions]{"check", nil}, flagTest[providersOptions]{"check a b", nil}, flagTest[providersOptions]{"a b", nil})
	checkFlags(t, newCmdUninstall,
		flagTest[uninstallOptions]{"--dry-run --json", &uninstallOptions{dryRun: true, json: true}},
		flagTest[uninstallOptions]{"-y --force --export x.zip", &uninstallOptions{yes: true, force: true, export: "x.zip"}},
		flagTest[uninstallOptions]{"work", nil},
	)
	checkFlags(t, newCmdQuit, flagTest[quitOptions]{"", &quitOptions{}}, flagTest[quitOptions]{"now", nil})
	checkFlags(t, newCmdAutostart,
		flagTest[autostartOptions]{"", &autostartOptions{do: "status"}}, flagTest[autostartOptions]{"on", &autostartOptions{do: "on"}},
		flagTest[autostartOptions]{"status --json", &autostartOptions{"status", true}},
		flagTest[autostartOptions]{"on --json", nil}, flagTest[autostartOptions]{"yes", nil}, flagTest[autostartOptions]{"on off", nil})
	checkFlags(t, newCmdServers, flagTest[serversOptions]{"tidal-mcp --json", &serversOptions{"tidal-mcp", true}}, flagTest[serversOptions]{"a b", nil})
	checkFlags(t, newCmdRecipes, flagTest[recipesOptions]{"tidal-mcp --json", &recipesOptions{"tidal-mcp", true}}, flagTest[recipesOptions]{"a b", nil})
	checkFlags(t, newCmdImport,
		flagTest[importOptions]{
			"old/.env --profile work --client-id ID --provider tidal --force --dry-run --keep -y --json",
			&importOptions{yes: true, json: true, Request: importer.Request{
				Path: "old/.env", Profile: "work", ClientID: "ID", Provider: "tidal", Force: true, DryRun: true, Keep: true,
			}},
		},
		flagTest[importOptions]{"--keyring default", &importOptions{Request: importer.Request{Keyring: "default"}}},
		flagTest[importOptions]{"--undo", &importOptions{undo: true}},
		flagTest[importOptions]{"", nil},
		flagTest[importOptions]{"x --provider google", nil},
	)
	checkFlags(t, newCmdEnableKeychain,
		flagTest[enableKeychainOptions]{"work --profile p --yes", &enableKeychainOptions{old: "work", importOptions: importOptions{yes: true, Request: importer.Request{Profile: "p"}}}},
		flagTest[enableKeychainOptions]{"../work", nil},
	)
	checkFlags(t, newCmdAudit,
		flagTest[auditOptions]{
			"work 5 --event e --outcome failed --severity P1 --search s --since 1h --until 2m --follow --json",
			&auditOptions{args: []string{"work", "5"}, n: 20, follow: true, json: true, filter: filter{
				event: "e", outcome: "failed", severity: "P1", search: "s", since: "1h", until: "2m",
			}},
		},
		flagTest[auditOptions]{"a b c", nil},
	)
	checkFlags(t, newCmdAuditExport,
		flagTest[exportOptions]{"", &exportOptions{format: "jsonl"}},
		flagTest[exportOptions]{
			"--format csv --profile work --event e --since 1h --until 2m -o f --force",
			&exportOptions{format: "csv", output: "f", force: true, filter: filter{profile: "work", event: "e", since: "1h", until: "2m"}},
		},
	)
	checkFlags(t, newCmdAuditVerify, flagTest[verifyOptions]{"--bundle f --json", &verifyOptions{bundle: "f", json: true}}, flagTest[verifyOptions]{"f", nil})
	checkFlags(t, newCmdAuditAccept, flagTest[auditAcceptOptions]{"--yes --json", &auditAcceptOptions{yes: true, json: true}}, flagTest[auditAcceptOptions]{"x", nil})
	checkFlags(
		t, newCmdAlerts, flagTest[alertsOptions]{"--all --json", &alertsOptions{json: true, all: true}},
		flagTest[alertsOptions]{"--profile work --since 7d", &alertsOptions{profile: "work", since: "7d"}},
	)
	checkFlags(t, newCmdWatch,
		flagTest[watchOptions]{"--once --json", &watchOptions{once: true, json: true}},
		flagTest[watchOptions]{"--json", nil},
		flagTest[watchOptions]{"now", nil},
	)
	checkFlags(t, newCmdDoctor,
		flagTest[doctorOptions]{"--json --offline --report F", &doctorOptions{json: true, offline: true, report: "F"}},
		flagTest[doctorOptions]{"--fix", &doctorOptions{fix: true}},
		flagTest[doctorOptions]{"keychain", nil},
	)
	checkFlags(t, newCmdMetrics,
		flagTest[metricsOptions]{"", &metricsOptions{format: "openmetrics"}},
		flagTest[metricsOptions]{"-o stagedoor.prom", &metricsOptions{format: "prometheus", output: "stagedoor.prom"}},
		flagTest[metricsOptions]{"-o stagedoor.prom --format openmetrics", &metricsOptions{format: "openmetrics", output: "stagedoor.prom"}},
		flagTest[metricsOptions]{"--format xml", nil},
	)
	checkFlags(t, newCmdAlertsAck, flagTest[ackOptions]{"x-1 --note mine", &ackOptions{"x-1", "mine"}}, flagTest[ackOptions]{"", nil})
	checkFlags(t, newCmdAlertRules, flagTest[jsonOptions]{"--json", &jsonOptions{true}})
	checkFlags(t, newCmdIncidentNew, flagTest[incidentOptions]{
		"--alert x-1 --since 7d -o f --severity P0 --profile a --profile b --impact i --vector v",
		&incidentOptions{alert: "x-1", since: "7d", output: "f", severity: "P0", profiles: []string{"a", "b"}, impact: "i", vector: "v"},
	})
	checkFlags(t, newCmdIncidentShow, flagTest[incidentShowOptions]{"x --json", &incidentShowOptions{"x", true}}, flagTest[incidentShowOptions]{"", nil})
	checkFlags(t, newCmdIncidentUpdate, flagTest[incidentUpdateOptions]{"x --status s --note n", &incidentUpdateOptions{"x", "s", "n"}}, flagTest[incidentUpdateOptions]{"x", nil})
	checkFlags(t, newCmdIncidentClose, flagTest[incidentUpdateOptions]{"x --note n", &incidentUpdateOptions{"x", "Resolved", "n"}})
	checkFlags(t, newCmdIncidentList, flagTest[jsonOptions]{"--json", &jsonOptions{true}})
	checkFlags(t, newCmdProfiles, flagTest[jsonOptions]{"--json", &jsonOptions{true}}, flagTest[jsonOptions]{"work", nil})
	checkFlags(t, newCmdSettings, flagTest[settingsOptions]{"a b --keys --path", &settingsOptions{args: []string{"a", "b"}, keys: true, path: true}}, flagTest[settingsOptions]{"a b c", nil})
	checkFlags(t, newCmdWindow, flagTest[windowOptions]{"audit", &windowOptions{"audit"}}, flagTest[windowOptions]{"", nil})
	checkFlags(t, newCmdVersion, flagTest[versionOptions]{"--json", &versionOptions{json: true}}, flagTest[versionOptions]{"--security", &versionOptions{security: true}})
}

// Whoever does not know a command finds an example of it.
func TestEveryCommandHasAnExample(t *testing.T) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Example == "" && !cmd.HasSubCommands() && cmd.Runnable() {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(&Factory{Names: fixed()}))
}

// full is a disk that is full.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// A script that saves what a command prints must not take a part of it for all.
func TestWhatCannotBePrintedIsNoSuccess(t *testing.T) {
	for _, line := range []string{"version", "version --json", "settings --keys", "settings --keys --json"} {
		f := Factory{Out: full{}, Err: io.Discard, Names: fixed(), Settings: func() (*settings.Store, error) { return settings.Open("nowhere", nil), nil }}
		if status := Run(t.Context(), f, strings.Fields(line)); status != ExitFailed {
			t.Errorf("%s: exit status %d, want %d", line, status, ExitFailed)
		}
	}
}

// A secret on a command line is in the shell's history already; it must not be in
// an error that somebody copies as well.
func TestTypedSecretIsRefusedAndNotRepeated(t *testing.T) {
	for _, line := range []string{
		"create-profile work --client-secret=s3cret-made-up", "create-profile work --client-secret s3cret-made-up", "create-profile work --client-secret",
		"login --client-secret=s3cret-made-up", "secret set work --client-secret s3cret-made-up", "--client-secret=s3cret-made-up",
		"create-profile work -client-secret=s3cret-made-up", "create-profile work --ask-client-secret=s3cret-made-up", "create-profile work --client-secret-stdin=s3cret-made-up",
	} {
		var errs strings.Builder
		f := Factory{Out: io.Discard, Err: &errs, Names: fixed()}
		if status := Run(t.Context(), f, strings.Fields(line)); status != ExitUsage ||
			strings.Contains(errs.String(), "s3cret-made-up") || !strings.Contains(errs.String(), "does not belong on the command line") || !strings.Contains(errs.String(), "--ask-client-secret") {
			t.Errorf("%s: status %d, %s", line, status, errs.String())
		}
	}
}

// A secret that is typed where it does not go is not repeated either.
func TestSecretInAnotherPlaceIsNotRepeated(t *testing.T) {
	for _, line := range []string{
		"secret set work s3cret-made-up", "secret rotate work s3cret-made-up", "secret rotate work --command=c s3cret-made-up",
		"create-profile work --provider tidal --ask-client-secret s3cret-made-up", "create-profile work --provider tidal --client-secret-stdin s3cret-made-up",
	} {
		var errs strings.Builder
		f := Factory{Out: io.Discard, Err: &errs, Names: fixed()}
		if status := Run(t.Context(), f, strings.Fields(line)); status != ExitUsage || strings.Contains(errs.String(), "s3cret-made-up") || !strings.Contains(errs.String(), "no argument") {
			t.Errorf("%s: status %d, %s", line, status, errs.String())
		}
	}
	if _, err := (&Factory{}).variable("client-secret-env", "s3cret-made-up"); err == nil || strings.Contains(err.Error()+hint.Of(err), "s3cret-made-up") {
		t.Errorf("as the name of a variable: %v", err)
	}
}

// "stagedoor help environment" is where people look for a variable; one that the
// program reads and that is not there is a trap.
func TestEveryVariableIsListed(t *testing.T) {
	var listed []string
	for _, v := range variables {
		listed = append(listed, strings.FieldsFunc(v[0]+" "+v[1], func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') })...)
	}
	read := regexp.MustCompile(`(?:[gG]etenv|env\.variable)\("([A-Z_]+)"|"(STAGEDOOR_[A-Z_]+)"`)
	found := 0
	for _, dir := range []string{"..", "../../auth"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.Contains(path, "test") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, m := range read.FindAllStringSubmatch(string(source), -1) {
				found++
				if name := m[1] + m[2]; !slices.Contains(listed, name) {
					t.Errorf("%s reads %s", path, name)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 20 {
		t.Errorf("found %d variables only", found)
	}
}

// STAGEDOOR_PROFILE says which account a script uses; an argument says it better.
func TestProfileOfTheEnvironment(t *testing.T) {
	f := &Factory{Environ: []string{"STAGEDOOR_PROFILE=home", "STAGEDOOR_PROFILE=work"}}
	for _, tt := range []struct{ line, want string }{{"", "work"}, {"home", "home"}} {
		var got *profileOptions
		cmd := newCmdToken(f, func(o *profileOptions) error { got = o; return nil })
		cmd.SetArgs(strings.Fields(tt.line))
		if err := cmd.ExecuteContext(t.Context()); err != nil || got.profile != tt.want {
			t.Errorf("token %s: %+v, %v", tt.line, got, err)
		}
	}
	var all *revokeOptions
	cmd := newCmdRevoke(f, func(o *revokeOptions) error { all = o; return nil })
	cmd.SetArgs([]string{"--all"})
	if err := cmd.ExecuteContext(t.Context()); err != nil || all.profile != "" {
		t.Errorf("revoke --all: %+v, %v", all, err)
	}
}

// A variable that nobody can look up is a switch that only its author knows.
func TestEveryVariableIsInTheHelp(t *testing.T) {
	help := newTopicEnvironment().Long
	name := regexp.MustCompile(`"(STAGEDOOR_[A-Z]+(?:_[A-Z]+)*)"`)
	for _, root := range []string{"../../app", "../../auth"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, found := range name.FindAllSubmatch(source, -1) {
				if v := string(found[1]); !strings.Contains(help, v) {
					t.Errorf("%s reads %s, which is in no help", path, v)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
