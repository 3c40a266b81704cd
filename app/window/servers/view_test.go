//go:build !lean

package servers

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/app/window/windowtest"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/host"
)

const others = `{
  "theme": "dark", // mine
  "mcpServers": {
    "files": { "command": "/bin/sh", "args": ["files"] }
  }
}
`

// From nothing to a server that answers, by mouse: what will change is shown before, the
// file has it afterwards and all else of it, and one click takes it back.
func TestSetUpAServer(t *testing.T) {
	w := open(t, others)
	w.profile("work")
	w.start()
	w.shows("Claude Desktop", "nothing set up yet", "files (sh)")
	w.click("Set up a server…")
	w.choose("Server", "Another server")
	w.fill("Command", "/bin/sh mine.sh")
	w.shows("Fill in the variable that the server reads its token or key from.")
	w.fill("Variables", "API_TOKEN")
	w.shows("What changes in ~/.config/Claude/claude_desktop_config.json", `+    "spotify": {`, "API_TOKEN={access_token}")
	if w.config() != others {
		t.Fatal("looking at it has changed the file")
	}
	w.click("Set up")
	w.shows("spotify: 3 tools, ", "The entry is written to ~/.config/Claude/claude_desktop_config.json.")
	if text := w.config(); !strings.Contains(text, `"API_TOKEN={access_token}"`) || !strings.Contains(text, "// mine") {
		t.Errorf("the file has\n%s", text)
	}
	w.click("Done")
	w.shows("spotify", "not signed in")
	w.click("Undo the last change…")
	w.shows("Take the last change back?", `-    "spotify": {`)
	w.click("Take it back")
	if text := w.config(); text != others {
		t.Errorf("it is not as before:\n%s", text)
	}
	w.shows("The last change is taken back", "nothing set up yet")
}

const taken = `{"mcpServers":{"spotify":{"command":"/bin/sh","args":["-c","true"],"env":{"GITHUB_TOKEN":"` + planted + `"}}}}`

// An entry that somebody else wrote is changed only by whoever ticked the box below which
// it is named; another name makes one beside it. Nothing moves under the mouse meanwhile.
func TestANameThatIsTaken(t *testing.T) {
	for name, c := range map[string]struct {
		entry string // typed
		has   []string
	}{
		"agreed":     {"", []string{`"mine.sh"`}},
		"other name": {"second", []string{`"second"`, planted}},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, taken)
			w.profile("work")
			w.start()
			w.click("Set up a server…")
			w.choose("Server", "Another server")
			at := w.at("Set up")
			w.fill("Command", "/bin/sh mine.sh")
			w.fill("Variables", "API_TOKEN")
			w.shows("Claude Desktop has an entry “spotify” already. It starts sh without Stagedoor. It would be replaced by mine.sh for spotify, with the tokens of work.")
			if now := w.at("Set up"); now != at {
				t.Errorf("the button moved from %v to %v", at, now)
			}
			w.submit()
			if w.config() != taken {
				t.Fatal("nobody agreed, and the file is changed")
			}
			if c.entry != "" {
				w.fill("Name", c.entry)
			} else {
				w.click("Yes, change that entry")
			}
			w.click("Set up")
			w.shows(": 3 tools, ")
			for _, want := range c.has {
				if !strings.Contains(w.config(), want) {
					t.Errorf("the file lacks %q:\n%s", want, w.config())
				}
			}
		})
	}
}

// An agreement counts for the entry that was asked about alone.
func TestAnAgreementIsForOneEntry(t *testing.T) {
	w := open(t, strings.Replace(taken, `{"spotify":`, `{"other":{"command":"/bin/true"},"spotify":`, 1))
	before := w.config()
	w.profile("work")
	w.start()
	w.click("Set up a server…")
	w.choose("Server", "Another server")
	w.fill("Command", "/bin/sh mine.sh")
	w.fill("Variables", "API_TOKEN")
	w.click("Yes, change that entry")
	w.fill("Name", "other")
	w.shows("Claude Desktop has an entry “other” already. It starts true without Stagedoor.")
	w.submit()
	if w.config() != before {
		t.Errorf("the other entry is changed:\n%s", w.config())
	}
}

// An entry that is there starts through Stagedoor with its own program, and goes back to
// what it was, byte by byte.
func TestStartAnEntryThroughStagedoorAndBack(t *testing.T) {
	w := open(t, others)
	w.profile("work")
	w.start()
	w.click("Start it through Stagedoor…")
	w.fill("Variables", "API_TOKEN")
	w.shows("Start “files” through Stagedoor", "keep its arguments and variables")
	w.click("Yes, change that entry")
	w.click("Set up")
	w.shows("files: 3 tools, ")
	w.click("Done")
	w.shows("files for spotify", "not signed in")
	w.click("Remove…")
	w.shows("Remove “files” from Claude Desktop?")
	w.click("Keep it")
	w.click("Remove…")
	w.click("Start it without Stagedoor again")
	if w.config() != others {
		t.Errorf("it is not as before:\n%s", w.config())
	}
	w.shows("files (sh)")
}

// A server that does not start is not said to work; what to do is said without a command
// line, and in the title for whoever looks elsewhere.
func TestAServerThatDoesNotStart(t *testing.T) {
	w := open(t, "{}")
	w.key("music")
	w.write(w.launch, "#!/bin/sh\necho \"ModuleNotFoundError: No module named 'spotipy'\" >&2; exit 1\n")
	w.start()
	w.click("Set up a server…")
	w.choose("Server", "Another server")
	w.fill("Command", "/bin/sh mine.sh")
	w.fill("Variables", "API_KEY")
	w.click("Set up")
	w.shows("music does not start: the Python module spotipy is not installed for /bin/sh", "Install it there", "ModuleNotFoundError", "The entry is written to")
	if title := w.host.Window.Title(); !strings.HasPrefix(title, "music does not start") {
		t.Errorf("the title is %q", title)
	}
	w.write(w.launch, answers)
	w.click("Test again")
	w.shows("music: 3 tools, ")
	w.click("Done")
	w.shows("works")
	if title := w.host.Window.Title(); !strings.HasPrefix(title, "Servers and clients") {
		t.Errorf("the title is %q", title)
	}
}

// A secret in a file is shown masked, moves into the vault when that was agreed to, and
// comes back.
func TestSecretsMoveAndComeBack(t *testing.T) {
	w := open(t, taken)
	w.start()
	w.click("Secrets in plain text")
	w.shows("1 found", "env GITHUB_TOKEN: ghp_", "GitHub")
	w.click("Move 1 into the vault…")
	w.click("Leave it")
	if w.config() != taken {
		t.Fatal("it is moved though nobody agreed")
	}
	w.click("Move 1 into the vault…")
	w.shows("Move 1 secret into the vault?", "GITHUB_TOKEN: ghp_")
	w.click("Move")
	w.shows("starts through Stagedoor now", "none found")
	if strings.Contains(w.config(), planted) {
		t.Errorf("the file has it still:\n%s", w.config())
	}
	w.click("Done")
	w.click("Undo a move…")
	w.click("Put them back")
	if w.config() != taken {
		t.Errorf("it is not as before:\n%s", w.config())
	}
}

// A backup is looked at before it is put back, and that is asked about.
func TestBackupsComeBack(t *testing.T) {
	w := open(t, taken)
	w.profile("work")
	w.start()
	w.click("Set up a server…")
	w.choose("Server", "Another server")
	w.fill("Command", "/bin/sh mine.sh")
	w.fill("Variables", "API_TOKEN")
	w.fill("Name", "second")
	w.click("Set up")
	w.click("Backups")
	w.shows("before “second” was added", "encrypted")
	w.clickRow(0)
	w.shows("What changes in ")
	w.click("Put it back…")
	w.shows("The whole file becomes what it was.")
	w.click("Put it back")
	if w.config() != taken {
		t.Errorf("it is not as before:\n%s", w.config())
	}
	w.shows("The file of Claude Desktop is as it was on ")
}

// What the guard does is set by a click, and what a client lost comes back by one.
func TestGuard(t *testing.T) {
	w := open(t, "{}")
	w.profile("work")
	tray := false
	w.parts.Tray = func() bool { return tray }
	w.start()
	w.click("Guard")
	w.shows("nobody watches the files now")
	tray = true
	w.reload()
	if windowtest.Shows(w.pane, "nobody watches") {
		t.Error("there is a tray, and the page says that there is none")
	}
	w.click("Ask me first")
	w.shows("Guard: asks first")
	if s, err := w.parts.Settings.Settings(); err != nil || s.Guarding() != settings.GuardAsk {
		t.Errorf("the setting is %q, %v", s.Guarding(), err)
	}
	w.click("Set up a server…")
	w.choose("Server", "Another server")
	w.fill("Command", "/bin/sh mine.sh")
	w.fill("Variables", "API_TOKEN")
	w.click("Set up")
	set := w.config()
	w.write(w.file(), "{}")
	w.lose()
	w.click("Guard")
	w.shows("Claude Desktop lost spotify")
	w.click("Put it back")
	if w.config() != set {
		t.Errorf("it is not back:\n%s", w.config())
	}
}

// A file that is not understood is left alone, and said to be.
func TestAFileThatIsNotUnderstood(t *testing.T) {
	w := open(t, `{"mcpServers": {"a": }`)
	w.profile("work")
	w.start()
	w.shows("its file is not understood", "This file is left alone: ", "not valid JSON")
	w.click("Set up a server…")
	w.choose("Server", "Another server")
	w.fill("Command", "/bin/sh mine.sh")
	w.fill("Variables", "API_TOKEN")
	w.shows("1:22: not valid JSON", "Correct the file in your editor")
	w.submit()
	if w.config() != `{"mcpServers": {"a": }` {
		t.Error("it is changed")
	}
}

// A known server fills the form, and what it lacks here is said with where it comes from.
func TestKnownServers(t *testing.T) {
	w := open(t, "{}")
	w.profile("work")
	t.Setenv("PATH", t.TempDir())
	w.start()
	w.click("Known servers")
	w.shows("Spotify MCP server (spotify_mcp.server)", "uvx, which comes with uv: https://docs.astral.sh/uv", "a login")
	w.click("Copy")
	if got := fyne.CurrentApp().Clipboard().Content(); got != "https://www.python.org/downloads" {
		t.Errorf("the clipboard has %q", got)
	}
	w.click("Set up…")
	if got := w.field("Command").(*kit.Entry).Text; got != "python3 -m spotify_mcp.server" {
		t.Errorf("the command is %q", got)
	}
	w.shows("the server does not start before that is mended")
}

// What others change while somebody looks does not take a form or the keyboard away.
func TestReloadLeavesWhatIsInUse(t *testing.T) {
	w := open(t, others)
	w.profile("work")
	w.start()
	w.click("Set up a server…")
	w.fill("Name", "mine")
	w.write(w.file(), "{}")
	w.reload()
	if e, ok := w.host.Window.Canvas().Focused().(*kit.Entry); !ok || e.Text != "mine" {
		t.Errorf("the keyboard is at %v", w.host.Window.Canvas().Focused())
	}
	w.click("Cancel")
	if windowtest.Shows(w.pane, "files (sh)") {
		t.Error("the page shows what is gone")
	}
	focused := w.host.Window.Canvas().Focused()
	w.reload()
	if w.host.Window.Canvas().Focused() != focused {
		t.Error("a reload without a change moves the keyboard")
	}
}

// Whether a client has to be started again for a change to count is seen in the list and
// on its page; so is the project whose file is another one than the user's.
func TestRunningClientsAndProjects(t *testing.T) {
	w := open(t, "{}")
	w.key("music")
	project := filepath.Join(t.TempDir(), "concert")
	w.write(filepath.Join(project, ".mcp.json"), "{}")
	r := setup.Request{Client: "claude-code", Project: project, Env: []string{"API_KEY={secret}"}, Command: []string{"/bin/sh", "mine.sh"}, Entry: "shared"}
	plan, err := w.parts.Setup.Plan(t.Context(), r)
	if err == nil {
		_, err = w.parts.Setup.Apply(t.Context(), plan)
	}
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now().Add(-time.Hour)
	w.parts.Setup.Processes = func(context.Context) ([]host.Process, error) {
		return []host.Process{{Path: "/usr/lib/claude-desktop/electron", Began: began}}, nil
	}
	w.start()
	w.shows("running", "Claude Code · concert")
	w.click("Set up a server…")
	w.choose("Server", "Another server")
	w.fill("Command", "/bin/sh mine.sh")
	w.fill("Variables", "API_KEY")
	w.click("Set up")
	w.shows("music: 3 tools, ", "and does not know of it yet")
	w.click("Done")
	w.shows("needs restart", "and does not know of the last change: quit Claude Desktop completely")
	began = time.Now().Add(time.Minute)
	w.look()
	w.shows("running")

	w.click("Claude Code · concert")
	w.shows(project, "shared")
	w.click("Set up a server…")
	w.choose("Server", "Another server")
	w.fill("Command", "/bin/sh second.sh")
	w.fill("Variables", "API_KEY")
	w.fill("Name", "second")
	w.click("Set up")
	if text, err := os.ReadFile(filepath.Join(project, ".mcp.json")); err != nil || !strings.Contains(string(text), `"second"`) {
		t.Errorf("the project's file has\n%s, %v", text, err)
	}
}

// A person who must sign in first is told so in the word that the profiles have, and one
// without a profile is not led into a form that cannot be finished.
func TestWithoutALogin(t *testing.T) {
	w := open(t, "")
	w.start()
	w.shows("No MCP client was found on this computer.")
	w.write(w.file(), "{}")
	w.look()
	if windowtest.Shows(w.pane, "No MCP client was found") {
		t.Error("there is one, and the page says that there is none")
	}
	var opened []string
	w.parts.Open = func(name string) error { opened = append(opened, name); return nil }
	w.click("Set up a server…")
	w.shows("No profile yet", "A server needs an account")
	w.click("Profiles…")
	w.profile("work")
	w.reload()
	w.click("Known servers")
	w.clickBeside("TIDAL MCP server (tidal_mcp.server)", "Set up…")
	w.shows("No profile for this server", "takes a login of TIDAL")
	w.click("Back")
	w.click("Set up a server…")
	w.shows("work: not signed in. The server gets no token before you have signed in.")
	if !slices.Equal(opened, []string{"welcome"}) {
		t.Errorf("opened %q", opened)
	}
}

// A program that was moved is noticed, and one click has the entry start it again.
func TestAMovedProgramIsMended(t *testing.T) {
	w := open(t, `{"mcpServers":{"music":{"command":"/gone/stagedoor","args":["run","--profile","music","--env","API_KEY={secret}","--","/bin/sh","mine.sh"]}}}`)
	w.key("music")
	w.start()
	w.shows("moved", "It starts Stagedoor as /gone/stagedoor")
	w.click("Mend")
	w.shows("ready", "“music” starts Stagedoor again")
	if !strings.Contains(w.config(), w.launch) || !strings.Contains(w.config(), "mine.sh") {
		t.Errorf("the file has\n%s", w.config())
	}
}

// A server's login that stands in its entry moves into the vault with it, where the box
// says so, and stays in the file where it does not.
func TestALoginMovesIntoTheVault(t *testing.T) {
	const refresh = "AQDmadeUpRefreshToken0123456789abcdef"
	entry := `{"mcpServers":{"spotify":{"command":"/bin/sh","args":["-m","spotify_mcp.server"],"env":{"SPOTIFY_CLIENT_ID":"` + strings.Repeat("0a", 16) + `","SPOTIFY_REFRESH_TOKEN":"` + refresh + `","LOG":"mine"}}}}`
	for name, moves := range map[string]bool{"moves": true, "stays": false} {
		t.Run(name, func(t *testing.T) {
			w := open(t, entry)
			w.profile("work")
			w.start()
			w.click("Start it through Stagedoor…")
			w.shows("move its login into the vault", "“spotify” through Stagedoor")
			w.hides(refresh)
			if !moves {
				w.click("move its login into the vault")
				w.shows("SPOTIFY_REFRESH_TOKEN stays in the entry, in plain text")
			}
			w.click("Yes, change that entry")
			w.click("Set up")
			w.shows("spotify: 3 tools, ")
			if text := w.config(); strings.Contains(text, refresh) == moves || !strings.Contains(text, `"mine"`) {
				t.Errorf("the file has\n%s", text)
			}
			state, err := w.keeper.State(t.Context())
			if err != nil || (state.Profiles[0].Status == auth.StatusActive) != moves {
				t.Errorf("the profile is %q, %v", state.Profiles[0].Status, err)
			}
		})
	}
}

// What was typed stays when the profile is another one, and its server is not taken instead.
func TestTypedWordsOutlastAnotherProfile(t *testing.T) {
	w := open(t, "{}")
	w.key("music")
	w.profile("work")
	w.start()
	w.click("Set up a server…")
	w.choose("Server", "Another server")
	w.fill("Command", "/bin/sh mine.sh")
	w.fill("Variables", "API_TOKEN")
	w.choose("Profile", "always music (API key)")
	w.shows(`"API_TOKEN={secret}"`, "mine.sh")
}

// What somebody changed since is named before an undo takes it away, and only the entry is
// taken back.
func TestUndoOfWhatWasChangedSince(t *testing.T) {
	w := open(t, others)
	w.key("music")
	w.start()
	w.click("Set up a server…")
	w.fill("Command", "/bin/sh mine.sh")
	w.fill("Variables", "API_KEY")
	w.click("Set up")
	w.write(w.file(), strings.NewReplacer("mine.sh", "theirs.sh", "// mine", "// ours").Replace(w.config()))
	w.click("Undo the last change…")
	w.shows("it was changed since by somebody else; its args, command would be lost")
	w.click("Take it back")
	if want := strings.Replace(others, "// mine", "// ours", 1); w.config() != want {
		t.Errorf("the file has\n%s", w.config())
	}
}

// What others wrote into a client's file does not turn a line of the window around.
func TestWordsOfOthers(t *testing.T) {
	w := open(t, `{"mcpServers":{"evil\u202e\u001b[2J":{"command":"/x/stagedoor","args":["run","--","y"],"env":{"A_TOKEN":"`+planted+`"}},"b\u202ead":{"command":"/z/\u202eq"}}}`)
	w.key("music")
	w.start()
	for _, page := range []string{"Secrets in plain text", "Known servers", "Backups", "Claude Desktop"} {
		w.click(page)
		if all := strings.Join(windowtest.Texts(w.host.Window.Content()), "\n"); strings.ContainsAny(all, "\u202e\x1b") {
			t.Errorf("%s: %q", page, all)
		}
	}
	w.shows("bad (q)", "evil[2J")
	w.click("Remove…")
	if all := strings.Join(windowtest.Texts(w.host.Window.Content()), "\n"); strings.ContainsAny(all, "\u202e\x1b") {
		t.Errorf("the question: %q", all)
	}
}

// Where there is a polite way, a client that does not know of a change is restarted by a
// click, and by nothing else.
func TestRestartTheClient(t *testing.T) {
	w := openOn(t, "darwin", "{}")
	w.key("music")
	began := time.Now().Add(-time.Hour)
	w.parts.Setup.Processes = func(context.Context) ([]host.Process, error) {
		return []host.Process{{Path: "/Applications/Claude.app/Contents/MacOS/Claude", Began: began}}, nil
	}
	var ran []string
	w.parts.Run = func(_ context.Context, line string) error {
		ran = append(ran, line)
		began = time.Now().Add(time.Minute)
		return nil
	}
	w.start()
	if windowtest.Shows(w.pane, "Restart Claude Desktop") {
		t.Error("nothing is changed, and a restart is offered")
	}
	w.click("Set up a server…")
	w.fill("Command", "/bin/sh mine.sh")
	w.fill("Variables", "API_KEY")
	w.click("Set up")
	w.click("Done")
	w.shows("needs restart")
	w.click("Restart Claude Desktop")
	w.shows("Claude Desktop was started again")
	if len(ran) != 1 || !strings.Contains(ran[0], "quit app") || windowtest.Shows(w.pane, "Restart Claude Desktop") {
		t.Errorf("ran %q, and the page shows %q", ran, windowtest.Texts(w.pane))
	}
}

// Where Claude Desktop takes bundles, one click tries the server and hands over a bundle of
// it, and the file stays as it is.
func TestInstallAsABundle(t *testing.T) {
	w := openOn(t, "darwin", "{}")
	w.key("music")
	var made setup.Bundle
	var fails error
	w.parts.Bundle = func(_ context.Context, plan setup.Plan, tools []setup.Tool) (err error) {
		if made, err = w.parts.Setup.Bundle(plan, tools, "1.2.3"); err == nil {
			err = fails
		}
		return err
	}
	w.start()
	w.click("Set up a server…")
	w.fill("Command", "/bin/sh mine.sh")
	w.fill("Variables", "API_KEY")
	w.click("Install as a bundle")
	w.shows("music: 3 tools, ", "Claude Desktop asks whether to install it")
	if w.config() != "{}" || made.Name != "stagedoor-music.mcpb" || len(made.Data) == 0 {
		t.Errorf("the file has %q, the bundle is %q with %d bytes", w.config(), made.Name, len(made.Data))
	}
	fails = errors.New("no program opens it")
	w.click("Test again")
	w.shows("no program opens it")
}
