// Package clients finds, reads, patches and backs up the files in which
// MCP clients (Claude Desktop, Cursor, VS Code, …) keep their servers.
//
// It promises:
//
//   - Outside the entry that is set or removed a file stays byte-identical:
//     comments, order, spacing, byte order mark, line ends, unknown keys. The
//     text is cut at the positions that the format's parser reports and is never
//     formatted or serialised again.
//   - A file that is not understood completely is refused with its line and
//     column, and left alone.
//   - Plan writes nothing. Apply writes what Plan showed or nothing, keeps a
//     copy of what was there before, and replaces the file atomically, so that
//     a crash at any moment leaves the old file or the new one.
//   - No error and no Diff carries a value out of somebody else's entry that
//     may be a secret.
//
// A Configs is safe for concurrent use by goroutines; its Apply takes
// a kernel lock per client, so other Stagedoor processes are safe too. The
// MCP clients themselves take no lock: Apply reads once more right before it
// writes and starts again if the file changed, which leaves a window of
// microseconds.
package clients

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Default is the id of the client that is meant when the user names none.
const Default = "claude-desktop"

// Client is one MCP client: where its file is and what an entry looks like.
// It is a row of data; see All.
type Client struct {
	ID   string // what `stagedoor setup` takes
	Name string // what people call it

	Format Format
	// Servers is the JSON pointer (RFC 6901) of the object that maps a name to
	// an MCP server. All known clients keep it at the top level.
	Servers string
	// Members are the names of an entry's command, args and env where they are others.
	Members map[string]string
	// Extra are constant members that the client wants in every entry.
	Extra []Field
	// Comments is true where the client reads its file as JSON with comments.
	Comments bool
	// ResetsOnComments is true where the client throws the file's content away
	// when it meets a comment or a trailing comma.
	ResetsOnComments bool
	// FullQuit is true where the client reads its file only when it starts, so
	// that closing its window is not enough.
	FullQuit bool
	// KeepsLists is true where the client shows the tools that a server had when it
	// started, whatever the server says later.
	KeepsLists bool
	// Reload says in a sentence what makes a change take effect.
	Reload string
	// Terminal is true where people start the client in a terminal, so that it has
	// their shell's PATH.
	Terminal bool
	// Remembers is true where the file is not only settings but what the client remembers.
	Remembers bool
	// Inherits is true where a server gets the client's whole environment.
	Inherits bool
	// Patience is how long a server may take to answer, if it is not defaultPatience.
	Patience time.Duration

	// Project is a project's folder, absolute, if the file is that of the project; "" if
	// it is the user's. See In.
	Project string
	// InProject begins a path in a project's folder, where a relative one does not do.
	InProject string

	project       string // the file in a project's folder; "" if none is known
	projectReload string // Reload for that

	// restart is a command that has the running client quit as a user would, and starts
	// it again, by GOOS.
	restart map[string]string
	// programs are the ends of the paths by which the running client is known, by GOOS,
	// for those of FullQuit. See Began for what stars stand for.
	programs map[string][]string

	// files are the places of the file by GOOS, the best first; "" is every
	// other system. See Path for what the placeholders stand for.
	files map[string][]string
}

// Field is a constant member of an entry.
type Field struct {
	Name  string
	Value any // a string, bool or int
}

// Member is what the client calls the command, args or env of an entry.
func (c Client) Member(name string) string { return c.member(name) }

// member is what the client calls a member of an Entry.
func (c Client) member(name string) string { return cmp.Or(c.Members[name], name) }

// Format is what a file is written in.
type Format string

// The formats. A file of JSON may have comments.
const (
	JSON Format = ""
	TOML Format = "toml"
	YAML Format = "yaml"
)

// Lookup returns the client with that id; "" is the Default.
func Lookup(id string) (Client, error) {
	id = cmp.Or(id, Default)
	rows := All()
	if i := slices.IndexFunc(rows, func(c Client) bool { return c.ID == id }); i >= 0 {
		return rows[i], nil
	}
	ids := make([]string, len(rows))
	for i, c := range rows {
		ids[i] = c.ID
	}
	advice := "choose one of " + strings.Join(ids, ", ")
	if near := hint.Nearest(strings.NewReplacer(" ", "-", "_", "-").Replace(strings.ToLower(id)), ids); near != "" {
		advice = fmt.Sprintf("did you mean %q? %s", near, advice)
	}
	return Client{}, hint.Wrap(fmt.Errorf("there is no MCP client %q", id), advice)
}

// Params is what New needs.
type Params struct {
	Env Env
	Now func() time.Time
	// BackupDir holds backups/<client id>/<UTC time>.json, .age and .change: pass the
	// backups folder. It and LockDir are Stagedoor's own and are made 0700.
	BackupDir string
	LockDir   string
	Sealer    Sealer       // of copies with secrets; nil leaves them plain, as tests may
	Log       *slog.Logger // for what must not fail a change; nil drops it
}

// Configs reads and writes the clients' files.
type Configs struct{ Params }

// New returns a Configs. It touches no file.
func New(p Params) (*Configs, error) {
	if err := p.Env.validate(); err != nil {
		return nil, fmt.Errorf("clients: %w", err)
	}
	if p.Now == nil {
		return nil, errors.New("clients: Params.Now is nil")
	}
	if !filepath.IsAbs(p.BackupDir) || !filepath.IsAbs(p.LockDir) {
		return nil, errors.New("clients: Params.BackupDir and Params.LockDir must be absolute paths")
	}
	return &Configs{p}, nil
}
