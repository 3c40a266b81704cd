package setup

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Question is what has to be answered before a click changes an entry that is not
// Stagedoor's. It is an error, so that whoever asks nobody changes nothing.
type Question struct {
	Client, Entry string
	Program       string // that the entry starts without Stagedoor; "" if it starts none
	Profile       string // whose tokens the program would get
	Ours          string // of Stagedoor's, what it starts now
	Instead       string // what it would start, if that is another server than it starts now
}

// Error is the question in words, a line each for what there is and what would be.
func (q Question) Error() string {
	if q.Ours != "" {
		return fmt.Sprintf("the entry %q of %s starts another server already: %s\nit would be replaced by %s, with the tokens of %s", q.Entry, q.Client, q.Ours, q.Instead, q.Profile)
	}
	if q.Program != "" && q.Instead != "" {
		return fmt.Sprintf("the entry %q of %s starts %s without Stagedoor\nit would be replaced by %s, with the tokens of %s", q.Entry, q.Client, q.Program, q.Instead, q.Profile)
	}
	if q.Program == "" {
		return fmt.Sprintf("the entry %q of %s is not Stagedoor's and starts no program here\nit would be replaced by a server with the tokens of %s", q.Entry, q.Client, q.Profile)
	}
	return fmt.Sprintf("the entry %q of %s starts %s without Stagedoor\nStagedoor would start it with the tokens of %s; its arguments and variables stay", q.Entry, q.Client, q.Program, q.Profile)
}

// Replaces is the Question whether an entry is to be replaced, or nil.
func (p Plan) Replaces() error {
	var q Question
	if errors.As(p.Question(), &q) && (q.Instead != "" || q.Program == "") {
		return q
	}
	return nil
}

// Question is what has to be answered before the plan is applied by somebody who did not
// name the entry, or nil.
func (p Plan) Question() error {
	was := p.Change.Previous
	if !p.Change.Writes() || p.Change.Was() == nil || p.Change.Entry == nil || was != nil && was.IsOurs() && !p.clash {
		return nil
	}
	if p.clash {
		return Question{Client: p.Client.Name, Entry: p.Change.Name, Profile: p.Profile.Name, Ours: starts(*was), Instead: starts(*p.Change.Entry)}
	}
	q := Question{Client: p.Client.Name, Entry: p.Change.Name, Profile: p.Profile.Name}
	if was != nil && !p.Wrapped {
		q.Instead = starts(*p.Change.Entry)
	}
	if was != nil {
		q.Program = text.Name(was.Command[strings.LastIndexAny(was.Command, `/\`)+1:])
	}
	return q
}

// Asks is what Click would ask now, in the words of Question.Error, or "".
func (s Service) Asks(ctx context.Context) string {
	plan, err := s.Plan(ctx, Request{})
	if err != nil {
		return "" // Click says why
	}
	if q := plan.Question(); q != nil {
		return q.Error()
	}
	return ""
}

// Click writes the active profile's entry into Claude Desktop's config and says in
// some what it did and what the server does. An entry that is not Stagedoor's is changed
// only if agreed is the Question about it, in the words of its Error; otherwise that is
// the error. A *NotStarting is the error if the entry is written and does not work.
func (s Service) Click(ctx context.Context, agreed string) (message string, err error) {
	plan, err := s.Plan(ctx, Request{})
	if err != nil {
		return "", err
	}
	if q := plan.Question(); q != nil && q.Error() != agreed {
		return "", hint.Wrap(q, "open the menu again to answer")
	}
	if _, err := s.Apply(ctx, plan); err != nil {
		return "", err
	}
	checked := s.Check(ctx, plan)
	if err := checked.Err(); err != nil {
		return "", err
	}
	next := text.Sentence(s.Next(ctx, plan.Client))
	if s.Elsewhere {
		next = fmt.Sprintf("It is in %s; your own %s is as it was", plan.Change.Path, plan.Client.Name)
	}
	switch {
	case plan.Change.Action == clients.Unchanged:
		message = fmt.Sprintf("%s is set up for %s already.", plan.Client.Name, plan.Change.Name)
	case plan.Change.FolderMissing: // and the first warning says that
		message = fmt.Sprintf("The server %q is written down for %s.", plan.Change.Name, plan.Client.Name)
	case plan.Wrapped:
		message = fmt.Sprintf("The entry %q of %s starts its server through Stagedoor now. %s.", plan.Change.Name, plan.Client.Name, next)
	default:
		message = fmt.Sprintf("%s has the server %q now. %s.", plan.Client.Name, plan.Change.Name, next)
	}
	message += "\n" + checked.Words() + "."
	for _, w := range plan.Change.Warnings {
		message += "\n" + text.Sentence(w)
	}
	return hint.Plain(message), nil
}
