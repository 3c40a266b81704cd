package proxy

import (
	"bytes"
	"crypto/sha256"
	"hash/maphash"
	"strconv"
	"strings"
	"time"
)

// mine begins the ids of requests that the launcher makes itself, and those that it
// gives to a later server's requests: each server counts from the same number.
const mine = "stagedoor-"

// request is one of the client's that is not answered yet.
type request struct {
	id     []byte // as the client wrote it
	method string
	tool   string
	owner  *server
	sent   time.Time // to it
	line   []byte    // of those that a later server needs too
	about  string    // the task that it is about
	cursor bool      // it asks for another page
	resent bool      // a later server got it too, and its acknowledgement is not for the client
}

// session is what one connection of a client holds, whichever server is behind it.
// It is guarded by the proxy's lock.
type session struct {
	modern  bool // the client opened with a request of revision 2026-07-28
	ours    bool // the launcher answered initialize itself, for want of a token
	hello   []byte
	helloID span
	first   []byte // the result of initialize of the first server, as it is
	agreed  []byte // the result of initialize as the client saw it
	ready   []byte // notifications/initialized
	level   []byte // the last logging/setLevel
	watched map[string][]byte
	meta    []byte // what each request of revision 2026-07-28 says of the client

	waiting  map[string]*request // by id, as the client wrote it
	listens  map[string]*request // subscriptions/listen, which stay unanswered
	asked    map[string]question // requests of servers, by the id that the client knows
	progress map[string]question // progress tokens of servers, likewise
	held     map[string]*server  // tasks that are not over, and states of requests that the client has to go on with
	account  string              // of the present server, or of the last
	lists    map[string]list     // what the client knows of each
	issued   [2]map[uint64]bool  // cursors, tasks and states of earlier accounts, and of the present one
	seed     maphash.Seed
}

// question is a request of a server.
type question struct {
	from  *server
	id    []byte // as the server wrote it
	token string // of its progress, as the client knows it
}

func newSession() session {
	return session{
		watched: map[string][]byte{}, waiting: map[string]*request{}, listens: map[string]*request{}, asked: map[string]question{}, progress: map[string]question{},
		held: map[string]*server{}, lists: map[string]list{}, issued: [2]map[uint64]bool{{}, {}}, seed: maphash.MakeSeed(),
	}
}

// note keeps what a later server has to be told, of a message of the client.
func (s *session) note(line []byte, m message) {
	switch m.method {
	case "initialize":
		if m.id.found() {
			s.hello, s.helloID, s.modern = bytes.Clone(line), m.id, false
		}
	case "notifications/initialized":
		s.ready = bytes.Clone(line)
	case "logging/setLevel":
		s.level = bytes.Clone(m.params.of(line))
	case "resources/subscribe":
		s.watched[unquoted(m.in.uri.of(line))] = bytes.Clone(m.params.of(line))
	case "resources/unsubscribe":
		delete(s.watched, unquoted(m.in.uri.of(line)))
	}
	if s.hello == nil && !s.modern && m.request() && member(line, m.in.meta, "io.modelcontextprotocol/protocolVersion").found() {
		s.modern, s.meta = true, bytes.Clone(m.in.meta.of(line))
	}
}

// lists are the methods whose answers the client may be told have changed.
var lists = []struct{ method, members, changed, capability, grant string }{
	{"tools/list", "tools", "notifications/tools/list_changed", "tools", "toolsListChanged"},
	{"prompts/list", "prompts", "notifications/prompts/list_changed", "prompts", "promptsListChanged"},
	{"resources/list", "resources", "notifications/resources/list_changed", "resources", "resourcesListChanged"},
	{"resources/templates/list", "resourceTemplates", "notifications/resources/list_changed", "resources", "resourcesListChanged"},
}

// listed adds an answer to what the client knows of a list.
func (s *session) listed(r *request, line []byte, m message) {
	for _, l := range lists {
		if l.method == r.method {
			known := s.lists[l.method]
			if !r.cursor {
				known = list{}
			}
			s.lists[l.method] = known.with(member(line, m.result, l.members).of(line))
		}
	}
}

// list is what was seen of a list, which may be its first pages only.
type list struct {
	pages int
	sum   [sha256.Size]byte
}

// with is the list with another page.
func (l list) with(page []byte) list {
	return list{l.pages + 1, sha256.Sum256(append(l.sum[:], page...))}
}

// maxHandles bounds what is remembered of cursors, tasks and the like: each stands for
// something that one account's server holds.
const maxHandles = 10_000

func (s *session) handles(line []byte, m message) (values [3]uint64) {
	task := m.in.taskID
	if !task.found() {
		task = member(line, m.in.task, "taskId")
	}
	for i, v := range []span{m.in.cursor, m.in.state, task} {
		if v.found() {
			values[i] = maphash.Bytes(s.seed, v.of(line))
		}
	}
	return values
}

func (s *session) issue(line []byte, m message) {
	for _, h := range s.handles(line, m) {
		if h != 0 && len(s.issued[1]) < maxHandles {
			s.issued[1][h] = true
		}
	}
}

// stale reports whether a request goes on with something of an earlier account.
func (s *session) stale(line []byte, m message) bool {
	if len(s.issued[0]) == 0 {
		return false
	}
	for _, h := range s.handles(line, m) {
		if s.issued[0][h] && !s.issued[1][h] {
			return true
		}
	}
	return false
}

// switched says that from now on another account is behind the session.
func (s *session) switched() {
	for h := range s.issued[1] {
		if len(s.issued[0]) < maxHandles {
			s.issued[0][h] = true
		}
	}
	s.issued[1] = map[uint64]bool{}
	clear(s.held)
	clear(s.lists)
}

// hold notes what a server's answer to r, or its notification, says of what goes on
// behind the client's back and ends with that server: a task, or a request for which it
// wants more of the client.
func (s *session) hold(line []byte, m message, from *server, r *request) {
	if state := m.in.state; state.found() && r != nil && len(s.held) < maxHandles {
		s.held[string(state.of(line))] = from
	}
	id, status := m.in.taskID, m.in.status
	if !id.found() {
		id, status = member(line, m.in.task, "taskId"), member(line, m.in.task, "status")
	}
	key := string(id.of(line))
	if r != nil && r.method == "tasks/result" {
		key = r.about
	}
	switch status := unquoted(status.of(line)); {
	case key == "":
	case status == "completed" || status == "failed" || status == "cancelled" || r != nil && r.method == "tasks/result":
		delete(s.held, key)
	case status != "" && !from.replaced && len(s.held) < maxHandles:
		s.held[key] = from
	}
}

// holder returns the server that holds what a request goes on with.
func (s *session) holder(line []byte, m message) *server {
	if strings.HasPrefix(m.method, "tasks/") {
		return s.held[string(m.in.taskID.of(line))]
	}
	return s.held[string(m.in.state.of(line))]
}

// renamed is the id under which the client knows a later server's request, or the
// progress token. raw is as the server wrote it: 7 and "7" are two.
func renamed(generation int, raw []byte) []byte {
	return bytes.TrimSpace(encode(mine + strconv.Itoa(generation) + "-" + string(raw)))
}
