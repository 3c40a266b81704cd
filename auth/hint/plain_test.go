package hint

import "testing"

// A window tells nobody to type a command, and loses no advice that can be followed in it.
func TestPlain(t *testing.T) {
	for advice, want := range map[string]string{
		"":                                 "",
		"unlock it":                        "unlock it",
		"sign in again: stagedoor login":   "sign in again",
		"see stagedoor providers":          "",
		"give the client id (--client-id)": "give the client id",
		"choose another name, or delete it first: stagedoor delete-profile a.b": "choose another name, or delete it first",
		"unlock it, and try again; STAGEDOOR_KEYCHAIN_WAIT=120 gives you time":  "unlock it, and try again",
		"name yours, or take the provider's own row (stagedoor providers)":      "name yours, or take the provider's own row",
		"Sign in again: `stagedoor login PROFILE`. The servers stand still.":    "Sign in again. The servers stand still.",
		"Accept it if it is right (`stagedoor accept PROFILE`), or sign in.":    "Accept it if it is right, or sign in.",
		"Look at it.\nSay it once: stagedoor setup --env A={b} -- npx; then go": "Look at it.\nSay it once; then go",
		"say it once in a terminal: stagedoor setup -- npx":                     "say it once in a terminal: stagedoor setup -- npx",
		"name the interpreter behind --: stagedoor setup -- /bin/sh x":          "name the interpreter",
		"Stagedoor keeps it -- for you":                                         "Stagedoor keeps it -- for you",
	} {
		if got := Plain(advice); got != want {
			t.Errorf("%q: %q, want %q", advice, got, want)
		}
	}
}
