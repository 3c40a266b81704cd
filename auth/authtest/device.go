package authtest

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	deviceGrantType = "urn:ietf:params:oauth:grant-type:device_code"
	deviceLifetime  = 10 * time.Minute
	// userCodeAlphabet has no vowels, so that no code is a word (RFC 8628
	// section 6.1).
	userCodeAlphabet = "BCDFGHJKLMNPQRSTVWXZ"
)

// deviceLogin is a device authorization request that waits for its user.
type deviceLogin struct {
	authRequest
	issued   time.Time
	asked    time.Time     // when the client asked last
	interval time.Duration // grows when it asks too soon
	account  *Account      // who allowed it
	denied   bool
	spent    bool
}

// serveDeviceAuthorization is the device authorization endpoint (RFC 8628
// section 3.1).
func (s *Server) serveDeviceAuthorization(w http.ResponseWriter, r *http.Request) {
	client, ok := s.authenticate(w, r)
	if !ok {
		return
	}
	scopes := strings.Fields(r.PostFormValue("scope"))
	if len(s.Scopes) > 0 && slices.ContainsFunc(scopes, func(x string) bool { return !slices.Contains(s.Scopes, x) }) {
		refuse(w, http.StatusBadRequest, "invalid_scope")
		return
	}
	key, user := rand.Text(), newUserCode()
	s.mu.Lock()
	s.devices[key] = &deviceLogin{
		authRequest: authRequest{client: client.ID, scopes: scopes, resource: r.PostForm["resource"], userCode: user},
		issued:      s.Now(), interval: s.DeviceInterval,
	}
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]any{
		"device_code":               key,
		"user_code":                 user,
		"verification_uri":          s.issuer + "/device",
		"verification_uri_complete": s.issuer + "/device?user_code=" + url.QueryEscape(user),
		"expires_in":                int(deviceLifetime / time.Second),
		"interval":                  int(s.DeviceInterval / time.Second),
	})
}

// redeemDevice answers a device access token request (RFC 8628 section 3.5).
// s.mu is held.
func (s *Server) redeemDevice(w http.ResponseWriter, r *http.Request, client Client) {
	d := s.devices[r.PostFormValue("device_code")]
	if d == nil || d.client != client.ID || d.spent {
		refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	now := s.Now()
	soon := !d.asked.IsZero() && now.Sub(d.asked) < d.interval
	d.asked = now
	switch {
	case now.Sub(d.issued) >= deviceLifetime:
		refuse(w, http.StatusBadRequest, "expired_token")
	case d.denied:
		refuse(w, http.StatusBadRequest, "access_denied")
	case soon && s.StrictInterval:
		d.interval += 5 * time.Second
		refuse(w, http.StatusBadRequest, "slow_down")
	case d.account == nil:
		refuse(w, http.StatusBadRequest, "authorization_pending")
	default:
		d.spent = true
		g := &grant{client: client.ID, account: *d.account, scopes: d.scopes, resource: d.resource}
		s.grants = append(s.grants, g)
		s.issue(w, g, d.scopes, s.newRefresh(g), "")
	}
}

// serveVerification is the page the user opens on another device (RFC 8628
// section 3.3).
func (s *Server) serveVerification(w http.ResponseWriter, r *http.Request) {
	typed := r.URL.Query().Get("user_code")
	if typed == "" {
		s.page(w, http.StatusOK, map[string]any{"Provider": s.Name, "Title": "Enter the code", "EnterCode": true})
		return
	}
	s.mu.Lock()
	d := s.deviceByUserCode(typed)
	s.mu.Unlock()
	if d == nil {
		s.errorPage(w, "There is no login with this code. Look at it again, or start the login again.")
		return
	}
	client, _ := s.client(d.client)
	switch {
	case r.Header.Get(decisionHeader) == "deny":
		s.decideDevice(w, d.authRequest, nil)
	case s.Consent:
		ticket := rand.Text()
		s.mu.Lock()
		s.tickets[ticket] = d.authRequest
		s.mu.Unlock()
		s.consentPage(w, client, d.authRequest, ticket)
	default:
		s.decideDevice(w, d.authRequest, &s.Accounts[0])
	}
}

// decideDevice keeps what the user decided; nil is no.
func (s *Server) decideDevice(w http.ResponseWriter, a authRequest, who *Account) {
	s.mu.Lock()
	d := s.deviceByUserCode(a.userCode)
	if d != nil {
		d.account, d.denied = who, who == nil
	}
	s.mu.Unlock()
	switch {
	case d == nil:
		s.errorPage(w, "The code is no longer good.")
	case who == nil:
		s.page(w, http.StatusOK, map[string]any{"Provider": s.Name, "Title": "The login was denied", "Problem": "You can close this page."})
	default:
		s.page(w, http.StatusOK, map[string]any{"Provider": s.Name, "Title": "You are signed in", "Problem": "Go back to the device that showed you the code."})
	}
}

// deviceByUserCode finds an undecided login by its code as a person types it.
// s.mu is held.
func (s *Server) deviceByUserCode(typed string) *deviceLogin {
	plain := func(code string) string {
		return strings.Map(func(r rune) rune {
			if r == '-' || r == ' ' {
				return -1
			}
			return r
		}, strings.ToUpper(code))
	}
	for _, d := range s.devices {
		if plain(d.userCode) == plain(typed) && d.account == nil && !d.denied && s.Now().Sub(d.issued) < deviceLifetime {
			return d
		}
	}
	return nil
}

// newUserCode returns a code like WDJB-MJHT.
func newUserCode() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b)
	for i, n := range b {
		b[i] = userCodeAlphabet[int(n)%len(userCodeAlphabet)]
	}
	return string(b[:4]) + "-" + string(b[4:])
}
