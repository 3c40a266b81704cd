package doctor

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Report writes what somebody needs who looks into a problem from afar. It is put
// together from what is known to be harmless: no account, no address beyond its host, no
// argument or variable of a server; and what looks like a secret all the same is masked.
func (d *Doctor) Report(ctx context.Context, w io.Writer, found []Finding, version string) error {
	var b strings.Builder
	part := func(title string) { fmt.Fprintf(&b, "\n## %s\n\n", title) }
	fmt.Fprintf(&b, "# Stagedoor report\n\nmade %s UTC\nstagedoor %s\n%s, %s/%s, vault: %s\n", d.Now().UTC().Format(minute), version, runtime.Version(), runtime.GOOS, runtime.GOARCH, d.Vault)

	part("Checks")
	for _, f := range found {
		fmt.Fprintf(&b, "%s %s", f.Status, f.Check)
		if f.About != "" {
			fmt.Fprintf(&b, " (%s)", clients.Scrub(f.About))
		}
		fmt.Fprintf(&b, ": %s\n", clients.Scrub(f.Why))
	}

	part("Settings that differ")
	n := b.Len()
	for _, v := range d.Settings.Values() {
		if v.Value != v.Default {
			fmt.Fprintf(&b, "%s = %s\n", v.Key, v.Value)
		}
	}
	none(&b, n)

	part("Profiles")
	n = b.Len()
	state, _ := d.state()
	for _, p := range state.Profiles {
		fmt.Fprintf(&b, "%s: %s at %s, %s, scopes: %d", p.Name, p.Provider, hostOf(p.Service), p.Status, len(p.Scopes))
		for _, is := range []struct {
			so    bool
			words string
		}{{p.Active, "selected"}, {p.Renews, "renewed"}, {p.NoEnd, "no known end"}, {len(p.Roots)+len(p.Pins) > 0, "own certificates"}, {p.Open != nil, "a revocation is open"}} {
			if is.so {
				b.WriteString(", " + is.words)
			}
		}
		b.WriteString("\n")
	}
	none(&b, n)

	part("Clients")
	n = b.Len()
	d.describeClients(&b)
	none(&b, n)

	part("Events of the audit log")
	n = b.Len()
	if err := d.countEvents(ctx, &b); err != nil {
		fmt.Fprintf(&b, "not read: %s\n", err)
	}
	none(&b, n)
	_, err := io.WriteString(w, d.homeless(b.String()))
	return err
}

const maxLine = 1000 // characters

const minute = "2006-01-02 15:04"

func none(b *strings.Builder, before int) {
	if b.Len() == before {
		b.WriteString("none\n")
	}
}

// homeless leaves out the name of the user's home, and what steers a terminal.
func (d *Doctor) homeless(report string) string {
	var b strings.Builder
	for line := range strings.Lines(report) {
		for _, home := range d.homes() {
			line = strings.ReplaceAll(line, home, "~")
		}
		b.WriteString(text.Line(line, maxLine) + "\n")
	}
	return b.String()
}

func (d *Doctor) homes() (list []string) {
	if home, err := os.UserHomeDir(); err == nil {
		list = append(list, home)
	}
	if d.Setup != nil {
		list = append(list, d.Setup.Configs.Env.Home)
	}
	return slices.DeleteFunc(list, func(home string) bool { return len(home) < 4 }) // "/" is in every path
}

// hostOf is the host of an issuer; the id of a built-in provider stays.
func hostOf(service string) string {
	if u, err := url.Parse(service); err == nil && u.Host != "" {
		return u.Hostname()
	}
	if strings.ContainsAny(service, "/@") {
		return "an address"
	}
	return service
}

// describeClients says of each client that has a file what Stagedoor sees of it.
func (d *Doctor) describeClients(b *strings.Builder) {
	if d.Setup == nil {
		return
	}
	all := d.Setup.Configs.Servers()
	for _, c := range clients.All() {
		file, err := c.Path(d.Setup.Configs.Env)
		if _, missing := os.Stat(file); err != nil || missing != nil {
			continue
		}
		others := 0
		fmt.Fprintf(b, "%s (%s)\n", c.ID, file)
		for _, e := range all {
			switch {
			case e.Client.ID != c.ID:
			case !e.Entry.IsOurs():
				others++
			default:
				fmt.Fprintf(b, "- %s\n", masked(e.Entry))
			}
		}
		fmt.Fprintf(b, "- other servers: %d\n", others)
	}
}

// masked is an entry of ours without what may be a secret: of the server's command the
// program and the recipe, of variables and templates the names.
func masked(e clients.Entry) string {
	flags, command := e.Behind()
	words := []string{base(e.Command), "run"}
	for i := 0; i < len(flags); i++ {
		name, value, joined := strings.Cut(flags[i], "=")
		if !strings.HasPrefix(name, "-") {
			words = append(words, "•••")
			continue
		}
		words = append(words, name)
		if !joined && i+1 < len(flags) && !strings.HasPrefix(flags[i+1], "-") {
			i++
			value, joined = flags[i], true
		}
		switch {
		case !joined:
		case name == "--provider":
			words = append(words, hostOf(value))
		case name == "--profile", name == "--as":
			words = append(words, clients.Scrub(text.Name(value)))
		case name == "--env":
			variable, _, _ := strings.Cut(value, "=")
			words = append(words, variable+"=•••")
		default:
			words = append(words, "•••")
		}
	}
	words = append(words, "--")
	if len(command) > 0 {
		words = append(words, clients.Scrub(base(command[0])), fmt.Sprintf("(arguments: %d)", len(command)-1))
	}
	if r, ok := launch.Recognise(command); ok {
		words = append(words, "recognised as "+r.ID)
	}
	if names := slices.Sorted(maps.Keys(e.Env)); len(names) > 0 {
		words = append(words, "env: "+strings.Join(names, ", "))
	}
	return strings.Join(words, " ")
}

// base is the name of a program on any system.
func base(program string) string { return path.Base(strings.ReplaceAll(program, `\`, "/")) }

// countEvents counts what the log has, and says when each came last.
func (d *Doctor) countEvents(ctx context.Context, b *strings.Builder) error {
	if d.Keeper == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.bound)
	defer cancel()
	type count struct {
		n, failed int
		last      time.Time
	}
	counts := map[string]count{}
	err := d.Keeper.Summaries(ctx, audit.Query{}, func(e audit.Summary) {
		c := counts[e.Name]
		if c.n++; e.Failed {
			c.failed++
		}
		if e.Time.After(c.last) {
			c.last = e.Time
		}
		counts[e.Name] = c
	})
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		c := counts[name]
		fmt.Fprintf(b, "%d %s, failed: %d, last %s\n", c.n, name, c.failed, c.last.UTC().Format(minute))
	}
	return err
}
