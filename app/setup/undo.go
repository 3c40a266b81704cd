package setup

import (
	"context"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Undo plans to take back what Stagedoor changed last in a client's file, in that of
// the client whose file it changed last if r names none: see clients.Configs.PlanUndo.
func (s Service) Undo(ctx context.Context, r Request) (plan Plan, err error) {
	if r.Client+r.Project == "" {
		plan.Client, err = s.lastChanged()
	} else {
		plan.Client, err = r.client()
	}
	if err == nil {
		plan.Change, plan.Undoes, err = s.Configs.PlanUndo(ctx, plan.Client, r.Force)
	}
	return plan, err
}

// lastChanged is the client, or the project, whose file was changed last.
func (s Service) lastChanged() (last clients.Client, err error) {
	kept, err := s.Configs.Kept()
	var newest clients.Backup
	for _, client := range kept {
		list, _ := s.Configs.Backups(client)
		for _, b := range list {
			if b.Change.Path != "" && b.Made.After(newest.Made) {
				newest = b
			}
		}
	}
	if err == nil && newest.ID == "" {
		err = hint.New("there is no change of Stagedoor's to take back", "stagedoor backups lists the backups that there are")
	}
	return newest.Client, err
}

// Restore plans to put a backup back, or, if entry is not "", what it has of that entry.
func (s Service) Restore(ctx context.Context, id, entry string) (plan Plan, err error) {
	if plan.Undoes, err = s.Configs.Backup(id); err != nil {
		return plan, err
	}
	plan.Client = plan.Undoes.Client
	if entry != "" {
		plan.Change, err = s.Configs.PlanEntry(ctx, plan.Undoes, entry)
	} else {
		plan.Change, err = s.Configs.PlanRestore(ctx, plan.Undoes)
	}
	return plan, err
}
