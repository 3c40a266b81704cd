package clients

import (
	"bytes"
	"context"
	"slices"
)

// PlanLeftover works out to remove a client's file that was not there before Stagedoor
// wrote it, if it has nothing but what is left when an entry is taken out of a new file.
// Any other stays as it is.
func (c *Configs) PlanLeftover(ctx context.Context, client Client) (Change, error) {
	ch, err := c.replan(ctx, client, Change{Action: Restore})
	if err != nil || !ch.Writes() {
		return ch, err
	}
	list, err := c.Backups(client)
	made := slices.ContainsFunc(list, func(b Backup) bool {
		return b.Change.Path == ch.Path && b.Change.Before == "" && b.Change.Action == Create
	})
	if err == nil && made {
		var nothing []byte
		if nothing, err = client.leftover(ch.Path); err == nil && bytes.Equal(ch.Before, nothing) {
			return ch, nil
		}
	}
	ch.Action, ch.After = Unchanged, ch.Before
	return ch, err
}

// leftover is what is left when the only entry is taken out of a file that Stagedoor made.
func (c Client) leftover(path string) ([]byte, error) {
	const name = "x"
	made := Change{Path: path, Name: name, Entry: &Entry{Command: "/x"}}
	if err := made.compute(c); err != nil {
		return nil, err
	}
	out := Change{Path: path, Name: name, Exists: true, Before: made.After}
	err := out.compute(c)
	return out.After, err
}
