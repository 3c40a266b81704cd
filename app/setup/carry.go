package setup

import (
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// carriedOver are variables without which nothing is reached behind a company's proxy,
// by the launcher or by the server. Clients do not pass them on.
var carriedOver = []string{
	"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "all_proxy", "no_proxy",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE",
}

// CarriedOver are the names of variables that an entry gets of the user's shell.
func CarriedOver() []string { return slices.Clone(carriedOver) }

// carry returns those that the user's shell has, and what to say of them. A proxy with a
// password is none for a file in plain text.
func carry(environ []string, client string) (env map[string]string, notes []string) {
	env = map[string]string{}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if value == "" || !slices.Contains(carriedOver, name) {
			continue
		}
		if strings.Contains(strings.ToUpper(name), "PROXY") {
			address := value
			if !strings.Contains(address, "://") {
				address = "http://" + address
			}
			if u, err := url.Parse(address); err != nil && strings.Contains(value, "@") || err == nil && u.User != nil {
				notes = append(notes, fmt.Sprintf("%s has a user name or a password, so it is not written into the entry; without it %s may reach nothing", name, client))
				continue
			}
		} else if path, err := filepath.Abs(value); err == nil && !strings.Contains(value, string(filepath.ListSeparator)) {
			value = path
		}
		env[name] = value
	}
	if len(env) > 0 {
		var list []string
		for _, name := range slices.Sorted(maps.Keys(env)) {
			list = append(list, name+"="+env[name])
		}
		notes = append(notes, fmt.Sprintf("the entry gets %s of your shell, which %s may not pass on; --no-environment leaves that out", strings.Join(list, ", "), client))
	}
	return env, notes
}

// lasting is a program's path that is there after the next login, too: fnm has one for
// each shell, a link in a folder that ends with the session.
func lasting(path string) string {
	dir := filepath.Dir(path)
	if !strings.Contains(dir, "fnm_multishells") && !strings.HasPrefix(dir, "/run/user/") {
		return path
	}
	if target, err := filepath.EvalSymlinks(dir); err == nil {
		return filepath.Join(target, filepath.Base(path))
	}
	return path
}
