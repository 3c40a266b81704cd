package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// IdentitySpec says where in the answer the account is. A field is a name or a
// path of names with dots: "data.attributes.username". A number is a step into an
// array: "data.0.id"; an id may be several with a + between.
type IdentitySpec struct {
	Post       bool              // it is a POST, of JSON if there is a Body
	Body       string            // of the POST
	Headers    map[string]string // that it wants besides
	IDFields   []string          // a string or a number; the first one that is there counts
	NameFields []string          // the first one that is a string and not empty wins
	// Subject, if set, is the account's id from the ID token; OpenID Connect
	// Core section 5.3.2 has an answer about anybody else refused.
	Subject string
}

// Identity is an account at the provider.
type Identity struct {
	Subject string // stable id
	Name    string // for people, without control characters; the id if there is no name
}

// Identify asks who the access token belongs to: the OpenID Connect userinfo
// endpoint or the provider's own call. The token goes into the Authorization
// header and nowhere else (RFC 6750 section 2.1).
func (w *Wire) Identify(ctx context.Context, url string, access secret.String, spec IdentitySpec) (Identity, error) {
	const op = identityRequest
	if access.Empty() || !printable(access.Reveal()) {
		return Identity{}, errors.New(op + ": there is no usable access token")
	}
	header := http.Header{}
	header.Set("Authorization", "Bearer "+access.Reveal())
	header.Set("Accept", "application/json, application/vnd.api+json;q=0.9")
	for name, value := range spec.Headers {
		header.Set(name, value)
	}
	method := http.MethodGet
	if spec.Post || spec.Body != "" {
		method = http.MethodPost
	}
	if spec.Body != "" {
		header.Set("Content-Type", "application/json")
	}
	a, err := w.send(ctx, op, method, url, header, spec.Body)
	if err != nil {
		return Identity{}, err
	}
	return a.identity(spec, w.now())
}

// identity reads the answer of an identity call.
func (a answer) identity(spec IdentitySpec, now time.Time) (Identity, error) {
	o, err := a.object(now)
	if err != nil {
		return Identity{}, err
	}
	id := ""
	for _, field := range spec.IDFields {
		if found, ok := o.joined(field); ok {
			id = found
			break
		}
	}
	if o.refuses() {
		return Identity{}, a.refusal(now)
	}
	if !accountID(id) {
		return Identity{}, a.malformed("the answer does not say whose account it is")
	}
	if spec.Subject != "" && id != spec.Subject {
		return Identity{}, ErrOtherAccount
	}
	who := Identity{Subject: id, Name: id}
	for _, field := range spec.NameFields {
		if name, ok := o.at(field); ok {
			if name = text.Line(name, maxName); name != "" {
				who.Name = name
				break
			}
		}
	}
	return who, nil
}

// joined is what all of several paths lead to.
func (o object) joined(paths string) (string, bool) {
	var parts []string
	for path := range strings.SplitSeq(paths, "+") {
		part, ok := o.at(path)
		if !ok || part == "" {
			return "", false
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "/"), true
}

// at follows a path of names to a string or a number.
func (o object) at(path string) (string, bool) {
	first, rest, deeper := strings.Cut(path, ".")
	if deeper {
		m, ok := o[first]
		if !ok || m.clash {
			return "", false
		}
		if i, after, _ := strings.Cut(rest, "."); isIndex(i) {
			var list []json.RawMessage
			n, err := strconv.Atoi(i)
			if err != nil || json.Unmarshal(m.raw, &list) != nil || n >= len(list) {
				return "", false
			}
			if m.raw, rest = list[n], after; rest == "" {
				return object{"": {raw: m.raw}}.at("")
			}
		}
		inner, err := parseObject(m.raw)
		if err != nil {
			return "", false
		}
		return inner.at(rest)
	}
	if s, ok := o.text(first); ok {
		return s, true
	}
	n, ok := o.number(first)
	return n.String(), ok
}

// isIndex reports whether a step of a path is one into an array.
func isIndex(step string) bool { return step != "" && strings.Trim(step, "0123456789") == "" }

// IsIdentityField reports whether path can be a field of an IdentitySpec.
func IsIdentityField(path string) bool {
	return printable(path) && len(path) <= 255 && !slices.Contains(strings.Split(path, "."), "")
}

// accountID reports whether s can be an account's id: OpenID Connect Core
// section 2 has at most 255 ASCII characters.
func accountID(s string) bool {
	return s != "" && len(s) <= 255 && printable(s)
}

// maxName is the longest name shown, in characters.
const maxName = 80
