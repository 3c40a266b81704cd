package doctor

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// lookEntries looks whether the clients' files can be read, whether their entries start
// this program, and whether a profile has lost its entry.
func (d *Doctor) lookEntries(ctx context.Context) (found []Finding) {
	if d.Setup == nil {
		return []Finding{skipped("the clients' files cannot be looked for")}
	}
	for _, c := range clients.All() {
		if _, err := d.Setup.Configs.Plan(ctx, c, "stagedoor", nil); err != nil && ctx.Err() == nil {
			found = append(found, failed(Fail, c.Name, err, "stagedoor setup "+c.ID))
		}
	}
	ours := d.Setup.Ours()
	for _, e := range ours {
		found = append(found, d.lookEntry(e))
	}
	state, err := d.state()
	for _, view := range state.Profiles {
		p, gone := d.Keeper.Profile(view.Name)
		if gone == nil && p.Server != nil && !d.Setup.Uses(p) {
			found = append(found, Finding{About: p.Name, Status: Warn, Why: "a server was set up for it, and no client starts one now", Fix: "stagedoor setup --profile " + p.Name})
		}
		for _, e := range d.Setup.Loose(p.Provider) {
			if w := setup.LooseWords(e); !slices.ContainsFunc(found, func(f Finding) bool { return f.Why == w }) {
				found = append(found, Finding{About: nameOf(e), Status: Warn, Why: w, Fix: wrapCommand(e)})
			}
		}
	}
	if len(ours) == 0 && err == nil && len(state.Profiles) > 0 && found == nil {
		found = append(found, Finding{Status: Warn, Why: "no client starts a server through Stagedoor", Fix: "stagedoor setup"})
	}
	if found == nil {
		found = append(found, skipped("there is none"))
	}
	return found
}

func wrapCommand(e clients.Server) string {
	return "stagedoor setup " + setup.Named(e.Client) + " --wrap " + setup.Quote(e.Name)
}

// again is the command that writes an entry anew, with what it says of profile and
// delivery.
func again(e clients.Server) string {
	flags, _ := e.Entry.Behind()
	line := "stagedoor setup " + setup.Named(e.Client) + " --name " + setup.Quote(e.Name)
	for i := 0; i < len(flags); i++ {
		if name, _, joined := strings.Cut(flags[i], "="); name == "--provider" { // which follows from the profile
			if !joined {
				i++
			}
			continue
		}
		line += " " + setup.Quote(flags[i])
	}
	return line
}

func (d *Doctor) lookEntry(e clients.Server) Finding {
	fault, why := d.Setup.Examine(e)
	if fault == "" {
		return Finding{About: nameOf(e), Status: OK, Why: "it starts " + e.Entry.Command}
	}
	f := failed(Fail, nameOf(e), why, again(e))
	switch fault {
	case setup.Moved:
		f.Fix = again(e)
		if self, err := d.Setup.Executable(); err == nil && d.Keeper != nil {
			f.Fix = fixCommand
			f.repair = func(ctx context.Context) (string, error) {
				return fmt.Sprintf("%s starts %s now; %s", nameOf(e), self, d.Setup.Next(ctx, e.Client)), d.Setup.Repoint(ctx, e)
			}
		}
	case setup.OtherFolder:
		f.Status = Warn
	case setup.NoProfile:
		f.Fix = "stagedoor setup " + setup.Named(e.Client) + " --remove --name " + setup.Quote(e.Name)
	}
	return f
}

// lookServers looks whether each entry's server is found where its client looks.
func (d *Doctor) lookServers(context.Context) (found []Finding) {
	for _, e := range d.ours() {
		_, command := e.Entry.Behind()
		if len(command) == 0 {
			found = append(found, Finding{About: nameOf(e), Status: Fail, Why: "it names no server to start", Fix: "stagedoor setup " + setup.Named(e.Client) + " --remove --name " + setup.Quote(e.Name)})
			continue
		}
		path, err := d.Setup.FindServer(e)
		if err != nil {
			now := "/its/new/path"
			if elsewhere, err := launch.Find(base(command[0])); err == nil {
				now = setup.Quote(elsewhere)
			}
			if len(command) > 1 {
				now += " …" // its arguments, of which one may be a secret
			}
			found = append(found, Finding{About: nameOf(e), Status: Fail, Why: err.Error(), Fix: again(e) + " -- " + now})
			continue
		}
		found = append(found, Finding{About: nameOf(e), Status: OK, Why: path})
	}
	if found == nil {
		found = append(found, skipped("there is no entry"))
	}
	return found
}

// lookClients looks whether the clients that read their files only at their start have
// been started since their entries were changed.
func (d *Doctor) lookClients(ctx context.Context) (found []Finding) {
	seen := map[string]bool{}
	for _, e := range d.ours() {
		if seen[e.Client.ID] || !e.Client.FullQuit {
			continue
		}
		seen[e.Client.ID] = true
		began, known := d.Setup.Began(ctx, e.Client)
		changed := d.changed(ctx, e.Client)
		f := Finding{About: e.Client.Name, Status: OK, Why: "it has been running since " + setup.Since(began)}
		switch {
		case !known:
			f.Status, f.Why = Skipped, "nobody can tell whether it runs"
		case began.IsZero():
			f.Why = "it does not seem to run, and reads its entries when it starts"
		case began.Before(changed):
			f.Status, f.Fix = Warn, cmp.Or(e.Client.Restart(d.GOOS), e.Client.Reload)
			f.Why += ", and its entries were changed at " + setup.Since(changed) + ", which it does not know"
		}
		found = append(found, f)
	}
	if found == nil {
		found = append(found, skipped("no entry is in a file that is read at the start only"))
	}
	return found
}

// changed is when a client's entries were changed: by the log, or else by the file,
// into which the client itself may write other things.
func (d *Doctor) changed(ctx context.Context, c clients.Client) (at time.Time) {
	if d.Keeper != nil {
		for _, name := range []string{audit.ConfigWritten, audit.ConfigRemoved} {
			events, err := d.Keeper.Events(ctx, audit.Query{Name: name, Limit: 100})
			for _, e := range events {
				if err == nil && e.Data["client"] == c.ID && e.Outcome == audit.OK && e.Time.After(at) {
					at = e.Time
				}
			}
		}
	}
	path, err := c.Path(d.Setup.Configs.Env)
	if info, unknown := os.Stat(path); at.IsZero() && err == nil && unknown == nil {
		at = info.ModTime()
	}
	return at
}

// lookVariables looks at the proxies and files of certificates of this process, and of
// the entries that have some.
func (d *Doctor) lookVariables(context.Context) (found []Finding) {
	look := func(about, fix string, getenv func(string) string) {
		for _, name := range setup.CarriedOver() {
			value := getenv(name)
			if value == "" {
				continue
			}
			if wrong := variable(name, value); wrong != "" {
				found = append(found, Finding{About: about + name, Status: Fail, Why: wrong, Fix: fmt.Sprintf(fix, name)})
			} else {
				found = append(found, Finding{About: about + name, Status: OK, Why: "fit for use"})
			}
		}
	}
	look("", "unset %s, or correct it", d.Getenv)
	for _, e := range d.ours() {
		look(nameOf(e)+", ", "correct %s, and then: "+strings.ReplaceAll(again(e), "%", "%%"), func(name string) string { return e.Entry.Env[name] })
	}
	if found == nil {
		found = append(found, skipped("no variable of them is set"))
	}
	return found
}

// maxCertificates is more than every authority there is takes, in bytes.
const maxCertificates = 16 << 20

// variable says what is wrong with a proxy or with certificates, or "". It quotes no
// value, which may have a password.
func variable(name, value string) string {
	switch upper := strings.ToUpper(name); {
	case upper == "NO_PROXY":
		return ""
	case strings.HasSuffix(upper, "PROXY"):
		if !strings.Contains(value, "://") {
			value = "http://" + value
		}
		u, err := url.Parse(value)
		if err != nil || u.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
			return "it names no proxy: http://HOST:PORT is one"
		}
		return ""
	case name == "SSL_CERT_DIR":
		for _, dir := range filepath.SplitList(value) {
			if info, err := os.Stat(dir); err != nil || !info.IsDir() {
				return dir + " is no folder"
			}
		}
		return ""
	}
	pem, err := durable.ReadLinked(value, maxCertificates)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no file " + value
	case err != nil:
		return err.Error()
	case !x509.NewCertPool().AppendCertsFromPEM(pem):
		return value + " has no certificate in the PEM format"
	}
	return ""
}
