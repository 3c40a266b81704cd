package cli

import "github.com/spf13/cobra"

// Manual is what the manual pages of a package are made of.
type Manual struct {
	// Root is the command line, to be looked at and not to be run.
	Root *cobra.Command
	// Environment, Files and ExitStatus are names and what they mean.
	Environment, Files, ExitStatus [][2]string
}

// Reference describes the command line.
func Reference(version string) Manual {
	root := newRoot(&Factory{Version: version})
	root.InitDefaultCompletionCmd()
	return Manual{
		Root: root, Environment: variables, ExitStatus: statuses,
		Files: [][2]string{
			{"~/.local/share/stagedoor", "the state folder, or stagedoor in $XDG_DATA_HOME, or $STAGEDOOR_HOME; no secret is in it, unless it is encrypted"},
			{"profiles.json, settings.json", "in the state folder: the accounts, and the settings that differ from the built-in ones"},
			{"providers/, recipes/", "there, too: descriptions of providers and of MCP servers of your own"},
			{"audit/", "there, too: the audit log"},
			{"backups/, incidents/", "there, too: MCP clients' configs as they were, and incident reports"},
		},
	}
}

// statuses are the exit statuses, for people.
var statuses = [][2]string{
	{"0", "done"},
	{"1", "failed; a line that begins with hint: says what to do"},
	{"2", "the call makes no sense"},
	{"3", "a login is needed"},
	{"4", "the keychain is locked or absent"},
	{"5", "done, but look: open alerts, a log that does not verify, another account, a revocation not confirmed, secrets in plain text"},
	{"126, 127", "run cannot start the server"},
	{"130", "cancelled with Ctrl+C"},
}
