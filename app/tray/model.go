package tray

import (
	"fmt"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/app/guard"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// View is everything that the menu shows.
type View struct {
	State     auth.State
	Now       time.Time
	Problem   string // why State could not be read, or ""
	Waiting   bool   // the keychain does not answer: it waits for the user, and State is old
	LoggingIn string // the profile whose login is running, or ""
	Revoking  string // the profile that is being revoked, or ""
	CanSetup  bool   // Claude Desktop can be set up by a click
	SetupAsks string // what the user has to agree to first, in lines, or ""
	SettingUp bool   // and that is running
	Windows   bool   // there are windows to open
	Demo      bool   // it is the demonstration
	Lost      []guard.Loss
}

// Kind of a menu item.
type Kind string

// The kinds of items. A Note cannot be clicked.
const (
	Command   Kind = "command"
	Check     Kind = "check"
	Note      Kind = "note"
	Submenu   Kind = "submenu"
	Separator Kind = "separator"
)

// Verb is what a click does.
type Verb string

// What can be clicked.
const (
	Use         Verb = "use"          // Arg: the profile's name
	Login       Verb = "login"        // Arg: the profile's name
	CancelLogin Verb = "cancel login" //
	Revoke      Verb = "revoke"       // Arg: the profile's name
	Retry       Verb = "retry"        //
	Setup       Verb = "setup"        // Arg: what the user agrees to, or ""
	OpenWindow  Verb = "open window"  // Arg: the window's name
	PutBack     Verb = "put back"     // Arg: the client's id
	LeaveOut    Verb = "leave out"    // Arg: the client's id
	Quit        Verb = "quit"         //
)

// Action is what a click on an item does, and to what.
type Action struct {
	Verb Verb
	Arg  string
}

// Item is one line of the menu.
type Item struct {
	Kind     Kind
	Label    string
	Enabled  bool
	Checked  bool
	Action   Action
	Children []Item
}

// Look is what the icon itself shows.
type Look struct {
	Badge   bool   // alerts are open
	Tooltip string // one line
}

// Menu returns the menu for v. It is pure: the same view gives the same menu.
// Nothing is in it that a click could not do.
func Menu(v View) []Item {
	active, hasActive := v.State.Active()
	items := section(nil, headerItems(v))
	items = section(items, lostItems(v))
	items = section(items, profileItems(v, active, hasActive))
	items = section(items, setupItems(v, hasActive))
	items = section(items, windowItems(v))
	return section(items, []Item{command("Quit", Quit, "")})
}

// Appearance returns how the icon looks for v.
func Appearance(v View) Look {
	l := Look{Badge: len(v.State.Alerts) > 0, Tooltip: "Stagedoor: " + header(v)}
	if v.Demo {
		l.Tooltip = "Stagedoor demo: " + header(v)
	}
	switch n := len(v.State.Alerts); {
	case n == 1:
		l.Tooltip += ", 1 open alert"
	case n > 1:
		l.Tooltip += fmt.Sprintf(", %d open alerts", n)
	}
	return l
}

// openLines is how many lines the menu has for revocations that are not confirmed.
const openLines = 3

func headerItems(v View) []Item {
	var items []Item
	if v.Demo {
		items = append(items, note("Demo: nothing of yours is touched"))
	}
	items = append(items, note(header(v)))
	if v.Problem != "" {
		items = append(items, note("Cannot read the profiles: "+brief(v.Problem, 60)))
	}
	switch {
	case v.Waiting:
		items = append(items, note("Keychain: it is locked or waits for your answer"))
	case v.State.VaultProblem != "":
		vault := map[bool]string{true: "Vault file", false: "Keychain"}[v.State.Vault == "file"]
		items = append(items, note(vault+": "+brief(v.State.VaultProblem, 60)), command("Try the "+strings.ToLower(vault)+" again", Retry, ""))
	}
	if v.State.LogProblem != "" {
		items = append(items, note("P0: "+brief(v.State.LogProblem, 80)))
	}
	if v.State.OpenProblem != "" {
		items = append(items, note(brief(v.State.OpenProblem, 120)))
	}
	for _, r := range v.State.Refused {
		items = append(items, note("Cannot use the profile "+brief(r.Name, 30)+": its entry in profiles.json is damaged"))
	}
	for _, o := range v.State.Orphans {
		items = append(items, note(brief(o.Words(), 160)))
	}
	if p, ok := v.State.Active(); ok && p.Changed != "" {
		items = append(items, note(brief(p.Changed, 80)))
		if v.Windows {
			items = append(items, command("Look at it…", OpenWindow, "profiles"))
		} else if p.CanAccept {
			items = append(items, note("Accept it: stagedoor accept "+p.Name))
		}
	}
	for i, o := range v.State.Open {
		if rest := len(v.State.Open) - i; i == openLines-1 && rest > 1 {
			items = append(items, note(fmt.Sprintf("%d more revocations are not confirmed yet", rest)))
			break
		}
		items = append(items, note(brief(o.Words(), 120)))
	}
	if len(v.State.Profiles)+len(v.State.Refused) == 0 && v.Problem == "" && !v.Waiting {
		if v.Windows {
			items = append(items, command("Create a profile…", OpenWindow, "welcome"))
		} else {
			items = append(items, note("Create one: stagedoor create-profile"))
		}
	}
	return items
}

func profileItems(v View, active auth.ProfileView, hasActive bool) []Item {
	var items []Item
	if len(v.State.Profiles) > 0 {
		items = append(items, profilesMenu(v))
	}
	switch {
	case v.LoggingIn != "" && hasActive && v.LoggingIn == active.Name:
		items = append(items, command("Signing in… (click to cancel)", CancelLogin, ""))
	case v.LoggingIn != "":
		items = append(items, command("Signing in to "+v.LoggingIn+"… (click to cancel)", CancelLogin, ""))
	case hasActive && signIn(active, v.Now) != "":
		items = append(items, command(signIn(active, v.Now), Login, active.Name))
	}
	switch {
	case v.Revoking != "":
		items = append(items, note("Revoking "+v.Revoking+"…"))
	case hasActive && active.Status != auth.StatusNotConfigured:
		items = append(items, revokeMenu(active))
	}
	return items
}

// signIn is what the login is called in a profile's state, or "" where it is not
// offered: a login that works, or that is locked, needs none until it is about to end.
func signIn(p auth.ProfileView, now time.Time) string {
	switch {
	case p.APIKey, p.Status == auth.StatusUnknown:
		return ""
	}
	switch p.Status {
	case auth.StatusNotConfigured:
		return "Sign in"
	case auth.StatusActive:
		if days := daysLeft(p.GrantEnds, now); days == 0 || days > countdownDays {
			return ""
		}
	}
	return "Sign in again"
}

func profilesMenu(v View) Item {
	menu := Item{Kind: Submenu, Label: "Profiles", Enabled: true}
	for _, p := range v.State.Profiles {
		label := brief(p.Name, 30) + " · " + brief(p.ProviderName, 30)
		if state := statusText(p, v); p.Status != auth.StatusActive || v.Waiting {
			label += " — " + state
		}
		menu.Children = append(menu.Children, Item{
			Kind: Check, Label: label, Enabled: true, Checked: p.Active,
			Action: Action{Verb: Use, Arg: p.Name},
		})
	}
	if v.Windows {
		menu.Children = section(menu.Children, []Item{command("Manage profiles…", OpenWindow, "profiles")})
	}
	return menu
}

// revokeMenu asks once: a tray menu has no dialogs, so the question is a submenu
// that says what will happen at the provider and here, above the answer.
func revokeMenu(p auth.ProfileView) Item {
	provider, here := brief(p.ProviderName, 30), "Here: the tokens of "+p.Name+" are deleted"
	var there string
	switch {
	case p.APIKey:
		there, here = "Where the key comes from: nothing; delete it there", "Here: the API key of "+p.Name+" is deleted"
	case p.CanRevoke:
		there = "At " + provider + ": the login ends"
	case p.AppsPage != "":
		there = "At " + provider + ": its apps page opens; remove the app there"
	default:
		there = "At " + provider + ": nothing, it cannot be asked to end a login"
	}
	return Item{Kind: Submenu, Label: "Revoke…", Enabled: true, Children: []Item{
		note(there),
		note(here),
		command("Revoke "+p.Name+" now", Revoke, p.Name),
	}}
}

func setupItems(v View, hasActive bool) []Item {
	switch {
	case v.SettingUp:
		return []Item{note("Setting up Claude Desktop…")}
	case v.CanSetup && hasActive && v.SetupAsks != "":
		question := Item{Kind: Submenu, Label: "Set up Claude Desktop…", Enabled: true}
		for line := range strings.Lines(v.SetupAsks) {
			question.Children = append(question.Children, note(brief(text.Sentence(line), 140)))
		}
		question.Children = append(question.Children, command("Change the entry now", Setup, v.SetupAsks))
		return []Item{question}
	case v.CanSetup && hasActive:
		return []Item{command("Set up Claude Desktop", Setup, "")}
	}
	return nil
}

// lostItems ask what is to be done about what clients lost.
func lostItems(v View) (items []Item) {
	for _, l := range v.Lost {
		items = append(items, Item{Kind: Submenu, Label: brief(l.Title(), 80) + "…", Enabled: true, Children: []Item{
			note(brief(l.Words(), 140)),
			command("Put it back", PutBack, l.Client),
			command("Leave it out", LeaveOut, l.Client),
		}})
	}
	return items
}

func windowItems(v View) []Item {
	alerts := "Alerts"
	if n := len(v.State.Alerts); n > 0 {
		alerts = fmt.Sprintf("Alerts (%d)", n)
	}
	switch {
	case v.Windows:
		return []Item{command("Servers and clients…", OpenWindow, "servers"), command("Audit log…", OpenWindow, "audit"), command(alerts+"…", OpenWindow, "alerts")}
	case alerts != "Alerts":
		return []Item{note(alerts + ": stagedoor alerts")}
	}
	return nil
}

func header(v View) string {
	p, ok := v.State.Active()
	switch {
	case ok:
		return brief(p.Name, 30) + " · " + brief(p.ProviderName, 30) + " — " + statusText(p, v)
	case len(v.State.Profiles) > 0:
		return "No profile selected"
	case v.Problem != "" || v.Waiting:
		return "Stagedoor"
	default:
		return "No profile yet"
	}
}

func statusText(p auth.ProfileView, v View) string {
	words := p.Words()
	if v.Waiting {
		return "locked"
	}
	if p.Status == auth.StatusActive {
		if account := brief(p.Account, 40); account != "" && !p.APIKey {
			words += " as " + account
		}
		switch days := daysLeft(p.GrantEnds, v.Now); {
		case days == 1:
			words += ", 1 day left"
		case days > 1 && days <= countdownDays:
			words += fmt.Sprintf(", %d days left", days)
		}
	}
	return words
}

func command(label string, verb Verb, arg string) Item {
	return Item{Kind: Command, Label: label, Enabled: true, Action: Action{Verb: verb, Arg: arg}}
}

func note(label string) Item { return Item{Kind: Note, Label: label} }

// section appends more to items, with a separator between the two.
func section(items, more []Item) []Item {
	if len(items) > 0 && len(more) > 0 {
		items = append(items, Item{Kind: Separator})
	}
	return append(items, more...)
}

// brief is the first line of a text that comes from elsewhere, for a menu.
func brief(s string, n int) string {
	first, _, _ := strings.Cut(text.Lines(s, 1000), "\n")
	return text.Line(first, n)
}
