package proxy

import (
	"bytes"
	"encoding/json"
)

// Error codes of JSON-RPC 2.0 section 5.1, and one of the range for servers.
const (
	codeInvalid  = -32600
	codeMethod   = -32601
	codeParams   = -32602
	codeInternal = -32603
	codeServer   = -32000
)

// encode is JSON without the escapes that are for HTML.
func encode(v any) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // of our own types
	return out.Bytes()
}

type object = map[string]any

func failure(id []byte, code int, words string) []byte {
	return encode(struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Error   object          `json:"error"`
	}{"2.0", id, object{"code": code, "message": words}})
}

// failures are one for each request of a line.
func failures(line []byte, messages []message, code int, words string) (out []byte) {
	for _, m := range messages {
		if m.request() {
			out = append(out, failure(m.id.of(line), code, words)...)
		}
	}
	return out
}

func success(id []byte, result any) []byte {
	return encode(struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Result  any             `json:"result"`
	}{"2.0", id, result})
}

func call(id []byte, method string, params any) []byte {
	m := struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id,omitempty"`
		Method  string          `json:"method"`
		Params  any             `json:"params,omitempty"`
	}{"2.0", id, method, params}
	return encode(m)
}

// latestLegacy is the newest revision with a handshake.
const (
	latestLegacy = "2025-11-25"
	modern       = "2026-07-28"
)

// standIn answers a request while no server can be started. words say why, and what
// the user can do. It returns nil for what needs no answer.
func (x *Proxy) standIn(line []byte, m message, words string) []byte {
	if !m.request() {
		return nil
	}
	id := m.id.of(line)
	empty := func(name string) []byte {
		return success(id, x.complete(object{name: []any{}}))
	}
	changes := object{"listChanged": true}
	able := object{"tools": changes, "prompts": changes, "resources": changes}
	info := object{"name": "stagedoor", "version": x.p.Version}
	switch m.method {
	case "initialize":
		version := unquoted(member(line, m.params, "protocolVersion").of(line))
		if version == "" || version > latestLegacy {
			version = latestLegacy
		}
		result := object{"protocolVersion": version, "capabilities": able, "serverInfo": info, "instructions": words}
		x.s.agreed, x.s.ours = bytes.TrimSpace(encode(result)), true
		return success(id, result)
	case "server/discover":
		return success(id, object{
			"resultType": "complete", "supportedVersions": []string{modern}, "capabilities": able, "instructions": words, "ttlMs": 0, "cacheScope": "private",
			"_meta": object{"io.modelcontextprotocol/serverInfo": info},
		})
	case "ping":
		return success(id, object{})
	case "tools/list":
		return empty("tools")
	case "prompts/list":
		return empty("prompts")
	case "resources/list":
		return empty("resources")
	case "resources/templates/list":
		return empty("resourceTemplates")
	case "tools/call":
		return success(id, x.complete(object{"content": []any{object{"type": "text", "text": words}}, "isError": true}))
	case "logging/setLevel", "resources/subscribe", "resources/unsubscribe":
		return success(id, object{}) // a server will be told
	case "subscriptions/listen":
		x.s.listens[string(id)] = &request{id: bytes.Clone(id), method: m.method, line: bytes.Clone(line)}
		return call(nil, "notifications/subscriptions/acknowledged", object{
			"notifications": json.RawMessage(orEmpty(member(line, m.params, "notifications").of(line))), "_meta": subscription(id),
		})
	}
	return failure(id, codeServer, words)
}

func orEmpty(raw []byte) []byte {
	if len(raw) == 0 {
		return []byte("{}")
	}
	return raw
}

func subscription(id []byte) object {
	return object{"io.modelcontextprotocol/subscriptionId": json.RawMessage(bytes.Clone(id))}
}

// complete adds to a result what the modern revision asks for.
func (x *Proxy) complete(result object) object {
	if x.s.modern {
		result["resultType"] = "complete"
		if _, call := result["content"]; !call {
			result["ttlMs"], result["cacheScope"] = 0, "private"
		}
	}
	return result
}

// changedLines tell the client that its lists are not what they were.
func (x *Proxy) changedLines(which func(method string) bool) (lines []byte) {
	told := map[string]bool{}
	for _, l := range lists {
		if !which(l.method) || told[l.changed] {
			continue
		}
		told[l.changed] = true
		if !x.s.modern {
			if member(x.s.agreed, span{0, len(x.s.agreed)}, "capabilities", l.capability).found() {
				lines = append(lines, call(nil, l.changed, nil)...)
			}
			continue
		}
		for _, r := range x.s.listens {
			m, _ := parse(r.line, nil)
			if string(member(r.line, m[0].params, "notifications", l.grant).of(r.line)) == "true" {
				lines = append(lines, call(nil, l.changed, object{"_meta": subscription(r.id)})...)
			}
		}
	}
	return lines
}

// promise makes the first answer to initialize say that lists may change: they do
// when the account does, and some clients only listen to what was announced.
func promise(line []byte, m message) (edits []edit) {
	able := m.in.able
	if !able.found() {
		return nil
	}
	for w := (walker{b: line[:able.to], i: able.from}); w.next(); {
		v := span{w.i, 0}
		w.skip()
		name := string(w.key)
		if v.to = w.i; !v.found() || line[v.from] != '{' || name != "tools" && name != "prompts" && name != "resources" {
			continue
		}
		has := member(line, v, "listChanged")
		switch {
		case has.found():
			edits = append(edits, edit{has, []byte("true")})
		case len(bytes.TrimSpace(line[v.from+1:v.to-1])) == 0:
			edits = append(edits, edit{v, []byte(`{"listChanged":true}`)})
		default:
			edits = append(edits, edit{span{v.from + 1, v.from + 1}, []byte(`"listChanged":true,`)})
		}
	}
	return edits
}
