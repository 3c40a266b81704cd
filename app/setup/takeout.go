package setup

import (
	"context"
	"errors"
	"slices"

	"github.com/stagedoor-app/stagedoor/app/clients"
)

// Ours are the entries, of any client or project, that start a server through Stagedoor.
func (s Service) Ours() []clients.Server {
	return slices.DeleteFunc(s.everywhere(), func(e clients.Server) bool { return !e.Entry.IsOurs() })
}

// TakeOut ends that an entry starts its server through Stagedoor: one that was wrapped
// is as it was before, and back says so, and any other is removed. Of a project's file,
// too, nothing else changes.
func (s Service) TakeOut(ctx context.Context, e clients.Server) (back bool, err error) {
	plan, err := s.unwrap(ctx, e.Client, e.Name)
	if back = err == nil && plan.Change.Entry != nil && plan.kept; back {
		_, err = s.Apply(ctx, plan)
		return true, err
	}
	flags, _ := e.Entry.Behind()
	p, _ := s.Keeper.Profile(Option(flags, "--profile")) // for the log, which can do without
	return false, s.change(ctx, p, e, nil)
}

// TakeOutFiles removes the clients' files that Stagedoor made and that have nothing any more.
func (s Service) TakeOutFiles(ctx context.Context) error {
	kept, err := s.Configs.Kept()
	for _, client := range kept {
		ch, unclear := s.Configs.PlanLeftover(ctx, client)
		if unclear == nil && ch.Writes() {
			_, unclear = s.Apply(ctx, Plan{Change: ch, Client: client})
		}
		err = errors.Join(err, unclear)
	}
	return err
}
