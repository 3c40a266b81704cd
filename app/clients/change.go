package clients

import "slices"

// Action is what a Change does to the file.
type Action string

// The actions. Unchanged and Absent mean that there is nothing to write.
const (
	Create    Action = "create"    // the entry is new
	Update    Action = "update"    // the entry exists and differs
	Unchanged Action = "unchanged" // the entry is already as wanted
	Remove    Action = "remove"    // the entry goes; without After the file goes with it
	Absent    Action = "absent"    // the entry to remove is not there
	Restore   Action = "restore"   // the whole file becomes what it was; without After there was none
)

// Change is what Plan found out and Apply would do. Look, do not edit: Apply
// refuses a Change whose fields do not belong together.
type Change struct {
	Client  string // id
	Project string // see Client.Project
	Path    string // the file as the client names it; Apply follows a symlink
	Name    string // of the entry; "" if it is the whole file
	Action  Action
	Entry   *Entry // the wanted entry; nil when it is removed

	Exists        bool   // the file exists
	FolderMissing bool   // the folder does not: the client has probably never been started. Apply creates it, 0700
	Before, After []byte // the whole file; Before is nil when the file does not exist

	// Previous is the entry of that name in the file, if it is a stdio server.
	Previous *Entry
	// Warnings are sentences for the user; none of them stops Apply.
	Warnings []string

	// Doubt says why a person should look at a change to what a backup has, or is "".
	Doubt string

	// TakesSecrets is for a change that takes secrets out of plain text: it is not made
	// without an encrypted copy.
	TakesSecrets bool

	was []byte // the entry's exact text in Before; nil if there was none
}

// Was is the entry's exact text, nil if there was none. It may hold secrets.
func (ch Change) Was() []byte { return ch.was }

// wraps says that the new entry starts what the one before did, or that that one is put back.
func (ch Change) wraps() bool {
	if ch.Previous == nil || ch.Entry == nil {
		return false
	}
	_, command := ch.Entry.Behind()
	return ch.Entry.text != nil || len(command) > 0 && slices.Equal(command[1:], ch.Previous.Args)
}

// Writes says whether Apply would touch the file.
func (ch Change) Writes() bool {
	return ch.Action == Create || ch.Action == Update || ch.Action == Remove || ch.Action == Restore
}

// removes says that the file itself goes.
func (ch Change) removes() bool {
	return (ch.Action == Restore || ch.Action == Remove) && ch.After == nil
}

// client is the row of the change's client.
func (ch Change) client() (Client, error) {
	client, err := Lookup(ch.Client)
	return client.of(ch.Project), err
}
