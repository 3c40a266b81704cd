package auth_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// lines are the log's lines; set replaces them. The log has one segment.
func (w *world) lines() []string {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, "audit", "000001.jsonl"))
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.SplitAfter(strings.TrimSuffix(string(data), "\n")+"\n", "\n")[:bytes.Count(data, []byte("\n"))]
}

func (w *world) set(lines []string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, "audit", "000001.jsonl"), []byte(strings.Join(lines, "")), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// forge is the line that somebody would add behind lines who can write the
// log's file and has not its key. mac is "" for none.
func forge(lines []string, mac, event, profile string, data map[string]any) string {
	last := strings.TrimSuffix(lines[len(lines)-1], "\n")
	var before struct {
		Seq int
		TS  string
		MAC *string
	}
	if err := json.Unmarshal([]byte(last), &before); err != nil {
		panic(err)
	}
	sum := sha256.Sum256([]byte(last))
	prev := hex.EncodeToString(sum[:])
	if before.MAC != nil {
		prev = *before.MAC
	}
	text, member := "null", ""
	if mac != "" {
		text = `"` + mac + `"`
	}
	if data != nil {
		d, _ := json.Marshal(data)
		member = `,"data":` + string(d)
	}
	return fmt.Sprintf(`{"v":1,"seq":%d,"ts":"%s","actor":"cli","pid":1,"event":"%s","profile":"%s","outcome":"ok"%s,"prev":"%s","mac":%s}`+"\n",
		before.Seq+1, before.TS, event, profile, member, prev, text)
}

func open(list []alert.Alert, rule string) bool {
	return slices.ContainsFunc(list, func(a alert.Alert) bool { return a.Rule == rule && a.State == alert.Open })
}

// Whoever can write the log's file and has not its key can silence no alert:
// not by acknowledging or resolving it, not with a line that looks sealed, not
// by editing a genuine line, and not by copying one.
func TestAForgedLineSilencesNoAlert(t *testing.T) {
	p := profile.Profile{ID: "p", Name: "work"}
	made := strings.Repeat("ab", 32)
	for name, forgery := range map[string]func(lines []string, id string) []string{
		"an acknowledgement without a MAC": func(l []string, id string) []string {
			return append(l, forge(l, "", audit.AlertAcknowledged, "", map[string]any{"alert": id}))
		},
		"an acknowledgement with a MAC that is made up": func(l []string, id string) []string {
			return append(l, forge(l, made, audit.AlertAcknowledged, "", map[string]any{"alert": id}))
		},
		"a success without a MAC": func(l []string, _ string) []string {
			return append(l, forge(l, "", audit.TokenRefreshed, "p", nil))
		},
		"a deleted profile with a MAC that is made up": func(l []string, _ string) []string {
			return append(l, forge(l, made, audit.ProfileDeleted, "p", nil))
		},
		"a copy of a genuine success": func(l []string, _ string) []string { return append(l, l[0]) },
		"a copy of a genuine success, behind a copy of the line before it": func(l []string, _ string) []string {
			return append(l, l[0], l[1])
		},
		"a copy of a genuine success, led up to by a line with its MAC": func(l []string, _ string) []string {
			var first struct{ MAC string }
			_ = json.Unmarshal([]byte(l[0]), &first)
			return append(l, forge(l, first.MAC, audit.ProfileUsed, "p", nil), l[1])
		},
		"a genuine line that was made a success": func(l []string, _ string) []string {
			i := len(l) - 1
			l[i] = strings.Replace(l[i], audit.KeychainAccess, audit.LoginSucceeded, 1)
			return l
		},
		"a genuine success behind a line that was edited": func(l []string, _ string) []string {
			l[2] = strings.Replace(l[2], `"outcome":"failed"`, `"outcome":"ok"`, 1)
			return append(l, l[0], l[1])
		},
	} {
		w := newWorld(t, authtest.Params{})
		w.keeper.Record(t.Context(), p, audit.TokenRefreshed, audit.OK, nil)
		w.keeper.Record(t.Context(), p, audit.TokenRefreshed, audit.OK, nil)
		for range 4 {
			w.keeper.Record(t.Context(), p, audit.RefreshFailed, audit.Failed, nil)
		}
		w.keeper.Record(t.Context(), p, audit.KeychainAccess, audit.OK, nil)
		before := w.alerts(w.keeper)
		if !open(before, "refresh_failed") {
			t.Fatalf("%s: %+v", name, before)
		}
		w.set(forgery(w.lines(), before[0].ID))
		for who, k := range map[string]*auth.Keeper{"the tray": w.keeper, "a command": w.open()} {
			if got := w.alerts(k); !open(got, "refresh_failed") {
				t.Errorf("%s: %s shows %+v", name, who, got)
			}
		}
	}
}

// The user is told of a theft although forged lines say that this was done.
func TestAForgedAnnouncementKeepsNothingBack(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	lines := w.lines()
	for i := range 9 {
		lines = append(lines, forge(lines, "", audit.SecurityAlert, "", map[string]any{
			"alert": fmt.Sprintf("token_reuse_detected-%d", i), "severity": "P0", "count": 1000000,
		}))
	}
	w.set(lines)
	// The log closes over them with a line of its own, which does not make them true.
	w.keeper.Record(t.Context(), profile.Profile{ID: "p"}, audit.ReuseDetected, audit.Failed, map[string]any{"kind": alert.ReuseInvalidGrant})
	lines = w.lines()
	w.set(append(lines, forge(lines, "", audit.SecurityAlert, "", map[string]any{"alert": fmt.Sprintf("token_reuse_detected-%d", len(lines)), "severity": "P0", "count": 1000000})))
	if got := w.sweep(w.keeper); len(got) != 1 || got[0] != fmt.Sprintf("token_reuse_detected-%d", len(lines)) {
		t.Errorf("the user is told of %v", got)
	}
	if got := w.sweep(w.keeper); got != nil {
		t.Errorf("told again: %v", got)
	}
}

// Ten thousand forged lines become one alert of each rule: they cost the user
// one notification and the log one line.
func TestAFloodOfForgedLinesIsOneAlert(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	lines := w.lines()
	for i := range 10_000 {
		lines = append(lines, forge(lines, "", audit.ClaimsChanged, fmt.Sprint("p", i), map[string]any{"what": "account"}))
	}
	w.set(lines)
	w.keeper.Record(t.Context(), profile.Profile{ID: "p"}, audit.ReuseDetected, audit.Failed, map[string]any{"kind": alert.ReuseInvalidGrant})
	before := len(w.lines())
	got := w.sweep(w.keeper)
	if len(got) != 2 || !strings.HasPrefix(got[0], "token_reuse_detected-") || !strings.HasPrefix(got[1], "claims_changed-") {
		t.Errorf("the user is told of %v", got)
	}
	if n := len(w.lines()) - before; n != 2 {
		t.Errorf("telling took %d lines", n)
	}
}

// The log says "told" only where it verifies. A process that goes on while it
// does not must not tell of the same thing every minute.
func TestABrokenLogIsToldOnce(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	w.create("home")
	w.set(append([]string{strings.Replace(w.lines()[0], "work", "wind", 1)}, w.lines()[1:]...))
	if r, err := w.keeper.VerifyLog(t.Context(), nil); err != nil || r.OK {
		t.Fatal(r, err)
	}
	if got := w.sweep(w.keeper); len(got) != 1 || !strings.HasPrefix(got[0], "audit_tamper-") {
		t.Errorf("told of %v", got)
	}
	for range 3 {
		w.keeper.Record(t.Context(), profile.Profile{}, audit.KeychainAccess, audit.OK, nil)
		if got := w.sweep(w.keeper); got != nil {
			t.Errorf("told again of %v", got)
		}
	}
	id := w.alerts(w.keeper)[0].ID
	if err := w.keeper.AckAlert(t.Context(), id, ""); !strings.Contains(hint.Of(err), "accept") || !open(w.alerts(w.keeper), "audit_tamper") {
		t.Errorf("acknowledged in a log that does not verify: %v", err)
	}
}

// A log that does not verify is said every day anew, also if somebody else has
// "said" so, and also if the clock was wrong when it was said.
func TestAProblemIsToldEveryDay(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	w.create("home")
	w.set(append([]string{strings.Replace(w.lines()[0], "work", "wind", 1)}, w.lines()[1:]...))
	forged := forge(w.lines(), "", audit.AuditTamper, "", map[string]any{"kind": "edited", "problem": "000001.jsonl:1:1"})
	w.set(append(w.lines(), forged))
	noted := func(step string, want int) {
		t.Helper()
		for _, k := range []*auth.Keeper{w.keeper, w.open()} {
			if r, err := k.VerifyLog(t.Context(), nil); err != nil || r.OK {
				t.Fatal(r, err)
			}
		}
		n := strings.Count(strings.Join(w.lines(), ""), `"event":"audit_tamper"`) - 1
		if n != want {
			t.Errorf("%s: written down %d times, want %d", step, n, want)
		}
		if told := w.sweep(w.keeper); len(told) != 1 {
			t.Errorf("%s: the user is told of %v", step, told)
		}
	}
	noted("at first", 1)
	w.clock.Advance(25 * time.Hour)
	noted("a day later", 2)
	w.clock.Advance(-72 * time.Hour)
	noted("the clock set back by three days", 3)
}

// Without the key nothing can be known of what calms: the grave is told, and an
// acknowledgement that would not count is not taken.
func TestALockedKeychainCalmsNothing(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	p := profile.Profile{ID: "p"}
	w.keeper.Record(t.Context(), p, audit.ReuseDetected, audit.Failed, map[string]any{"kind": alert.ReuseInvalidGrant})
	for range 3 {
		w.keeper.Record(t.Context(), p, audit.StrayCallback, audit.Failed, nil)
	}
	for _, a := range w.alerts(w.keeper) {
		if err := w.keeper.AckAlert(t.Context(), a.ID, "seen"); err != nil {
			t.Fatal(err)
		}
	}
	w.vault.Fail(vault.ErrLocked)
	k := w.open()
	list := w.alerts(k)
	if !open(list, "token_reuse_detected") || !list[0].Unverified {
		t.Errorf("with the keychain locked: %+v", list)
	}
	if err := k.AckAlert(t.Context(), list[0].ID, ""); err == nil || !strings.Contains(err.Error(), "keychain") {
		t.Errorf("acknowledged with the keychain locked: %v", err)
	}
	if got := w.sweep(k); len(got) != 1 || got[0] != list[0].ID {
		t.Errorf("told with the keychain locked: %v", got)
	}
	w.vault.Fail(nil)
	w.clock.Advance(time.Minute)
	if got := w.alerts(k); len(got) != 2 || got[0].State != alert.Acked || got[1].State != alert.Acked {
		t.Errorf("unlocked: %+v", got)
	}
	if got := w.sweep(k); got != nil {
		t.Errorf("told again once it is unlocked: %v", got)
	}
}

// What is written down once a day, so that one thing does not fill the log, is
// written down although a forged line says that it was.
func TestAForgedLineKeepsNothingOutOfTheLog(t *testing.T) {
	w := newWorld(t, withSecret())
	evil := w.another()
	w.confidential("work")
	w.login("work")
	w.edit(func(_, e map[string]any) { e["token"] = evil.Issuer() + "/token" })
	for name, write := range map[string]func(k *auth.Keeper){
		audit.EndpointChanged: func(k *auth.Keeper) { _, _ = k.Token(t.Context(), "work", "run") },
		audit.CertificateSeen: func(k *auth.Keeper) {
			k.SawCertificate("a.example", w.clock.Now().Add(48*time.Hour))
			if err := k.Close(t.Context()); err != nil {
				t.Log(err) // the anchor knows of lines that are gone
			}
		},
	} {
		write(w.open())
		e := w.only(name)
		lines := w.lines()
		i := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, name) })
		lines = slices.Delete(lines, i, len(lines))
		w.set(append(lines, forge(lines, "", e.Name, e.Profile, e.Data)))
		write(w.open())
		if !slices.ContainsFunc(w.alerts(w.open()), func(a alert.Alert) bool { return !a.Unverified && a.State == alert.Open }) {
			t.Errorf("%s: %+v", name, w.alerts(w.open()))
		}
		w.set(lines)
	}
}
