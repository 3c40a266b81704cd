package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

const (
	slowVault  = time.Second // for one item; each start of a server waits for it
	endsSoon   = 14 * 24 * time.Hour
	clockOff   = 30 * time.Second
	clockWrong = 5 * time.Minute
)

func (d *Doctor) lookKeychain(ctx context.Context) []Finding {
	took, err := d.Keeper.VaultAnswers(ctx)
	place := "the keychain"
	if d.Vault == vault.File {
		place = "the file vault"
	}
	answered := fmt.Sprintf("%s answered in %d ms", place, took.Milliseconds())
	switch {
	case errors.Is(err, vault.ErrLocked) && d.Vault != vault.File:
		return []Finding{{Status: Fail, Why: place + " is locked", Fix: "stagedoor profiles opens its prompt; or " + cmp.Or(hint.Of(err), "unlock it")}}
	case errors.Is(err, vault.ErrNotFound): // a vault without items needs no key, so that nothing is known of that
		return []Finding{{Status: OK, Why: answered + "; there is nothing in it yet"}}
	case err != nil:
		return []Finding{failed(Fail, "", err, "")}
	case took > slowVault && d.Vault == vault.File:
		return []Finding{{Status: Warn, Why: answered + ", for which each start of a server waits", Fix: "a key file is faster than a passphrase: see STAGEDOOR_KEY_FILE in stagedoor help environment"}}
	case took > slowVault:
		return []Finding{{Status: Warn, Why: answered + ", for which each start of a server waits", Fix: "look again when the computer has less to do: stagedoor doctor"}}
	}
	return []Finding{{Status: OK, Why: answered}}
}

func (d *Doctor) lookProfiles(context.Context) (found []Finding) {
	if _, err := d.Settings.Settings(); err != nil {
		found = append(found, failed(Fail, "settings", err, "stagedoor settings --path"))
	}
	state, err := d.state()
	if err != nil {
		return append(found, failed(Fail, "", err, ""))
	}
	for _, r := range state.Refused {
		found = append(found, failed(Fail, "profiles.json", r.Err, "put profiles.json back from a backup"))
	}
	for _, o := range state.Orphans {
		found = append(found, Finding{Status: Warn, Why: o.Words(), Fix: "stagedoor revoke " + o.ID})
	}
	switch n := len(state.Profiles); {
	case n == 0:
		found = append(found, Finding{Status: Warn, Why: "there is no profile yet", Fix: "stagedoor create-profile NAME --provider spotify --client-id ID"})
	case found == nil:
		found = append(found, Finding{Status: OK, Why: fmt.Sprintf("profiles: %d", n)})
	}
	return found
}

// profiles are those there are, or what to say if nobody knows.
func (d *Doctor) profiles() ([]auth.ProfileView, []Finding) {
	state, err := d.state()
	switch {
	case err != nil:
		return nil, []Finding{skipped("the profiles cannot be read")}
	case len(state.Profiles) == 0:
		return nil, []Finding{skipped("there is no profile")}
	}
	return state.Profiles, nil
}

// lookLogins looks at times only: a refresh would be more than a look.
func (d *Doctor) lookLogins(context.Context) []Finding {
	profiles, found := d.profiles()
	for _, p := range profiles {
		found = append(found, d.lookLogin(p))
	}
	return found
}

func (d *Doctor) lookLogin(p auth.ProfileView) Finding {
	f := Finding{About: p.Name, Status: Fail, Why: p.Words(), Fix: "stagedoor login " + p.Name}
	now := d.Now()
	switch p.Status {
	case auth.StatusUnknown:
		return Finding{About: p.Name, Status: Skipped, Why: "the keychain cannot be read"}
	case auth.StatusNotConfigured, auth.StatusSignedOut:
		if f.Status = Warn; p.APIKey {
			f.Fix = "stagedoor secret set " + p.Name
		}
	case auth.StatusBlocked:
		f.Why = "no server gets a token: " + cmp.Or(p.Changed, p.Blocked)
		if p.CanAccept {
			f.Fix = "stagedoor accept " + p.Name + ", if that is right; else stagedoor login " + p.Name
		}
	case auth.StatusActive:
		f.Status, f.Fix = OK, ""
		left := p.Expires.Sub(now)
		switch {
		case p.APIKey:
			f.Why = "its API key is in the vault"
			if !p.SecretDue.IsZero() && p.SecretDue.Before(now) {
				f.Status, f.Why, f.Fix = Warn, f.Why+", and was to be replaced on "+p.SecretDue.Local().Format(time.DateOnly), "stagedoor secret rotate "+p.Name
			}
			return f
		case !p.GrantEnds.IsZero() && p.GrantEnds.Sub(now) < endsSoon:
			f.Status, f.Fix = Warn, "stagedoor login "+p.Name
			f.Why = "the login ends on " + p.GrantEnds.Local().Format(time.DateOnly)
		case p.NoEnd:
			f.Why = "signed in; the token has no known end"
		case left > 0:
			f.Why = fmt.Sprintf("signed in; the token is good for another %s", left.Round(time.Second))
		default:
			f.Why = "signed in; the next server that starts gets a new token"
		}
		if f.Status == OK && !p.Renews && !p.NoEnd {
			f.Status, f.Fix = Warn, "stagedoor login "+p.Name+" when it has ended"
			f.Why += ", and nothing renews it"
		}
	}
	return f
}

// reached is what came of asking one profile's provider.
type reached struct {
	host string
	oauth.Reached
	err error
}

// reachAll asks the providers of all profiles at once.
func (d *Doctor) reachAll(ctx context.Context) map[string]reached {
	ctx, cancel := context.WithTimeout(ctx, d.bound)
	defer cancel()
	profiles, _ := d.profiles()
	all := map[string]reached{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, p := range profiles {
		if p.APIKey { // whose it is, is not known
			continue
		}
		wg.Go(func() {
			var r reached
			r.host, r.Reached, r.err = d.Keeper.Reach(ctx, p.Name)
			mu.Lock()
			defer mu.Unlock()
			all[p.Name] = r
		})
	}
	wg.Wait()
	return all
}

func (d *Doctor) lookProviders(context.Context) []Finding {
	profiles, found := d.profiles()
	for _, p := range profiles {
		switch r := d.reached()[p.Name]; {
		case p.APIKey:
			found = append(found, Finding{About: p.Name, Status: Skipped, Why: "an API key has no provider that is known"})
		case r.err != nil:
			found = append(found, failed(Fail, p.Name, r.err, "check the network"))
		default:
			found = append(found, Finding{About: p.Name, Status: OK, Why: fmt.Sprintf("%s answered in %d ms", r.host, r.Took.Milliseconds())})
		}
	}
	return found
}

// lookClock believes of several servers the one that agrees most.
func (d *Doctor) lookClock(context.Context) []Finding {
	if _, none := d.profiles(); none != nil {
		return none
	}
	var timed []reached
	for _, r := range d.reached() {
		if r.Timed {
			timed = append(timed, r)
		}
	}
	if timed == nil {
		return []Finding{skipped("no provider told its time")}
	}
	best := slices.MinFunc(timed, func(a, b reached) int { return cmp.Compare(a.Ahead.Abs(), b.Ahead.Abs()) })
	f := Finding{Status: OK, Why: "it agrees with that of " + best.host}
	if off := best.Ahead.Abs(); off > clockOff {
		way := "ahead of"
		if best.Ahead < 0 {
			way = "behind"
		}
		f.Status, f.Why = Warn, fmt.Sprintf("this computer's clock is %s %s that of %s; tokens look as if they had ended, or had not", off.Round(time.Second), way, best.host)
		if off > clockWrong {
			f.Status = Fail
		}
		f.Fix = map[string]string{"linux": "sudo timedatectl set-ntp true", "darwin": "sudo sntp -sS time.apple.com", "windows": "w32tm /resync"}[d.GOOS]
	}
	return []Finding{f}
}

func (d *Doctor) lookLog(ctx context.Context) []Finding {
	r, err := d.Keeper.VerifyIncremental(ctx)
	switch {
	case errors.Is(err, vault.ErrLocked), errors.Is(err, vault.ErrUnavailable):
		return []Finding{skipped("its key is in the keychain, which cannot be read")}
	case errors.Is(err, context.DeadlineExceeded):
		return []Finding{{Status: Warn, Why: fmt.Sprintf("it takes longer than %s to verify", d.bound), Fix: "stagedoor audit verify"}}
	case err != nil:
		return []Finding{failed(Fail, "", err, "stagedoor audit verify")}
	}
	switch r.Verdict() {
	case verify.Broken:
		return []Finding{failed(Fail, "", r.Err(), "")}
	case verify.Doubtful:
		return []Finding{{Status: Warn, Why: strings.Join(r.Doubts(), "; "), Fix: "stagedoor audit verify --json"}}
	}
	return []Finding{{Status: OK, Why: fmt.Sprintf("it verifies; events: %d", r.Events)}}
}
