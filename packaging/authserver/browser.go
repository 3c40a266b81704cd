package authserver

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Mode is what the person at the Browser does.
type Mode string

// The modes, as FAKEBROWSER_MODE spells them.
const (
	Allow  Mode = "allow"  // signs in and agrees
	Deny   Mode = "deny"   // presses "cancel" on the first page
	Ignore Mode = "ignore" // closes the tab at once
)

// maxPages bounds the walk: sign-in and consent are two pages, a device login adds three.
const maxPages = 12

// Browser is an HTTP client that behaves like a person with a browser on the server's pages. Each call of
// Open starts a fresh session, as a private window does. The zero value signs in as "alice".
type Browser struct {
	Account string // any name is accepted; "alice" when empty
	Mode    Mode   // Allow when empty
}

// Page is where a walk ended: normally the loopback listener's "you can close this tab".
type Page struct {
	URL    *url.URL
	Status int
	Body   string
}

// Open follows an authorization URL (or a device login's verification_uri_complete) to its end. It fails when the walk
// ends on a page of the authorization server that reports an error.
func (b Browser) Open(ctx context.Context, rawURL string) (*Page, error) {
	if b.Mode == Ignore {
		return &Page{}, nil
	}
	if b.Account == "" {
		b.Account = "alice"
	}
	start, err := url.Parse(rawURL)
	if err != nil || start.Host == "" {
		return nil, errors.New("fake browser: not an absolute URL")
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("fake browser: %w", err)
	}
	// Without keep-alive no idle connection holds the loopback listener open after the answer.
	// A provider that is stood in for is reached through a proxy.
	client := &http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment}}

	page, err := load(ctx, client, http.MethodGet, rawURL, nil)
	if err == nil && start.Scheme == "https" { // and sends on to the real one
		start = page.URL
	}
	for range maxPages {
		if err != nil {
			return nil, fmt.Errorf("fake browser: %w", err)
		}
		if page.URL.Host != start.Host {
			return page, nil
		}
		if page.Status >= http.StatusBadRequest {
			return nil, fmt.Errorf("fake browser: %s answered %d: %s", page.URL.Path, page.Status, text(page.Body))
		}
		if abort := abortLink(page); abort != "" && b.Mode == Deny {
			page, err = load(ctx, client, http.MethodGet, abort, nil)
			continue
		}
		action, fields, ok := b.form(page)
		if !ok {
			return page, nil // a device login ends here
		}
		b.fill(fields)
		page, err = load(ctx, client, http.MethodPost, action, fields)
	}
	return nil, errors.New("fake browser: the pages do not come to an end")
}

// fill answers the questions of a form.
func (b Browser) fill(fields url.Values) {
	for _, name := range []string{"login", "username"} {
		if fields.Has(name) {
			fields.Set(name, b.Account)
			fields.Set("password", "any will do")
		}
	}
	if b.Mode == Deny && fields.Has("confirm") { // the device login's own page has a button, not a link
		fields.Del("confirm")
		fields.Set("abort", "yes")
	}
}

func load(ctx context.Context, client *http.Client, method, target string, fields url.Values) (*Page, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(fields.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("User-Agent", "Mozilla/5.0 (fakebrowser)")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := client.Do(req)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			// The URL of a redirect carries the authorization code, which belongs in no log.
			return nil, fmt.Errorf("%s %s: %w", method, withoutQuery(failed.URL), failed.Err)
		}
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	return &Page{URL: res.Request.URL, Status: res.StatusCode, Body: string(body)}, nil
}

// The pages are those of the products themselves: one form each, in a simple markup.
var (
	formTag  = regexp.MustCompile(`(?s)<form\b([^>]*)>(.*?)</form>`)
	inputTag = regexp.MustCompile(`(?s)<(?:input|button)\b([^>]*)>`)
	no       = regexp.MustCompile(`(?i)\b(cancel|deny|no|false)\b`) // in a button
	attr     = regexp.MustCompile(`([a-z]+)="([^"]*)"`)
	abortTag = regexp.MustCompile(`href="([^"]*/abort)"`)
	anyTag   = regexp.MustCompile(`(?s)<(style|script)\b.*?</(style|script)>|<[^>]*>`)
)

// form returns a page's form: the absolute address to post to, and its fields as they were preset, with the button that
// is pressed.
func (b Browser) form(page *Page) (action string, fields url.Values, ok bool) {
	m := formTag.FindStringSubmatch(page.Body)
	if m == nil {
		return "", nil, false
	}
	fields = url.Values{}
	for _, input := range inputTag.FindAllStringSubmatch(m[2], -1) {
		a := attributes(input[1])
		button := a["type"] == "submit" || strings.HasPrefix(input[0], "<button")
		if a["name"] != "" && (!button || no.MatchString(a["name"]+" "+a["value"]) == (b.Mode == Deny)) {
			fields.Set(a["name"], a["value"])
		}
	}
	target, err := page.URL.Parse(attributes(m[1])["action"])
	if err != nil {
		return "", nil, false
	}
	return target.String(), fields, true
}

func abortLink(page *Page) string {
	m := abortTag.FindStringSubmatch(page.Body)
	if m == nil {
		return ""
	}
	target, err := page.URL.Parse(html.UnescapeString(m[1]))
	if err != nil {
		return ""
	}
	return target.String()
}

func attributes(tag string) map[string]string {
	found := map[string]string{}
	for _, m := range attr.FindAllStringSubmatch(tag, -1) {
		found[m[1]] = html.UnescapeString(m[2])
	}
	return found
}

// text is a page's words, for an error message.
func text(body string) string {
	words := strings.Join(strings.Fields(html.UnescapeString(anyTag.ReplaceAllString(body, " "))), " ")
	if len(words) > 300 {
		words = words[:300] + "…"
	}
	return words
}

func withoutQuery(raw string) string {
	before, _, _ := strings.Cut(raw, "?")
	return before
}
