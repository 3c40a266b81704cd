package provider

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Folder is where the user's rows are, in the state folder.
const Folder = "providers"

// maxRow is far more than a row needs, in bytes.
const maxRow = 64 << 10

// Own reports whether the row is the user's and not built in.
func (p Provider) Own() bool { return p.Text != "" }

// Ref is what --provider takes: the id, and of a row of the user's the digest of its
// file. Other programs may be able to write there, and a row says where tokens and
// the client secret go: so a file is used as it was when the user looked at it.
func (p Provider) Ref() string {
	if p.Digest == "" {
		return p.ID
	}
	return p.ID + "@" + p.Digest
}

// Of returns the row of a profile: the built-in one, or the user's as the profile keeps
// it, whatever became of its file.
func Of(id, own string) (Provider, error) {
	if own == "" {
		return Lookup(id)
	}
	p, faults := parse([]byte(own), "")
	switch {
	case len(faults) > 0:
		return Provider{}, fmt.Errorf("the provider's description cannot be used: %s", faults[0])
	case p.ID != id:
		return Provider{}, fmt.Errorf("the provider's description is of %q", p.ID)
	}
	p.Text = own
	return p, nil
}

// FileError is a file of the user's that cannot be used.
type FileError struct {
	Path   string
	Faults []Fault
}

func (e FileError) Error() string {
	s := e.Path + ":" + e.Faults[0].String()
	if more := len(e.Faults) - 1; more > 0 {
		s += fmt.Sprintf(" (and %d more)", more)
	}
	return s
}

// Hint implements hint.Of.
func (e FileError) Hint() string {
	return "see all that is wrong with it: stagedoor providers check " + e.Path
}

// ReadFile reads a row of the user's. Its errors are a FileError or about the file itself.
func ReadFile(path string) (Provider, error) {
	data, err := durable.ReadLinked(path, maxRow)
	if err != nil {
		return Provider{}, err
	}
	name := strings.TrimSuffix(filepath.Base(path), ".json")
	p, faults := parse(data, name)
	whole := func(what string) { faults = append(faults, Fault{1, 1, "", what}) }
	if len(faults) == 0 {
		if _, err := Lookup(p.ID); err == nil {
			whole("there is a built-in provider " + p.ID + ", which stays as it is: give yours another id")
		} else if p.ID != name || filepath.Ext(path) != ".json" {
			whole(fmt.Sprintf("it describes %q: the file has to be called %s.json", p.ID, p.ID))
		}
	}
	if len(faults) > 0 {
		return Provider{}, FileError{path, faults}
	}
	canonical, err := json.Marshal(p, json.Deterministic(true))
	if err != nil {
		return Provider{}, err
	}
	digest := sha256.Sum256(data)
	p.Text, p.File, p.Digest = string(canonical), path, fmt.Sprintf("%x", digest[:16])
	return p, nil
}

// OwnRows returns the user's rows, the files ID.json in a folder, and what is wrong with
// others.
func OwnRows(dir string) (own []Provider, wrong []error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		wrong = append(wrong, err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		if p, err := ReadFile(filepath.Join(dir, e.Name())); err != nil {
			wrong = append(wrong, err)
		} else {
			own = append(own, p)
		}
	}
	return own, wrong
}

// Choose returns the row that ref names for a new profile: a built-in one by its id, or
// one of those in dir by its Ref.
func Choose(dir, ref string) (Provider, error) {
	built, unknown := Lookup(ref)
	if unknown == nil {
		return built, nil
	}
	name, digest, named := strings.Cut(ref, "@")
	if !idForm().MatchString(name) {
		return Provider{}, unknown
	}
	p, err := ReadFile(filepath.Join(dir, name+".json"))
	switch {
	case errors.Is(err, fs.ErrNotExist) && named:
		return Provider{}, hint.Wrap(fmt.Errorf("there is no file %s.json in %s", name, dir), "see stagedoor providers")
	case errors.Is(err, fs.ErrNotExist):
		return Provider{}, unknown
	case err != nil || p.Ref() == ref:
		return p, err
	case named && digest != "":
		err = fmt.Errorf("%s was changed", p.File)
	default:
		err = fmt.Errorf("%s is a provider of your own, which is named with its digest", name)
	}
	return Provider{}, hint.Wrap(err, "look at it with stagedoor providers "+name+"; if it says what you want, it is --provider "+p.Ref())
}

// Find returns the row to look at: a built-in one, or one of those in dir, with or
// without its digest.
func Find(dir, ref string) (Provider, error) {
	name, _, _ := strings.Cut(ref, "@")
	if p, err := Lookup(name); err == nil || !idForm().MatchString(name) {
		return p, err
	}
	p, err := ReadFile(filepath.Join(dir, name+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		_, err = Lookup(ref)
	}
	return p, err
}
