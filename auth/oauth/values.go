package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Found is a value that a provider has for a login, and what tells it from others.
type Found struct {
	Value string `json:"value"`
	Label string `json:"label,omitempty"`
}

const (
	maxValue = 2 << 10 // bytes
	maxFound = 50
)

// isValue reports whether others' words can be a value: they go into a server's
// environment.
func isValue(s string) bool {
	return s != "" && len(s) <= maxValue && !strings.ContainsFunc(s, text.Hidden)
}

// Values asks for what a login has at an address: the value and its label are paths, as
// in an IdentitySpec, in the answer or in each of the list that it is. The token goes
// into the Authorization header and nowhere else.
func (w *Wire) Values(ctx context.Context, url string, access secret.String, headers map[string]string, value, label string) ([]Found, error) {
	const op = "request for what belongs to the login"
	if access.Empty() || !printable(access.Reveal()) {
		return nil, errors.New(op + ": there is no usable access token")
	}
	header := http.Header{"Authorization": {"Bearer " + access.Reveal()}, "Accept": {"application/json"}}
	for name, v := range headers {
		header.Set(name, v)
	}
	a, err := w.send(ctx, op, http.MethodGet, url, header, "")
	if err != nil {
		return nil, err
	}
	var list []json.RawMessage
	if body := bytes.TrimSpace(a.body); !a.ok() || a.cut != nil || len(body) == 0 || body[0] != '[' || json.Unmarshal(body, &list) != nil {
		if _, err := a.object(w.now()); err != nil {
			return nil, err
		}
		list = []json.RawMessage{a.body}
	}
	var found []Found
	for _, raw := range list[:min(len(list), maxFound)] {
		o, err := parseObject(raw)
		if err != nil {
			continue
		}
		if v, ok := o.joined(value); ok && isValue(v) {
			name, _ := o.at(label)
			found = append(found, Found{v, text.Line(name, maxName)})
		}
	}
	if len(found) == 0 {
		return nil, a.malformed("the answer has none")
	}
	return found, nil
}
