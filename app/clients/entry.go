package clients

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/tailscale/hujson"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/ospath"
)

// Entry is one MCP server that a client starts over stdio. Its three fields are
// ours: setting an entry makes them exactly so, while other members that the
// user or the client keeps in the same entry (`disabled`, `autoApprove`, …)
// stay.
type Entry struct {
	Command string            `json:"command"` // absolute path of the executable: clients started from a desktop have a short PATH
	Args    []string          `json:"args"`    // passed as they are; no shell is involved
	Env     map[string]string `json:"env"`     // empty: no `env` member. It is written in plain text, so it must hold no secret

	text []byte // of an entry that was there before, which is put back as it was
}

// ByName is the command of an entry that is shared, and so names no place on a computer.
const ByName = "stagedoor"

// ParseEntry reads the text of an entry as Change.Was had it.
func ParseEntry(text []byte) (*Entry, error) {
	e := entryOfTOML(text)
	if e == nil {
		e = entryOfYAML(text)
	}
	v, err := hujson.Parse(text)
	switch {
	case err == nil:
		if read, ok := decodeEntry(v); ok {
			e = &read
		}
	case e == nil: // whose words may quote it
		return nil, errors.New("the entry is not in a known format")
	}
	if e == nil {
		return nil, errors.New("the entry starts no program")
	}
	e.text = text
	return e, nil
}

// CheckName says whether name can be the name of an entry. Clients build tool
// names from it, and some accept no more than this.
func CheckName(name string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
	if name != "" && len(name) <= 64 && strings.Trim(name, letters) == "" {
		return nil
	}
	return hint.Wrap(fmt.Errorf("%q cannot be the name of a server entry", name),
		"use 1 to 64 letters, digits, - and _")
}

// check refuses what no client could start. In a project's file the command may be ByName.
func (e Entry) check(env Env, inProject bool) error {
	if e.text == nil && !ospath.IsAbs(env.GOOS, e.Command) && !(inProject && e.Command == ByName) {
		return hint.Wrap(fmt.Errorf("the command %q is not an absolute path", e.Command),
			"write the whole path: MCP clients do not have your shell's PATH")
	}
	for _, s := range append([]string{e.Command}, e.Args...) {
		if err := checkText(s); err != nil {
			return fmt.Errorf("command and arguments: %w", err)
		}
	}
	for name, value := range e.Env {
		if name == "" || strings.Contains(name, "=") {
			return fmt.Errorf("%q cannot be the name of an environment variable", name)
		}
		if err := errors.Join(checkText(name), checkText(value)); err != nil {
			return fmt.Errorf("environment variable %q: %w", name, err)
		}
	}
	return nil
}

// checkText refuses text that JSON or a process could not carry unchanged.
func checkText(s string) error {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return errors.New("invalid UTF-8 or a NUL character")
	}
	return nil
}

// clone makes a Change independent of what the caller does with its Entry.
func (e *Entry) clone() *Entry {
	if e == nil {
		return nil
	}
	return &Entry{e.Command, slices.Clone(e.Args), maps.Clone(e.Env), e.text}
}

// decodeEntry reads an entry of any author; ok is false when it is not a stdio
// server, or not in a shape that Entry can hold.
func decodeEntry(v hujson.Value) (e Entry, ok bool) {
	// Of a name that comes twice the last one counts, as for the clients' parsers.
	err := json.Unmarshal(standard(v), &e, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err != nil || e.Command == "" {
		return Entry{}, false
	}
	return e, true
}

// standard is one value of a parsed document without what JSON does not have.
func standard(v hujson.Value) []byte {
	v = v.Clone()
	v.Standardize()
	return v.Pack()
}

// last is the index of the member with that name, or -1. Of several the last
// one counts, as it does for the clients' parsers.
func last(obj *hujson.Object, name string) int {
	for i := len(obj.Members) - 1; i >= 0; i-- {
		if obj.Members[i].Name.Value.(hujson.Literal).String() == name {
			return i
		}
	}
	return -1
}

// Behind are the launcher's own arguments in an entry of ours, and the command of
// the server behind them.
func (e Entry) Behind() (flags, command []string) {
	if at := slices.Index(e.Args, "--"); at > 0 {
		return e.Args[1:at], e.Args[at+1:]
	}
	return e.Args[min(1, len(e.Args)):], nil
}

// IsOurs says whether an entry starts Stagedoor's launcher.
func (e Entry) IsOurs() bool {
	if len(e.Args) == 0 || e.Args[0] != "run" {
		return false
	}
	base := e.Command[strings.LastIndexAny(e.Command, `/\`)+1:]
	if cut, found := strings.CutSuffix(strings.ToLower(base), ".exe"); found {
		base = cut
	}
	return base == "stagedoor"
}

func (e Entry) equal(other Entry) bool {
	return e.Command == other.Command && slices.Equal(e.Args, other.Args) && maps.Equal(e.Env, other.Env)
}
