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
	{"STAGEDOOR_DEMO", "set by the demo for its own processes, which then say what they are"},
	{"CLAUDE_CONFIG_DIR", "where Claude Code keeps its config"},
	{"HOME, XDG_DATA_HOME, XDG_CONFIG_HOME", "where the state folder and MCP clients' configs are (Windows: USERPROFILE, APPDATA, LOCALAPPDATA)"},
	{"XDG_RUNTIME_DIR", "a folder that ends with the login: of the session bus, and of tokens that are forgotten at logout (Linux)"},
	{"DBUS_SESSION_BUS_ADDRESS", "the session bus, for keychain, tray and notifications (Linux)"},
	{"DISPLAY, WAYLAND_DISPLAY, WAYLAND_SOCKET", "the screen of tray, windows and browser (Linux)"},
	{"XDG_CURRENT_DESKTOP", "the desktop, for what its menus need (Linux)"},
	{"BROWSER", "the browser for a login, in place of the desktop's (Linux)"},
	{"LC_ALL, LC_MESSAGES, LANG", "the language of the windows"},
	{"PATH", "where programs are found"},
	{"STAGEDOOR_TOKEN_URL, STAGEDOOR_TOKEN_KEY", "set for a server started with --endpoint: a GET of the one, with the other as bearer token, answers a fresh access token as JSON"},
	{"SUDO_UID", "set by sudo, under which nothing is written into your folders"},
	{"SSL_CERT_FILE, SSL_CERT_DIR", "certificates of authorities to trust, in place of the system's (not on Windows and macOS)"},
	{"HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "the proxy for requests to providers"},
}

// newTopicEnvironment is a help topic: it does nothing.
func newTopicEnvironment() *cobra.Command {
	var long strings.Builder
	long.WriteString("Stagedoor reads these variables, and sets some for servers:\n")
	for _, v := range variables {
		fmt.Fprintf(&long, "\n  %s\n      %s\n", v[0], v[1])
	}
	return &cobra.Command{Use: "environment", Short: "The variables that Stagedoor reads and sets", Long: long.String()}
}

// variable returns the value of a variable that a flag names. A name that stands for
// none may be a secret which was typed in its place, and is not repeated.
func (f *Factory) variable(flag, name string) (string, error) {
	value := f.getenv(name)
	if value == "" {
		return "", usage("export it, or leave the flag out; it takes the variable's name, not its value", "the variable that --%s names is not set", flag)
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
