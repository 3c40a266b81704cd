package authtest

import (
	"crypto/rand"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// authRequest is an authorization request that waits for a decision.
type authRequest struct {
	client, redirect, state, challenge, nonce string
	scopes, resource                          []string
	userCode                                  string // of a device login, which has no redirect
}

// code is an authorization code.
type code struct {
	authRequest
	account Account
	issued  time.Time
	grant   *grant // set once it was redeemed
}

const codeLifetime = time.Minute

// decisionHeader lets the Browser of this package say no where there is no page
// to click on.
const decisionHeader = "Authtest-Decision"

// serveAuthorize is the authorization endpoint (RFC 6749 section 3.1). What is
// wrong with the client or the redirect is told to the user, the rest to the
// client.
func (s *Server) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if repeated(q) {
		s.errorPage(w, "A parameter of the request came twice.")
		return
	}
	client, ok := s.client(q.Get("client_id"))
	if !ok {
		s.errorPage(w, "The client id is not registered here.")
		return
	}
	redirect := q.Get("redirect_uri")
	if !client.allows(redirect) {
		s.errorPage(w, "The redirect address is not registered here: "+redirect)
		return
	}
	a := authRequest{
		client:    client.ID,
		redirect:  redirect,
		state:     q.Get("state"),
		challenge: q.Get("code_challenge"),
		nonce:     q.Get("nonce"),
		scopes:    strings.Fields(q.Get("scope")),
		resource:  q["resource"],
	}
	switch {
	case q.Get("response_type") != "code":
		s.answer(w, r, a, url.Values{"error": {"unsupported_response_type"}})
	case a.challenge == "" || q.Get("code_challenge_method") != "S256":
		s.answer(w, r, a, url.Values{"error": {"invalid_request"}, "error_description": {"PKCE with S256 is needed"}})
	case len(s.Scopes) > 0 && slices.ContainsFunc(a.scopes, func(x string) bool { return !slices.Contains(s.Scopes, x) }):
		s.answer(w, r, a, url.Values{"error": {"invalid_scope"}})
	case r.Header.Get(decisionHeader) == "deny":
		s.answer(w, r, a, url.Values{"error": {"access_denied"}})
	case s.Consent:
		ticket := rand.Text()
		s.mu.Lock()
		s.tickets[ticket] = a
		s.mu.Unlock()
		s.consentPage(w, client, a, ticket)
	default:
		s.allow(w, r, a, s.Accounts[0])
	}
}

// serveDecision takes the consent page's buttons. A ticket is good for one
// decision.
func (s *Server) serveDecision(w http.ResponseWriter, r *http.Request) {
	ticket := r.PostFormValue("ticket")
	s.mu.Lock()
	a, ok := s.tickets[ticket]
	delete(s.tickets, ticket)
	s.mu.Unlock()
	if !ok {
		s.errorPage(w, "This page was used before. Start the login again.")
		return
	}
	i := slices.IndexFunc(s.Accounts, func(x Account) bool { return x.Subject == r.PostFormValue("account") })
	if a.userCode != "" {
		var who *Account
		if r.PostFormValue("decision") == "allow" && i >= 0 {
			who = &s.Accounts[i]
		}
		s.decideDevice(w, a, who)
		return
	}
	if r.PostFormValue("decision") != "allow" || i < 0 {
		s.answer(w, r, a, url.Values{"error": {"access_denied"}, "error_description": {"the user said no"}})
		return
	}
	s.allow(w, r, a, s.Accounts[i])
}

func (s *Server) allow(w http.ResponseWriter, r *http.Request, a authRequest, who Account) {
	key := rand.Text()
	s.mu.Lock()
	s.codes[key] = &code{authRequest: a, account: who, issued: s.Now()}
	s.mu.Unlock()
	s.answer(w, r, a, url.Values{"code": {key}})
}

// answer sends the browser back to the client.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, a authRequest, values url.Values) {
	u, err := url.Parse(a.redirect)
	if err != nil {
		s.errorPage(w, "The redirect address cannot be read.")
		return
	}
	if a.state != "" {
		values.Set("state", a.state)
	}
	if !s.NoIssParameter {
		values.Set("iss", s.issuer)
	}
	q := u.Query()
	for name := range values {
		q.Set(name, values.Get(name))
	}
	u.RawQuery = q.Encode()
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, u.String(), http.StatusSeeOther)
}

// client looks a registration up. Without any, every id is a public client.
func (s *Server) client(id string) (Client, bool) {
	if id == "" {
		return Client{}, false
	}
	if len(s.Clients) == 0 {
		return Client{ID: id}, true
	}
	i := slices.IndexFunc(s.Clients, func(c Client) bool { return c.ID == id })
	if i < 0 {
		return Client{}, false
	}
	return s.Clients[i], true
}

// allows compares a redirect URI as RFC 8252 section 7.3 has it: the port of a
// loopback literal is the app's choice, the rest is compared as it is.
func (c Client) allows(redirect string) bool {
	u, err := url.Parse(redirect)
	if err != nil || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	loopback := u.Scheme == "http" && ip != nil && ip.IsLoopback()
	if len(c.Redirects) == 0 {
		return loopback
	}
	if c.ExactPort || !loopback && u.Hostname() != "localhost" { // as some have it that want that name
		return slices.Contains(c.Redirects, redirect)
	}
	withoutPort := func(u url.URL) string {
		u.Host = u.Hostname()
		return u.String()
	}
	return slices.ContainsFunc(c.Redirects, func(registered string) bool {
		v, err := url.Parse(registered)
		return err == nil && withoutPort(*v) == withoutPort(*u)
	})
}
