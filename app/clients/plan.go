package clients

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tailscale/hujson"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Plan reads the client's file and works out how to set the entry of that name
// to e, or to remove it if e is nil. It writes nothing. The error is a
// *RefusedError when the file is not understood.
func (c *Configs) Plan(ctx context.Context, client Client, name string, e *Entry) (Change, error) {
	if err := ctx.Err(); err != nil {
		return Change{}, err
	}
	if e != nil {
		if err := e.check(c.Env, client.Project != ""); err != nil {
			return Change{}, fmt.Errorf("entry %s: %w", name, err)
		}
	}
	path, err := c.locate(client)
	if err != nil {
		return Change{}, err
	}
	data, exists, err := readFile(path)
	if err != nil {
		return Change{}, err
	}
	ch := Change{
		Client: client.ID, Project: client.Project, Path: path, Name: name, Entry: e.clone(),
		Exists: exists, FolderMissing: !exists && folderMissing(path), Before: data,
	}
	if err := ch.compute(client); err != nil {
		if kept, _ := c.Backups(client); len(kept) > 0 && errors.As(err, new(*RefusedError)) {
			err = hint.Wrap(err, hint.Of(err)+"; the newest copy that Stagedoor kept comes back with: stagedoor backups restore "+kept[0].ID)
		}
		return Change{}, err
	}
	if ch.Action == Remove {
		c.asBefore(ctx, client, &ch)
	}
	return ch, nil
}

// asBefore makes the file what it was before the entry was created, byte by byte, if nobody
// changed it since: what held the first entry goes with it, and so does a file that was
// not there.
func (c *Configs) asBefore(ctx context.Context, client Client, ch *Change) {
	list, _ := c.Backups(client) // without them the entry alone goes
	now := sum(ch.Before, true)
	for _, b := range list {
		if b.Change.Action != Create || b.Change.Entry != ch.Name || b.Change.Path != ch.Path || b.Change.After != now {
			continue
		}
		data, err := c.Read(ctx, b)
		if err == nil && sum(data, b.Copy != "") == b.Change.Before && c.doubt(ctx, b, data) == "" {
			ch.After = data
		}
		return
	}
}

// compute fills in After, Action and what follows from them.
func (ch *Change) compute(client Client) error {
	before, err := client.parse(ch.Path, ch.Before)
	if err != nil {
		return err
	}
	old, err := before.entry(client, ch.Name)
	if err != nil {
		return err
	}
	after := before
	switch {
	case old.there:
		ch.was, ch.Previous = bytes.Clone(old.text), old.entry
		if ch.Entry == nil {
			ch.Action = Remove
			after, err = before.drop(client, ch.Name)
		} else {
			after, err = before.set(client, ch.Name, *ch.Entry)
			ch.Action = Update
			if err == nil && bytes.Equal(after.source(), before.source()) {
				ch.Action = Unchanged
			}
		}
	case ch.Entry == nil:
		ch.Action = Absent
	default:
		if err := CheckName(ch.Name); err != nil && ch.Entry.text == nil { // what was there is called as it was
			return err
		}
		ch.Action = Create
		after, err = before.set(client, ch.Name, *ch.Entry)
	}
	if err != nil {
		return err
	}
	if ch.After = after.bytes(); ch.After == nil {
		ch.After = []byte{}
	}
	if ch.Writes() && len(ch.After) > maxSize {
		return tooLarge(ch.Path, maxSize)
	}
	if ch.Before == nil && !ch.Writes() {
		ch.After = nil
	}
	ch.warn(client, before)
	return ch.verify(client, before, after)
}

// place is where an entry is, or would be.
type place struct {
	servers *hujson.Value // nil if the file has no such member
	null    bool          // servers is null
	index   int           // of the entry in servers, or -1
}

func (p place) member() *hujson.ObjectMember {
	return &p.servers.Value.(*hujson.Object).Members[p.index]
}

// find looks for the entry. Two entries of one name are refused: which of them
// counts is up to the client.
func (d *document) find(client Client, name string) (place, error) {
	at := place{index: -1}
	var err error
	if at.servers, at.null, err = d.servers(client); err != nil || at.servers == nil || at.null {
		return at, err
	}
	for i, m := range at.servers.Value.(*hujson.Object).Members {
		if memberName(m) != name {
			continue
		}
		if at.index >= 0 {
			return at, d.refuse(m.Name.StartOffset, fmt.Sprintf("%q has the entry %q twice", client.key(), name),
				"remove one of the two in your editor")
		}
		at.index = i
	}
	return at, nil
}

// drop removes an entry.
func (d *document) drop(client Client, name string) (file, error) {
	return asFile(d.edited(func(next *document) error {
		at, err := next.find(client, name)
		if err == nil {
			remove(at.servers.Value.(*hujson.Object), at.index)
		}
		return err
	}))
}

// create adds an entry that is not there, and what it needs around it.
func (d *document) create(client Client, name string, e Entry) (*document, error) {
	entry := members{{name, e.members(client)}}
	l := d.layout()
	if d.blank() {
		return d.reparse(append(l.value(members{{client.key(), entry}}, "", false), l.newline...))
	}
	return d.edited(func(next *document) error {
		at, err := next.find(client, name)
		switch {
		case err != nil:
			return err
		case at.servers == nil:
			d.insert(&next.root, client.key(), entry)
		case at.null:
			at.servers.Value = hujson.Literal(l.value(entry, lineIndent(d.text, at.servers.StartOffset), l.oneLine))
		default:
			d.insert(at.servers, name, entry[0].value)
		}
		return nil
	})
}

// warn notes what the user should know before saying yes.
func (ch *Change) warn(client Client, before file) {
	if !ch.Writes() {
		return
	}
	if ch.FolderMissing && ch.Project == "" {
		ch.Warnings = append(ch.Warnings, client.Name+" has not been started by this user yet, so its folder is created")
	}
	if ch.Action == Update && !ch.wraps() && (ch.Previous == nil || !ch.Previous.IsOurs()) {
		ch.Warnings = append(ch.Warnings, fmt.Sprintf("the entry %q is not Stagedoor's yet; it will be replaced (--wrap keeps what it starts)", ch.Name))
	}
	if d, is := before.(*document); is {
		if key := d.misplaced(client); key != "" {
			ch.Warnings = append(ch.Warnings, fmt.Sprintf("the file has servers under %q, which %s does not read; those go under %q", key, client.Name, client.key()))
		}
	}
	if before.plain() || client.Comments {
		return
	}
	if client.ResetsOnComments {
		ch.Warnings = append(ch.Warnings, "the file has comments or trailing commas; they are kept, but "+client.Name+" resets such a file when it starts: remove them first")
		return
	}
	ch.Warnings = append(ch.Warnings, "the file has comments or trailing commas; they are kept, but "+client.Name+" may not read such a file")
}

// misplaced is the key under which a file has servers as others write them: people take
// VS Code's file for Claude's, and the other way round.
func (d *document) misplaced(client Client) string {
	keys := []string{"mcpServers", "servers"}
	if d.blank() || !slices.Contains(keys, client.key()) {
		return ""
	}
	for _, m := range d.root.Value.(*hujson.Object).Members {
		if name := memberName(m); name != client.key() && slices.Contains(keys, name) && m.Value.Value.Kind() == '{' {
			return name
		}
	}
	return ""
}

// verify checks the promise of this package on the result itself: the entry is
// as wanted and every other byte that means something is where it was.
func (ch *Change) verify(client Client, before, after file) error {
	got, err := after.entry(client, ch.Name)
	if err != nil {
		return fmt.Errorf("the patched text is not as wanted, so it is not written: %w", err)
	}
	same := bytes.Equal(bytes.Join(before.others(client, ch.Name), nil), bytes.Join(after.others(client, ch.Name), nil))
	if ch.Entry == nil {
		same = same && !got.there
	} else {
		same = same && (got.entry != nil && got.entry.equal(*ch.Entry) || ch.Entry.text != nil && bytes.Equal(trimSpace(got.text), trimSpace(ch.Entry.text)))
	}
	if !same {
		return errors.New("the patched text is not as wanted, so it is not written: this is a bug, please report it")
	}
	return nil
}

// others is the text of every member of the file and of its servers except
// the entry of that name.
func (d *document) others(client Client, name string) (out [][]byte) {
	if d.blank() {
		return nil
	}
	collect := func(v hujson.Value, except string) {
		for _, m := range v.Value.(*hujson.Object).Members {
			if memberName(m) != except {
				out = append(out, d.text[m.Name.StartOffset:m.Name.EndOffset], d.text[m.Value.StartOffset:m.Value.EndOffset])
			}
		}
	}
	collect(d.root, client.key())
	if servers, null, err := d.servers(client); err == nil && servers != nil && !null {
		collect(*servers, name)
	}
	return out
}
