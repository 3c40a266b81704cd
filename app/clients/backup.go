package clients

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// backupTime names a backup: UTC, to the millisecond, sorting by time, and a
// file name on every system.
const backupTime = "20060102T150405.000Z"

// The files of a backup: its record, and a copy in one of two ways.
const (
	recordFile = ".change"
	plainCopy  = ".json" // of every format, as Stagedoor always named them
	sealedCopy = ".age"
)

// Backup is a client's file as it was before a change by Stagedoor.
type Backup struct {
	ID   string    // the client's id and the time, as in backups/
	Made time.Time // UTC
	// Copy is the file that it is kept in; "" if there was no file before the change.
	Copy   string
	Sealed bool // the copy is encrypted
	Change Record
	Client Client
}

// Record says which change a backup was made for. It is zero where that is not known,
// and has no secret.
type Record struct {
	Client  string `json:"client"`
	Project string `json:"project,omitempty"` // see Client.Project
	Path    string `json:"path"`
	Entry   string `json:"entry,omitempty"` // "" if it was the file as a whole
	Action  Action `json:"action"`
	Before  string `json:"before,omitempty"` // SHA-256 of the file; "" if there was none
	After   string `json:"after,omitempty"`
	Is      string `json:"is,omitempty"`     // SHA-256 of what the entry means after the change; "" if it is gone
	Exposed bool   `json:"exposed,omitzero"` // the copy has secrets and could not be encrypted
	MAC     string `json:"mac,omitempty"`    // of all that and the backup's id; "" if the vault could not be asked
}

// sum is the SHA-256 of a file, or "" if there is none.
func sum(data []byte, exists bool) string {
	if !exists {
		return ""
	}
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

// Kept are the clients, and the projects, that have backups.
func (c *Configs) Kept() (list []Client, err error) {
	folders, err := os.ReadDir(c.BackupDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, f := range folders {
		id, _, project := strings.Cut(f.Name(), "@")
		client, unknown := Lookup(id)
		if unknown != nil || id == "" {
			continue
		}
		if project { // whose name its records have
			made, _ := c.backupsIn(client, f.Name())
			i := slices.IndexFunc(made, func(b Backup) bool { return b.Change.Project != "" })
			if i < 0 {
				continue
			}
			client = client.of(made[i].Change.Project)
		}
		list = append(list, client)
	}
	return list, err
}

// Backup finds one by its id.
func (c *Configs) Backup(id string) (Backup, error) {
	kept, err := c.Kept()
	for _, client := range kept {
		list, _ := c.Backups(client)
		for _, b := range list {
			if b.ID == id {
				return b, nil
			}
		}
	}
	if err == nil {
		err = hint.New(fmt.Sprintf("there is no backup %q", id), "stagedoor backups lists those that there are")
	}
	return Backup{}, err
}

// Backups are those of a client's file, the newest first. Of a client that Stagedoor never
// changed there are none.
func (c *Configs) Backups(client Client) ([]Backup, error) {
	return c.backupsIn(client, client.Folder())
}

func (c *Configs) backupsIn(client Client, folder string) ([]Backup, error) {
	dir := filepath.Join(c.BackupDir, folder)
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found := map[string]*Backup{}
	for _, f := range files {
		ext := filepath.Ext(f.Name())
		stem := strings.TrimSuffix(f.Name(), ext)
		made, err := time.Parse(backupTime, stem[:min(len(stem), len(backupTime))])
		if err != nil || ext != recordFile && ext != plainCopy && ext != sealedCopy {
			continue
		}
		b := found[stem]
		if b == nil {
			b = &Backup{ID: folder + "/" + stem, Made: made, Client: client}
			found[stem] = b
		}
		path := filepath.Join(dir, f.Name())
		switch ext {
		case recordFile:
			if data, err := durable.ReadFile(path, 1<<16); err != nil || json.Unmarshal(data, &b.Change) != nil {
				b.Change = Record{}
			}
		case sealedCopy:
			b.Copy, b.Sealed = path, true
		default:
			if !b.Sealed {
				b.Copy = path
			}
		}
	}
	var list []Backup
	for _, b := range found {
		list = append(list, *b)
	}
	slices.SortFunc(list, func(a, b Backup) int { return strings.Compare(b.ID, a.ID) })
	return list, nil
}

// signed is what the MAC of a backup is over.
func (b Backup) signed() []byte {
	b.Change.MAC = ""
	text, _ := json.Marshal(b.Change) // strings always encode
	return append([]byte(b.ID+"\n"), text...)
}

// doubt says why it is not sure that Stagedoor made a backup, whose content is data, and
// that nobody changed it since; "" if it is.
func (c *Configs) doubt(ctx context.Context, b Backup, data []byte) string {
	const unknown = "nothing shows that Stagedoor made this backup"
	if c.Sealer == nil {
		return ""
	}
	if b.Change.MAC == "" {
		return unknown + ": it is of an earlier version, or the keychain was locked"
	}
	mac, err := c.Sealer.Vouch(ctx, b.signed())
	switch {
	case err != nil:
		return unknown + ": " + err.Error()
	case !hmac.Equal([]byte(mac), []byte(b.Change.MAC)), b.Change.Client != b.Client.ID, b.Change.Before != sum(data, b.Copy != ""):
		return "this backup is not as Stagedoor made it"
	}
	return ""
}

// Read is the file as it was, nil if there was none. What is encrypted is decrypted to
// memory only.
func (c *Configs) Read(ctx context.Context, b Backup) ([]byte, error) {
	if b.Copy == "" {
		if b.Change.Before != "" {
			return nil, hint.New("the backup "+b.ID+" is gone", "see which there are: stagedoor backups")
		}
		return nil, nil
	}
	data, err := durable.ReadFile(b.Copy, 2*maxSize)
	if err == nil && b.Sealed {
		if c.Sealer == nil {
			return nil, errors.New("read the backup: its key is not at hand")
		}
		data, err = c.Sealer.Unseal(ctx, data)
	}
	if err != nil {
		return nil, fmt.Errorf("read the backup %s: %w", b.ID, err)
	}
	if data == nil {
		data = []byte{}
	}
	return data, nil
}

// keptBackups are kept of each file; of older ones, the last of each week.
const keptBackups = 20

// prune removes the backups of a file that are not kept any more, and encrypts those that
// have to be. What cannot be removed stays.
func (c *Configs) prune(ctx context.Context, client Client) {
	list, _ := c.Backups(client)
	week := ""
	for i, b := range list {
		if i < keptBackups {
			continue
		}
		year, number := b.Made.ISOWeek()
		if of := fmt.Sprint(year, number); of != week {
			week = of
			continue
		}
		c.forget(b)
	}
	_ = c.sealOld(ctx, client) // the next one does
}

// forget removes a backup, the record last: without it a copy would be one of before
// there were records.
func (c *Configs) forget(b Backup) {
	base := filepath.Join(c.BackupDir, filepath.FromSlash(b.ID))
	for _, ext := range []string{plainCopy, sealedCopy, recordFile} {
		_ = durable.Remove(base + ext)
	}
}

// backup keeps the file as it is before a change, if there is one, and what the change is.
func (c *Configs) backup(ctx context.Context, client Client, ch Change) (b Backup, err error) {
	dir := filepath.Join(c.BackupDir, client.Folder())
	for _, d := range []string{c.BackupDir, dir} {
		if _, err := durable.EnsureDir(d); err != nil {
			return b, fmt.Errorf("back up: %w", err)
		}
	}
	made := c.Now().UTC().Truncate(time.Millisecond)
	if list, _ := c.Backups(client); len(list) > 0 && !made.After(list[0].Made) {
		made = list[0].Made.Add(time.Millisecond) // by a clock that was set back it would be the first to go
	}
	stem := made.Format(backupTime)
	b = Backup{ID: client.Folder() + "/" + stem, Made: made, Client: client, Change: ch.record(client)}
	if ch.Exists {
		err = c.copy(ctx, client, ch, &b)
	}
	if c.Sealer != nil && err == nil {
		b.Change.MAC, _ = c.Sealer.Vouch(ctx, b.signed())
	}
	text, wrong := json.Marshal(b.Change)
	if err = errors.Join(err, wrong); err == nil {
		err = durable.CreateStream(filepath.Join(dir, stem)+recordFile, durable.FileMode, durable.Bytes(text))
	}
	if err != nil {
		c.forget(b)
		return Backup{}, fmt.Errorf("back up: %w", err)
	}
	c.prune(ctx, client)
	return b, nil
}

// record is what is kept of a change.
func (ch Change) record(client Client) Record {
	r := Record{Client: client.ID, Project: client.Project, Path: ch.Path, Entry: ch.Name, Action: ch.Action, Before: sum(ch.Before, ch.Exists), After: sum(ch.After, !ch.removes())}
	if f, err := client.parse(ch.Path, ch.After); err == nil && ch.Name != "" {
		if e, err := f.entry(client, ch.Name); err == nil {
			r.Is = e.sum()
		}
	}
	return r
}

// sum tells what an entry means from what it meant, whatever its spelling; "" if there is none.
func (f found) sum() string {
	if !f.there {
		return ""
	}
	if means := canonical(bytes.Clone(f.means)); means != nil {
		return sum(means, true)
	}
	return sum(f.text, true)
}
