//go:build !lean

package servers

import (
	"strings"
	"testing"
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
	w.shows("Fill in the variable that the server reads its token from.")
	w.fill("Variables", "API_TOKEN")
	w.shows("What changes in "+w.file(), `+    "spotify": {`, "API_TOKEN={access_token}")
	if w.config() != others {
		t.Fatal("looking at it has changed the file")
	}
	w.click("Set up")
	w.shows("spotify: 3 tools, ", "The entry is written to "+w.file())
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
