package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// profileVariable names the profile that a command takes if none is given.
const profileVariable = "STAGEDOOR_PROFILE"

// variables are those that the program reads, for people.
var variables = [][2]string{
	{profileVariable, "the profile that login, token, accept, revoke and run take if none is named; else the active one"},
	{"STAGEDOOR_HOME", "the state folder, in place of the system's usual one"},
	{"STAGEDOOR_VAULT", "file: keep secrets in an encrypted file in place of the system's keychain"},
	{"STAGEDOOR_KEY_FILE", "the age key of the file vault; it is made at the first use"},
	{"STAGEDOOR_PASSPHRASE_FILE", "a file with the passphrase of the file vault, in place of a key file"},
	{"STAGEDOOR_KEYCHAIN_WAIT", "how many seconds you have to answer a keychain's prompt; 60 by default"},
	{"STAGEDOOR_CLIENTS_HOME", "the home folder in which MCP clients' configs are looked for"},
	{"CLAUDE_CONFIG_DIR", "where Claude Code keeps its config"},
	{"SSL_CERT_FILE, SSL_CERT_DIR", "certificates of authorities to trust, in place of the system's (not on Windows and macOS)"},
	{"HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "the proxy for requests to providers"},
}

// newTopicEnvironment is a help topic: it does nothing.
func newTopicEnvironment() *cobra.Command {
	var long strings.Builder
	long.WriteString("Stagedoor reads these variables:\n")
	for _, v := range variables {
		fmt.Fprintf(&long, "\n  %s\n      %s\n", v[0], v[1])
	}
	return &cobra.Command{Use: "environment", Short: "The variables that Stagedoor reads", Long: long.String()}
}

// variable returns the value of a variable that a flag names.
func (f *Factory) variable(name string) (string, error) {
	value := f.getenv(name)
	if value == "" {
		return "", usage("export it, or leave the flag out", "the variable %s is not set", name)
	}
	return value, nil
}

func (f *Factory) getenv(name string) string {
	for _, v := range slices.Backward(f.Environ) { // the last one counts
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// profile is the profile that was named: by the first argument, or by a variable.
// "" stands for the active one.
func (f *Factory) profile(args []string) string {
	if len(args) == 0 {
		return f.getenv(profileVariable)
	}
	return args[0]
}
