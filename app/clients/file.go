package clients

// file is a client's file, taken apart. Each format is one. Positions count from the
// start of what source returns.
type file interface {
	// entry finds the entry of that name.
	entry(client Client, name string) (found, error)
	// entries are those that start a program.
	entries(client Client) []Server
	// names are those of all entries.
	names(client Client) ([]string, error)
	// set is the file with the entry as wanted, and drop is it without.
	set(client Client, name string, e Entry) (file, error)
	drop(client Client, name string) (file, error)
	// others is what of the file is not the entry, to be compared.
	others(client Client, name string) [][]byte

	bytes() []byte  // the whole file
	source() []byte // what of it was taken apart, without a byte order mark
	blank() bool    // it is missing, empty or white space
	plain() bool    // it has nothing that the format does not
	// mask is source with what may be a secret replaced; see document.mask.
	mask(plain map[string]bool, ranges []span) []byte
	short(line string) string // a line of mask for people
	// secret says that mask would replace something in the whole of it.
	secret(plain map[string]bool) bool
}

// found is an entry in a file.
type found struct {
	there bool
	text  []byte // as it stands there
	means []byte // the value as JSON; nil if it has none
	entry *Entry // nil if it starts no program
}

// parse takes a file apart, or says why it is left alone.
func (c Client) parse(path string, data []byte) (file, error) {
	switch c.Format {
	case TOML:
		return parseTOML(path, data)
	case YAML:
		return parseYAML(path, data)
	}
	d, err := parse(path, data)
	if err != nil {
		return nil, err
	}
	return d, nil
}

func (d *document) source() []byte { return d.text }
func (d *document) plain() bool    { return d.blank() || d.root.IsStandard() }

func (d *document) short(line string) string { return d.held.short(line) }

func (d *document) entry(client Client, name string) (f found, err error) {
	at, err := d.find(client, name)
	if err != nil || at.index < 0 {
		return found{}, err
	}
	v := at.member().Value
	f = found{there: true, text: d.text[v.StartOffset:v.EndOffset], means: standard(v)}
	if e, ok := decodeEntry(v); ok {
		f.entry = &e
	}
	return f, nil
}

func (d *document) set(client Client, name string, e Entry) (file, error) {
	at, err := d.find(client, name)
	if err != nil {
		return nil, err
	}
	if at.index >= 0 {
		return asFile(d.update(client, name, e))
	}
	made, err := d.create(client, name, e)
	if err == nil && e.text != nil {
		made, err = made.update(client, name, e)
	}
	return asFile(made, err)
}

// asFile keeps a nil document from becoming a file that is not nil.
func asFile(d *document, err error) (file, error) {
	if err != nil {
		return nil, err
	}
	return d, nil
}
