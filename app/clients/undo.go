package clients

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// ErrChanged says that what is to be taken back was changed by somebody else since.
var ErrChanged = errors.New("it was changed since by somebody else")

// PlanRestore works out how to make a client's file, as a whole, what it was in a backup.
// The file of today need not be understood.
func (c *Configs) PlanRestore(ctx context.Context, b Backup) (Change, error) {
	ch, err := c.planFile(ctx, b)
	if err != nil {
		return Change{}, err
	}
	if b.Client.Remembers && b.Client.Project == "" && ch.Writes() {
		ch.Warnings = append(ch.Warnings, b.Client.Name+" keeps what it remembers in this file, too: --entry puts back one entry only")
	}
	if of := b.Change.Path; of != "" && of != ch.Path {
		ch.Warnings = append(ch.Warnings, "the backup is of another place: "+of)
	}
	return ch, nil
}

// PlanEntry works out how to make one entry what it was in a backup. The rest of the file
// stays as it is.
func (c *Configs) PlanEntry(ctx context.Context, b Backup, name string) (Change, error) {
	data, err := c.Read(ctx, b)
	if err != nil {
		return Change{}, err
	}
	path, err := c.locate(b.Client)
	if err != nil {
		return Change{}, err
	}
	before, err := b.Client.entryIn(path, data, name)
	if err != nil {
		return Change{}, err
	}
	return c.planFound(ctx, b, data, name, before)
}

// planFound is a change of an entry to what it was in a backup, whose content is data.
func (c *Configs) planFound(ctx context.Context, b Backup, data []byte, name string, before found) (Change, error) {
	var e *Entry
	if before.there {
		e = before.back()
	}
	ch, err := c.Plan(ctx, b.Client, name, e)
	return c.doubted(ctx, ch, b, data), err
}

// doubted is a change with what is to be known of its backup.
func (c *Configs) doubted(ctx context.Context, ch Change, b Backup, data []byte) Change {
	if ch.Writes() {
		ch.Doubt = c.doubt(ctx, b, data)
		if b.Client.secrets(ch.Path, ch.After) && !b.Client.secrets(ch.Path, ch.Before) {
			ch.Warnings = append(ch.Warnings, "what may be a secret is in the file in plain text again")
		}
	}
	return ch
}

// planFile is a change to the content of a backup.
func (c *Configs) planFile(ctx context.Context, b Backup) (Change, error) {
	data, err := c.Read(ctx, b)
	if err != nil {
		return Change{}, err
	}
	ch, err := c.replan(ctx, b.Client, Change{Action: Restore, After: data})
	return c.doubted(ctx, ch, b, data), err
}

// replan is a change as it is now.
func (c *Configs) replan(ctx context.Context, client Client, ch Change) (Change, error) {
	if ch.Action != Restore {
		return c.Plan(ctx, client, ch.Name, ch.Entry)
	}
	if err := ctx.Err(); err != nil {
		return Change{}, err
	}
	path, err := c.locate(client)
	if err != nil {
		return Change{}, err
	}
	ch.Client, ch.Project, ch.Path = client.ID, client.Project, path
	if ch.Before, ch.Exists, err = readFile(path); err != nil {
		return Change{}, err
	}
	if ch.Exists == (ch.After != nil) && bytes.Equal(ch.Before, ch.After) {
		ch.Action = Unchanged
	}
	ch.FolderMissing = !ch.Exists && folderMissing(path)
	return ch, nil
}

// PlanUndo works out how to take back what Stagedoor changed last in a client's file. If
// nobody changed the file since, it becomes what it was, byte by byte. If somebody did,
// but not in that entry, only the entry becomes what it was, and all else stays. If the
// entry itself was changed, the error is an ErrChanged, unless force is set. An undo is a
// change, too, so that the next one takes it back.
func (c *Configs) PlanUndo(ctx context.Context, client Client, force bool) (Change, Backup, error) {
	path, err := c.locate(client)
	if err != nil {
		return Change{}, Backup{}, err
	}
	list, err := c.Backups(client)
	if err != nil {
		return Change{}, Backup{}, err
	}
	now, exists, err := readFile(path)
	if err != nil {
		return Change{}, Backup{}, err
	}
	i := slices.IndexFunc(list, func(b Backup) bool { return b.Change.Path == path })
	if i < 0 {
		return Change{}, Backup{}, hint.New("there is no change of Stagedoor's in "+path+" to take back", "stagedoor backups lists the backups that there are")
	}
	last := list[i]
	var ch Change
	switch entry, is := last.Change.Entry, sum(now, exists); {
	case is == last.Change.After || is == last.Change.Before: // somebody did it, or a crash kept the change from being made
		ch, err = c.planFile(ctx, last)
		ch.Name = entry
	case entry == "" && force:
		ch, err = c.planFile(ctx, last)
	case entry == "":
		err = hint.Wrap(fmt.Errorf("%s: %w", path, ErrChanged), "stagedoor backups diff "+last.ID+" shows what would be lost; --force puts the whole file back all the same")
	default:
		ch, err = c.planEntryBack(ctx, client, last, now, force)
	}
	return ch, last, err
}

// planEntryBack is a change of an entry to what it was in a backup.
func (c *Configs) planEntryBack(ctx context.Context, client Client, last Backup, now []byte, force bool) (Change, error) {
	name, path := last.Change.Entry, last.Change.Path
	data, err := c.Read(ctx, last)
	if err != nil {
		return Change{}, err
	}
	before, err := client.entryIn(path, data, name)
	if err != nil {
		return Change{}, err
	}
	today, err := client.entryIn(path, now, name)
	if err != nil {
		return Change{}, hint.Wrap(err, hint.Of(err)+"; or put the whole file back: stagedoor backups restore "+last.ID)
	}
	if !force && today.sum() != last.Change.Is && today.sum() != before.sum() {
		return Change{}, hint.Wrap(fmt.Errorf("the entry %q of %s: %w; %s would be lost", name, client.Name, ErrChanged, lost(today, before)), "--force takes the change back all the same, and the rest of the file stays")
	}
	return c.planFound(ctx, last, data, name, before)
}

// entryIn finds an entry in the content of a client's file.
func (c Client) entryIn(path string, data []byte, name string) (found, error) {
	f, err := c.parse(path, data)
	if err != nil {
		return found{}, err
	}
	return f.entry(c, name)
}

// lost names what an entry has and another has not.
func lost(today, before found) string {
	if !today.there {
		return "its removal"
	}
	var a, b map[string]any
	if json.Unmarshal(today.means, &a) != nil || before.there && json.Unmarshal(before.means, &b) != nil {
		return "what it is now"
	}
	var names []string
	for name, value := range a {
		if !sameValue(value, b[name]) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "what is not in it any more"
	}
	return "its " + strings.Join(names, ", ")
}
