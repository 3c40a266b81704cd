package authtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Browser stands for the user's browser: it follows redirects and presses one of
// the buttons on a consent page of this package's server. The zero value allows
// everything as the first account. Set the fields before the first Open.
type Browser struct {
	Deny    bool
	Account string // subject of the account to choose on a consent page

	opening sync.RWMutex // read-locked while a page loads
	mu      sync.Mutex
	last    Page
}

// Page is what the browser shows.
type Page struct {
	URL    string
	Status int
	Header http.Header
	Body   string
}

// Last returns the page that the latest Open ended on. It waits for one that is
// still under way.
func (b *Browser) Last() Page {
	b.opening.Lock()
	defer b.opening.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last
}

// Open goes to the URL and on until a page stays. Its signature is that of a
// login's browser. An error means that there was no page at all.
func (b *Browser) Open(ctx context.Context, target string) error {
	b.opening.RLock()
	defer b.opening.RUnlock()
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	hc := &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if len(via) > 10 {
			return errors.New("too many redirects")
		}
		return nil
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	if b.Deny {
		req.Header.Set(decisionHeader, "deny")
	}
	page, err := load(hc, req)
	if err != nil {
		return err
	}
	if ticket := between(page.Body, `name="ticket" value="`, `"`); ticket != "" {
		if page, err = b.decide(ctx, hc, page, ticket); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = page
	return nil
}

var accountField = text.Pattern(`name="account" value="([^"]*)"`)

// decide presses a button of the consent page.
func (b *Browser) decide(ctx context.Context, hc *http.Client, page Page, ticket string) (Page, error) {
	form := url.Values{"ticket": {ticket}, "decision": {"allow"}, "account": {b.Account}}
	if b.Deny {
		form.Set("decision", "deny")
	}
	if b.Account == "" {
		if m := accountField().FindStringSubmatch(page.Body); m != nil {
			form.Set("account", m[1])
		}
	}
	at, err := url.Parse(page.URL)
	if err != nil {
		return Page{}, err
	}
	action := at.ResolveReference(&url.URL{Path: between(page.Body, `action="`, `"`)})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, action.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return Page{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return load(hc, req)
}

func load(hc *http.Client, req *http.Request) (Page, error) {
	res, err := hc.Do(req)
	if err != nil {
		return Page{}, fmt.Errorf("authtest browser: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return Page{}, fmt.Errorf("authtest browser: %w", err)
	}
	return Page{URL: res.Request.URL.String(), Status: res.StatusCode, Header: res.Header, Body: string(body)}, nil
}

func between(s, before, after string) string {
	_, s, ok := strings.Cut(s, before)
	if !ok {
		return ""
	}
	s, _, _ = strings.Cut(s, after)
	return s
}
