package scan

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

var (
	// telling is the end of the names whose values are secrets. What comes behind it, as
	// in TOKEN_FILE and MAX_TOKENS, says that the value is something else.
	telling = text.Pattern(`(?i)(^|[a-z0-9_.-])(token|secret|passw(or)?d|passwd|passphrase|pwd|api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key|signing[_-]?key|encryption[_-]?key|service[_-]?key|account[_-]?key|(^|[_-])key|authorization|credentials?|bearer|cookie|(^|[_-])pat)([_-]?[0-9])?$`)
	// camel is the same in names like apiKey.
	camel = text.Pattern(`[a-z0-9](Token|Secret|Password|Key|Credentials?)$`)
	// harmless are names that end so and hold none.
	harmless = text.Pattern(`(?i)public|publishable|primary[_-]?key|sort[_-]?key|partition[_-]?key|foreign[_-]?key|cache[_-]?key|hot[_-]?key|shortcut|next[_-]?token|page[_-]?token|pad[_-]?token|stop[_-]?token|eos[_-]?token`)
	// reference is what stands for a value that is elsewhere.
	reference = text.Pattern(`^(\$|%[A-Za-z_][A-Za-z0-9_]*%$|\$?\{|op://|vault:|keyring:|keychain:|pass:|file:|env:|aws-sm://|gcp-sm://|sops:|ENC\[|!)|\$\{[^}]*\}|\{\{[^}]*\}\}|\$\(|\{(access_token|secret)[^}]*\}|\{env:`)
	scheme    = text.Pattern(`(?i)^(bearer|basic|token|bot|apikey|api-key|digest)\s+`)
	number    = text.Pattern(`^[0-9.,:+-]*$`)
	public    = text.Pattern(`^(ssh-(rsa|ed25519|dss)|ecdsa-sha2-\S+|age1[a-z0-9]+|pk_(live|test)_|-----BEGIN (PUBLIC KEY|CERTIFICATE|RSA PUBLIC KEY|PGP PUBLIC KEY BLOCK)|sha256[/:-])`)
	filePath  = text.Pattern(`^([A-Za-z]:[\\/]|~?/|\.\.?/|\\\\)|^[^/=+]+(/[^/=+]+)*\.(json|ya?ml|toml|pem|key|crt|txt|env|p12|pfx|db|sqlite3?)$`)
	ordinary  = text.Pattern(`^[a-z]+([ _-][a-z]+)*$|^[A-Z]+(_[A-Z]+)*$`)
	inQuery   = text.Pattern(`(?i)^(api[_-]?key|apikey|key|token|access[_-]?token|auth|secret|password|sig)$`)
)

// judge says what secret a value is, or "" if it is none that can be told, and what of it
// may be shown. Names decide where no service's token begins so; how random a value is
// says nothing by itself.
func judge(name, value string) (what, shown string) {
	value = strings.TrimSpace(value)
	bare := scheme().ReplaceAllString(value, "")
	var members map[string]any
	if strings.HasPrefix(value, "{") && json.Unmarshal([]byte(value), &members) == nil { // such as headers
		for name, member := range members {
			if s, is := member.(string); is && what == "" {
				what, _ = judge(name, s)
			}
		}
		return what, ""
	}
	switch {
	case bare == "", len(value) > maxValue, !utf8.ValidString(value), public().MatchString(value):
		return "", ""
	case reference().MatchString(bare):
		return "", ""
	}
	if what, begins := clients.Shape(bare); what != "" {
		return what, begins
	}
	if u, err := url.Parse(bare); err == nil && u.Scheme != "" && u.Host != "" {
		return inAddress(u), ""
	}
	if !named(name) || migrate.Placeholder(bare) || filler(bare) || number().MatchString(bare) || filePath().MatchString(bare) {
		return "", ""
	}
	switch least := 8; {
	case word(name, "pass", "pwd"):
		return "password, by its name", ""
	case len(bare) < least, len(bare) < 20 && ordinary().MatchString(bare):
		return "", ""
	}
	return "secret, by its name", ""
}

// filler reports whether what follows a token's beginning is one character again and again.
func filler(s string) bool {
	rest := s[strings.LastIndexAny(s, "-_")+1:]
	return len(rest) >= 8 && strings.Trim(rest, rest[:1]) == ""
}

// maxValue is longer than any secret that a variable has, in bytes.
const maxValue = 16 << 10

// named reports whether a name says that its value is a secret.
func named(name string) bool {
	name = strings.TrimLeft(name, "-")
	return (telling().MatchString(name) || camel().MatchString(name)) && !harmless().MatchString(name)
}

func word(name string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(strings.ToLower(name), p) {
			return true
		}
	}
	return false
}

// inAddress says what secret an address has.
func inAddress(u *url.URL) string {
	if password, ok := u.User.Password(); ok && password != "" && !migrate.Placeholder(password) && !reference().MatchString(password) {
		return "password in an address"
	}
	for name, values := range u.Query() {
		for _, v := range values {
			if inQuery().MatchString(name) && len(v) >= 8 && !migrate.Placeholder(v) && !reference().MatchString(v) {
				return "token in an address"
			}
		}
	}
	return ""
}

// mask is a value for people: what begins a known token, and no more.
func mask(shown string) string { return shown + "•••" }

var (
	assigned = text.Pattern(`^(?:--?[A-Za-z][\w-]*=)?([A-Za-z_][\w-]*)=(.+)$`)
	headline = text.Pattern(`^([A-Za-z][\w-]*):\s*(.+)$`)
)

// pairs are the names and values that an argument of a program may have: --name value,
// --name=value, NAME=value, and "Header: value".
func pairs(before, arg string) (list [][2]string) {
	if strings.HasPrefix(before, "-") && !strings.Contains(before, "=") {
		list = append(list, [2]string{before, arg})
	}
	for _, form := range []*regexp.Regexp{assigned(), headline()} {
		if m := form.FindStringSubmatch(arg); m != nil {
			list = append(list, [2]string{m[1], m[2]})
		}
	}
	if name, value, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(name, "-") {
		list = append(list, [2]string{name, value})
	}
	return append(list, [2]string{"", arg})
}
