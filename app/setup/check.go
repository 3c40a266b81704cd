package setup

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/app/launch/proxy"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

const (
	partingTime = 2 * time.Second // that a client gives a server to end
	keptOutput  = 16 << 10        // of standard error, in bytes
	shownLines  = 6               // of it
	maxShown    = 300             // characters of a line
)

// Check is what came of starting an entry's command as the client will.
type Check struct {
	Entry    string  `json:"entry"`
	OK       bool    `json:"ok"`
	Tools    int     `json:"tools"`
	Seconds  float64 `json:"seconds"`            // from the start to the list of tools
	Protocol string  `json:"protocol,omitempty"` // the revision that was agreed on
	// Untried says that the launcher had no token to start the server with: the
	// entry may be as it should.
	Untried bool     `json:"untried,omitempty"`
	Slow    bool     `json:"slow,omitempty"` // it took more than half of the client's patience
	Problem string   `json:"problem,omitempty"`
	Hint    string   `json:"hint,omitempty"`
	Listed  []Tool   `json:"-"`                // what the server has
	Output  []string `json:"output,omitempty"` // the last lines of standard error, if there is a problem
}

// Tool is one of a server's, in its own words.
type Tool struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

// Words are the result in a line.
func (c Check) Words() string {
	switch seconds := fmt.Sprintf("%.1f s", c.Seconds); {
	case c.Untried:
		return fmt.Sprintf("%s: not tried yet. %s", c.Entry, strings.TrimSuffix(c.Problem, "."))
	case !c.OK:
		return fmt.Sprintf("%s does not start: %s", c.Entry, c.Problem)
	case c.Tools == 1:
		return fmt.Sprintf("%s: 1 tool, %s", c.Entry, seconds)
	default:
		return fmt.Sprintf("%s: %d tools, %s", c.Entry, c.Tools, seconds)
	}
}

// Err is an error if the server does not start.
func (c Check) Err() error {
	if c.OK || c.Untried {
		return nil
	}
	return &NotStarting{c}
}

// NotStarting says that an entry was written whose server does not start.
type NotStarting struct{ Check Check }

func (e *NotStarting) Error() string {
	return "the entry is written, but " + e.Check.Words()
}

// Hint is what the user can do about it.
func (e *NotStarting) Hint() string { return e.Check.Hint }

// Check starts the command of a plan's entry as its client will, shakes hands with the
// server, and has it list its tools.
func (s Service) Check(ctx context.Context, plan Plan) (c Check) {
	e := s.here(*plan.Change.Entry, plan.Client)
	c = Check{Entry: plan.Change.Name}
	_, server := e.Behind()
	patience := plan.Client.Waits()
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	errs := &tail{}
	heard, err := s.converse(waiting, plan.Client, e, errs)
	c.Seconds = time.Since(began).Round(10 * time.Millisecond).Seconds()
	c.Protocol, c.Listed, c.Tools, c.OK = heard.protocol, heard.tools, len(heard.tools), err == nil && heard.standIn == ""
	switch {
	case c.OK:
		c.Slow = 2*time.Since(began) > patience
		return c
	case heard.standIn != "":
		c.Untried, c.Problem = true, heard.standIn
		return c
	case ctx.Err() != nil:
		c.Untried, c.Problem = true, "It was not waited for."
		return c
	}
	said := errs.lines()
	if before := plan.Profile.Server; before != nil && plan.server.Command != nil { // and no later set-up takes what does not work
		_ = s.Keeper.RememberServer(ctx, plan.Profile.ID, *before)
	}
	c.Output = said[max(0, len(said)-shownLines):]
	if errors.Is(err, context.DeadlineExceeded) {
		c.Problem = fmt.Sprintf("no answer within %d s, which is as long as %s waits", int(patience.Seconds()), plan.Client.Name)
		c.Hint = "try again: what npx and uvx fetch at the first start is there at the second; else install the server and name its program behind --"
	} else {
		c.Problem, c.Hint = clients.Scrub(text.Line(err.Error(), maxShown)), "start the server by hand to see more"
	}
	if problem, advice := diagnose(strings.Join(append(said, c.Problem), "\n"), server); problem != "" {
		c.Problem, c.Hint = problem, advice
	}
	return c
}

// converse starts the server and ends it again.
func (s Service) converse(ctx context.Context, client clients.Client, e clients.Entry, errs *tail) (heard answers, err error) {
	command, err := launch.Command(e.Command, e.Args, errs)
	if err != nil {
		return answers{}, err
	}
	env, home := client.Environ(s.Configs.Env.GOOS, s.Host)
	if client.Project != "" {
		home = client.Project
	}
	for name, value := range e.Env {
		env = append(env, name+"="+value)
	}
	p, err := command.Start(ctx, proxy.Credential{Env: env, Dir: home})
	if err != nil {
		return answers{}, err
	}
	heard, err = newConversation(p.Stdin, p.Stdout).open(ctx)
	p.End(partingTime)
	status, waited := p.Wait()
	if errors.Is(err, errHungUp) && waited == nil {
		err = fmt.Errorf("it ended with status %d and without an answer", status)
	}
	return heard, err
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	t.kept = bytes.Clone(t.kept[max(0, len(t.kept)-keptOutput):])
	return len(p), nil
}

// lines are fit to be shown: a server may write the token that it got.
func (t *tail) lines() (all []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for scan := bufio.NewScanner(bytes.NewReader(t.kept)); scan.Scan(); {
		if line := text.Line(clients.Scrub(scan.Text()), maxShown); line != "" {
			all = append(all, line)
		}
	}
	return all
}
