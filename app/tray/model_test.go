package tray

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/app/guard"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// drawn draws a menu the way a person reads it: one line per item, children
// indented, what cannot be clicked in parentheses, and the action after "->".
func drawn(items []Item) string {
	var b strings.Builder
	var draw func(items []Item, indent string)
	draw = func(items []Item, indent string) {
		for _, i := range items {
			b.WriteString(indent)
			switch {
			case i.Kind == Separator:
				b.WriteString("---")
			case i.Kind == Check && i.Checked:
				b.WriteString("[x] " + i.Label)
			case i.Kind == Check:
				b.WriteString("[ ] " + i.Label)
			case !i.Enabled:
				b.WriteString("(" + i.Label + ")")
			default:
				b.WriteString(i.Label)
			}
			if i.Action != (Action{}) {
				b.WriteString(" -> " + strings.TrimSpace(string(i.Action.Verb)+" "+i.Action.Arg))
			}
			b.WriteString("\n")
			draw(i.Children, indent+"  ")
		}
	}
	draw(items, "")
	return b.String()
}

func spotify(name string, s auth.Status) auth.ProfileView {
	p := auth.ProfileView{
		ID: "id-" + name, Name: name, Provider: "spotify", ProviderName: "Spotify", Service: "spotify", Status: s,
		AppsPage: "https://www.spotify.com/account/apps/",
	}
	if s == auth.StatusActive {
		p.Account = "Ada"
	}
	return p
}

// An API key has no login: nothing asks to sign in, and a revocation tells nobody.
func TestMenuOfAnAPIKey(t *testing.T) {
	p := active(auth.ProfileView{ID: "1", Name: "github", Provider: "api-key", ProviderName: "API key", APIKey: true, Account: "Ada", Status: auth.StatusActive})
	got := drawn(Menu(View{State: auth.State{Profiles: []auth.ProfileView{p}}, Now: noon}))
	for _, want := range []string{"(github · API key — stored)\n", "(Where the key comes from: nothing; delete it there)", "(Here: the API key of github is deleted)"} {
		if !strings.Contains(got, want) {
			t.Errorf("want %q in\n%s", want, got)
		}
	}
	p.Status = auth.StatusNotConfigured
	got += drawn(Menu(View{State: auth.State{Profiles: []auth.ProfileView{p}}, Now: noon}))
	if strings.Contains(strings.ToLower(got), "sign") {
		t.Errorf("somebody is asked to sign in:\n%s", got)
	}
}

func active(p auth.ProfileView) auth.ProfileView {
	p.Active = true
	return p
}

func profiles(p ...auth.ProfileView) auth.State { return auth.State{Profiles: p, Vault: "keychain"} }

func TestMenu(t *testing.T) {
	corp := auth.ProfileView{ID: "id-corp", Name: "corp", ProviderName: "Corp ID", Status: auth.StatusExpired, CanRevoke: true}
	tidal := auth.ProfileView{ID: "id-t", Name: "hifi", ProviderName: "TIDAL", Status: auth.StatusNeedsLogin}
	ending := active(spotify("work", auth.StatusActive))
	ending.GrantEnds = noon.Add(13*day + time.Hour)
	odd := active(spotify("work", auth.StatusActive))
	odd.Account = "\u202eAda\x1b[2J\nLovelace" + strings.Repeat("!", 100)

	for name, c := range map[string]struct {
		view View
		want string
	}{
		"a client lost its servers": {View{Lost: []guard.Loss{
			{Client: "cursor", Name: "Cursor", Entries: []string{"spotify"}, Why: guard.Gone},
			{Client: "claude-desktop", Name: "Claude Desktop", Entries: []string{"e", "d", "c", "b\x1b[2J", "a"}, Why: guard.Others},
		}}, `
(No profile yet)
(Create one: stagedoor create-profile)
---
Cursor lost spotify…
  (It is gone from the config and the other servers are there. Stagedoor did not take it out)
  Put it back -> put back cursor
  Leave it out -> leave out cursor
Claude Desktop lost other servers: a, b[2J, c and 2 more…
  (They were wiped together with Stagedoor's, which are back)
  Put it back -> put back claude-desktop
  Leave it out -> leave out claude-desktop
---
Quit -> quit
`},
		"first start, lean build": {View{}, `
(No profile yet)
(Create one: stagedoor create-profile)
---
Quit -> quit
`},
		"first start with windows": {View{Windows: true, CanSetup: true}, `
(No profile yet)
Create a profile… -> open window welcome
---
Servers and clients… -> open window servers
Audit log… -> open window audit
Alerts… -> open window alerts
---
Quit -> quit
`},
		"signed in": {View{
			State:    profiles(spotify("home", auth.StatusNotConfigured), active(spotify("work", auth.StatusActive))),
			Windows:  true,
			CanSetup: true,
		}, `
(work · Spotify — signed in as Ada)
---
Profiles
  [ ] home · Spotify — not signed in -> use home
  [x] work · Spotify -> use work
  ---
  Manage profiles… -> open window profiles
Revoke…
  (At Spotify: its apps page opens; remove the app there)
  (Here: the tokens of work are deleted)
  Revoke work now -> revoke work
---
Set up Claude Desktop -> setup
---
Servers and clients… -> open window servers
Audit log… -> open window audit
Alerts… -> open window alerts
---
Quit -> quit
`},
		"an entry that is not Stagedoor's": {View{
			State: profiles(active(tidal)), CanSetup: true,
			SetupAsks: "the entry \"tidal\" of Claude Desktop starts npx without Stagedoor\nit would start through Stagedoor",
		}, `
(hifi · TIDAL — sign in again)
---
Profiles
  [x] hifi · TIDAL — sign in again -> use hifi
Sign in again -> login hifi
Revoke…
  (At TIDAL: nothing, it cannot be asked to end a login)
  (Here: the tokens of hifi are deleted)
  Revoke hifi now -> revoke hifi
---
Set up Claude Desktop…
  (The entry "tidal" of Claude Desktop starts npx without Stagedoor)
  (It would start through Stagedoor)
  Change the entry now -> setup the entry "tidal" of Claude Desktop starts npx without Stagedoor
it would start through Stagedoor
---
Quit -> quit
`},
		"revocations that are not confirmed": {View{State: auth.State{
			Profiles: []auth.ProfileView{active(corp)},
			Open: []auth.OpenRevocation{
				{Name: "corp", Host: "login.example.com"}, {Name: "old", Deleted: true, Host: "example.org"}, {Name: "a"}, {Name: "b"},
			},
		}}, `
(corp · Corp ID — sign in again)
(corp: removed here; login.example.com has not confirmed the revocation yet and is asked again)
(old (deleted): removed here; example.org has not confirmed the revocation yet and is asked again)
(2 more revocations are not confirmed yet)
---
Profiles
  [x] corp · Corp ID — sign in again -> use corp
Sign in again -> login corp
Revoke…
  (At Corp ID: the login ends)
  (Here: the tokens of corp are deleted)
  Revoke corp now -> revoke corp
---
Quit -> quit
`},
		"every window, open alerts": {View{
			State: auth.State{
				Profiles: []auth.ProfileView{active(corp)},
				Alerts:   []alert.Alert{{ID: "1"}, {ID: "2"}},
			},
			Windows: true,
		}, `
(corp · Corp ID — sign in again)
---
Profiles
  [x] corp · Corp ID — sign in again -> use corp
  ---
  Manage profiles… -> open window profiles
Sign in again -> login corp
Revoke…
  (At Corp ID: the login ends)
  (Here: the tokens of corp are deleted)
  Revoke corp now -> revoke corp
---
Servers and clients… -> open window servers
Audit log… -> open window audit
Alerts (2)… -> open window alerts
---
Quit -> quit
`},
		"alerts without any window": {View{State: auth.State{Alerts: []alert.Alert{{ID: "1"}}}}, `
(No profile yet)
(Create one: stagedoor create-profile)
---
(Alerts (1): stagedoor alerts)
---
Quit -> quit
`},
		"login runs, provider without revocation": {View{
			State: profiles(active(tidal)), LoggingIn: "hifi",
		}, `
(hifi · TIDAL — sign in again)
---
Profiles
  [x] hifi · TIDAL — sign in again -> use hifi
Signing in… (click to cancel) -> cancel login
Revoke…
  (At TIDAL: nothing, it cannot be asked to end a login)
  (Here: the tokens of hifi are deleted)
  Revoke hifi now -> revoke hifi
---
Quit -> quit
`},
		"busy with everything": {View{
			State:     profiles(active(spotify("work", auth.StatusNotConfigured)), tidal),
			LoggingIn: "hifi", Revoking: "work", SettingUp: true, CanSetup: true,
		}, `
(work · Spotify — not signed in)
---
Profiles
  [x] work · Spotify — not signed in -> use work
  [ ] hifi · TIDAL — sign in again -> use hifi
Signing in to hifi… (click to cancel) -> cancel login
(Revoking work…)
---
(Setting up Claude Desktop…)
---
Quit -> quit
`},
		"another account": {View{
			State: profiles(active(blocked("work"))), Windows: true,
		}, `
(work · Spotify — blocked: another account)
(the account is Bob, it was Ada)
Look at it… -> open window profiles
---
Profiles
  [x] work · Spotify — blocked: another account -> use work
  ---
  Manage profiles… -> open window profiles
Sign in again -> login work
Revoke…
  (At Spotify: its apps page opens; remove the app there)
  (Here: the tokens of work are deleted)
  Revoke work now -> revoke work
---
Servers and clients… -> open window servers
Audit log… -> open window audit
Alerts… -> open window alerts
---
Quit -> quit
`},
		"keychain locked": {View{
			State: auth.State{
				Profiles:     []auth.ProfileView{active(spotify("work", auth.StatusUnknown))},
				Vault:        "keychain",
				VaultProblem: "the keychain is locked\nhint: unlock it",
			},
		}, `
(work · Spotify — locked)
(Keychain: the keychain is locked)
Try the keychain again -> retry
---
Profiles
  [x] work · Spotify — locked -> use work
Revoke…
  (At Spotify: its apps page opens; remove the app there)
  (Here: the tokens of work are deleted)
  Revoke work now -> revoke work
---
Quit -> quit
`},
		"log that cannot be used": {View{
			State: auth.State{LogProblem: "the audit log is not in order: audit is a named pipe\nhint: move it away"},
		}, `
(No profile yet)
(P0: the audit log is not in order: audit is a named pipe)
(Create one: stagedoor create-profile)
---
Quit -> quit
`},
		"no profile selected": {View{State: profiles(tidal), CanSetup: true}, `
(No profile selected)
---
Profiles
  [ ] hifi · TIDAL — sign in again -> use hifi
---
Quit -> quit
`},
		"state cannot be read": {View{Problem: "profiles.json: permission denied"}, `
(Stagedoor)
(Cannot read the profiles: profiles.json: permission denied)
---
Quit -> quit
`},
		"login ends soon": {View{State: profiles(ending)}, `
(work · Spotify — signed in as Ada, 14 days left)
---
Profiles
  [x] work · Spotify -> use work
Sign in again -> login work
Revoke…
  (At Spotify: its apps page opens; remove the app there)
  (Here: the tokens of work are deleted)
  Revoke work now -> revoke work
---
Quit -> quit
`},
		"demo": {View{Demo: true, Windows: true}, `
(Demo: nothing of yours is touched)
(No profile yet)
Create a profile… -> open window welcome
---
Servers and clients… -> open window servers
Audit log… -> open window audit
Alerts… -> open window alerts
---
Quit -> quit
`},
		"long name": {View{State: profiles(active(spotify("a-name-of-sixty-letters-which-makes-a-menu-as-wide-as-a-screen", auth.StatusNotConfigured)))}, `
(a-name-of-sixty-letters-which… · Spotify — not signed in)
---
Profiles
  [x] a-name-of-sixty-letters-which… · Spotify — not signed in -> use a-name-of-sixty-letters-which-makes-a-menu-as-wide-as-a-screen
Sign in -> login a-name-of-sixty-letters-which-makes-a-menu-as-wide-as-a-screen
---
Quit -> quit
`},
		// The keychain asks, and nothing is known yet: nobody is told to begin anew.
		"not read yet": {View{Waiting: true, Windows: true}, `
(Stagedoor)
(Keychain: it is locked or waits for your answer)
---
Servers and clients… -> open window servers
Audit log… -> open window audit
Alerts… -> open window alerts
---
Quit -> quit
`},
		"hostile account name": {View{State: profiles(odd)}, `
(work · Spotify — signed in as Ada[2J)
---
Profiles
  [x] work · Spotify -> use work
Revoke…
  (At Spotify: its apps page opens; remove the app there)
  (Here: the tokens of work are deleted)
  Revoke work now -> revoke work
---
Quit -> quit
`},
	} {
		t.Run(name, func(t *testing.T) {
			c.view.Now = noon
			if diff := cmp.Diff(c.want, "\n"+drawn(Menu(c.view))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAppearance(t *testing.T) {
	calm := View{Now: noon, State: profiles(active(spotify("work", auth.StatusActive)))}
	if diff := cmp.Diff(Look{Tooltip: "Stagedoor: work · Spotify — signed in as Ada"}, Appearance(calm)); diff != "" {
		t.Error(diff)
	}
	demo := calm
	demo.Demo = true
	if diff := cmp.Diff(Look{Tooltip: "Stagedoor demo: work · Spotify — signed in as Ada"}, Appearance(demo)); diff != "" {
		t.Error(diff)
	}
	calm.State.Alerts = []alert.Alert{{}, {}}
	if diff := cmp.Diff(Look{Badge: true, Tooltip: "Stagedoor: work · Spotify — signed in as Ada, 2 open alerts"}, Appearance(calm)); diff != "" {
		t.Error(diff)
	}
}

// The timer must be set to every moment at which the menu would change by
// itself, and to none when it never will.
func TestNextMoment(t *testing.T) {
	p := spotify("work", auth.StatusActive)
	if got := nextMoment(profiles(p), noon); !got.IsZero() {
		t.Errorf("nothing can change, but the timer is set to %v", got)
	}
	p.Expires = noon.Add(time.Hour)
	p.GrantEnds = noon.Add(16 * day)
	want := []time.Time{p.Expires}
	for days := 14; days >= 0; days-- {
		want = append(want, p.GrantEnds.Add(-time.Duration(days)*day))
	}
	var got []time.Time
	for now := noon; ; now = got[len(got)-1] {
		next := nextMoment(profiles(p), now)
		if next.IsZero() {
			break
		}
		got = append(got, next)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func blocked(name string) auth.ProfileView {
	p := spotify(name, auth.StatusBlocked)
	p.Blocked, p.Changed, p.CanAccept = "another account", "the account is Bob, it was Ada", true
	return p
}
