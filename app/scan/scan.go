// Package scan finds secrets that stand in plain text where MCP clients and the servers
// that they start read them: in the clients' files, in Stagedoor's copies of these, and in
// .env files beside servers. It reads and changes nothing; no value leaves it but in a
// Finding's Value, which prints as nothing.
package scan

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// Finding is a secret in plain text.
type Finding struct {
	Client string `json:"client,omitempty"` // id; "" of an .env file
	File   string `json:"file"`
	Entry  string `json:"entry"` // of the server that it is for
	Place  string `json:"place"` // in the entry or file: "env API_KEY"
	Masked string `json:"value"`
	What   string `json:"looks_like"`
	Next   string `json:"next"` // what can be done

	// Variable is the one of an entry's env that Move can take; "" if it cannot.
	Variable string        `json:"variable,omitempty"`
	Value    secret.String `json:"-"`
}

// Files finds the secrets of the clients' files and of what is beside their servers, in
// the order of the files. What could not be read is in wrong.
func Files(configs *clients.Configs) (found []Finding, wrong []error) {
	texts, wrong := configs.Texts()
	beside := map[string]string{} // .env files, and a server that would read each
	var paths []string
	for _, t := range texts {
		for _, e := range t.Entries {
			s := scanner{text: t, entry: e}
			s.read()
			found = append(found, s.found...)
			for _, path := range s.envFiles() {
				if _, known := beside[path]; !known && !t.Copy {
					beside[path] = e.Name
					paths = append(paths, path)
				}
			}
		}
	}
	for _, path := range paths {
		list, err := envFile(path, beside[path])
		found = append(found, list...)
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	return found, wrong
}

// scanner looks through one entry.
type scanner struct {
	text  clients.Text
	entry clients.Raw
	found []Finding
}

func (s *scanner) read() {
	var tree map[string]any
	if json.Unmarshal(s.entry.Means, &tree) != nil {
		return // it is no entry
	}
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		s.value([]string{name}, tree[name])
	}
}

func (s *scanner) value(path []string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			s.value(append(slices.Clone(path), name), v[name])
		}
	case []any:
		s.list(path, v)
	case string:
		what, shown := judge(path[len(path)-1], v)
		s.add(path, strings.Join(path, " "), v, what, shown)
	}
}

// list looks at arguments. Those of ours stand before the server's and have none.
func (s *scanner) list(path []string, list []any) {
	from := 0
	if e := s.entry.Entry; e != nil && e.IsOurs() && path[0] == s.text.Client.Member("args") {
		_, command := e.Behind()
		from = len(list) - len(command)
	}
	before := ""
	for i, v := range list {
		arg, is := v.(string)
		if !is {
			s.value(append(slices.Clone(path), strconv.Itoa(i+1)), v)
			continue
		}
		for _, p := range pairs(before, arg) {
			if what, shown := judge(p[0], p[1]); what != "" && i >= from {
				s.add(path, fmt.Sprintf("%s, number %d", strings.Join(path, " "), i+1), p[1], what, shown)
				break
			}
		}
		before = arg
	}
}

func (s *scanner) add(path []string, place, value, what, shown string) {
	if what == "" {
		return
	}
	f := Finding{
		Client: s.text.Client.ID, File: s.text.Path, Entry: s.entry.Name, Place: place, Masked: mask(shown), What: what, Value: secret.String(value),
	}
	ours := s.entry.Entry != nil && s.entry.Entry.IsOurs()
	env := len(path) == 2 && path[0] == s.text.Client.Member("env")
	switch {
	case s.text.Copy:
		f.Next = "it is encrypted when the backups are listed (stagedoor backups), if the keychain is open"
	case s.entry.Entry == nil:
		f.Next = "the client connects to this server itself, so Stagedoor cannot hand it over: use the client's own sign-in or input for it"
	case ours:
		f.Next = "take the entry out of Stagedoor's hands first (stagedoor setup " + s.text.Client.ID + " --unwrap); then it can move into the vault (scan --move)"
	case env:
		f.Variable, f.Next = path[1], "scan --move puts it into the vault, and the server gets it from there"
	default:
		f.Next = "see whether the server reads it from a variable, and put it into the entry's env; then it can move into the vault (scan --move)"
	}
	s.found = append(s.found, f)
}

// envFiles are the .env files that the entry's server may read: in its working folder,
// beside its program's script, and those that an argument names.
func (s *scanner) envFiles() (files []string) {
	e := s.entry.Entry
	if e == nil {
		return nil
	}
	var tree map[string]any
	_ = json.Unmarshal(s.entry.Means, &tree)
	cwd, _ := tree["cwd"].(string)
	folders := []string{cwd}
	for _, arg := range append([]string{e.Command}, e.Args...) {
		if value, ok := strings.CutPrefix(arg, "--env-file="); ok {
			arg = value
		}
		path := arg
		if !filepath.IsAbs(path) {
			if cwd == "" {
				continue
			}
			path = filepath.Join(cwd, arg)
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
		case info.IsDir():
			folders = append(folders, path)
		case strings.HasPrefix(filepath.Base(path), ".env"):
			files = append(files, path)
		default:
			folders = append(folders, filepath.Dir(path))
		}
	}
	for _, dir := range folders {
		if !filepath.IsAbs(dir) {
			continue
		}
		list, _ := filepath.Glob(filepath.Join(escape(dir), ".env*"))
		for _, path := range list {
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && !example(filepath.Base(path)) { // .env may be a Python environment
				files = append(files, path)
			}
		}
	}
	return files
}

// escape has a folder's name stand for itself in a pattern.
func escape(dir string) string {
	if os.PathSeparator == '\\' { // where patterns have no escapes
		return dir
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// example reports whether a file is one to be copied and filled in.
func example(name string) bool { return word(name, "example", "sample", "template", "dist") }

// maxEnv is more than an .env file has, in bytes.
const maxEnv = 1 << 20

// envFile finds the secrets of an .env file.
func envFile(path, entry string) (found []Finding, err error) {
	data, err := durable.ReadLinked(path, maxEnv)
	if err != nil {
		return nil, err
	}
	for _, a := range migrate.Assignments(data) {
		if what, shown := judge(a.Key, a.Value); what != "" {
			found = append(found, Finding{
				File: path, Entry: entry, Place: fmt.Sprintf("line %d, %s", a.Line, a.Key), Masked: mask(shown), What: what, Value: secret.String(a.Value),
				Next: "stagedoor import takes Spotify's and TIDAL's; put it into the entry's env and take it out here, and it can move into the vault (scan --move)",
			})
		}
	}
	return found, nil
}
