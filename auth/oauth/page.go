package oauth

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"net/http"
	"strconv"
)

// page is what the browser shows when it comes back. Its words are ours alone:
// nothing that came in a request is ever shown.
type page struct {
	mark        string // one character
	tone        string // class of the mark: good, bad or calm
	title, text string
}

var (
	signedInPage = page{"✓", "good", "You are signed in", "You can close this tab."}
	heldPage     = page{"!", "bad", "Signed in, but not as before", "Nobody gets a token of this login until you accept it in Stagedoor, or sign in as before."}
	deniedPage   = page{"–", "calm", "The login was denied", "Nothing was changed. You can close this tab."}
	failedPage   = page{"!", "bad", "The login did not work", "Stagedoor says what went wrong. You can close this tab."}
	endedPage    = page{"–", "calm", "The login was cancelled", "You can close this tab."}
	strayPage    = page{"!", "bad", "This is not the answer Stagedoor waits for", "The link is old, was used before, or belongs to another login. Go back to the tab where you were signing in."}
	refusedPage  = page{"–", "calm", "Nothing to see here", "This address only takes the answer to a login."}
)

// pageFor returns the page that tells how a login ended.
func pageFor(outcome error) (page, int) {
	switch {
	case outcome == nil:
		return signedInPage, http.StatusOK
	case errors.Is(outcome, ErrHeld):
		return heldPage, http.StatusOK
	case errors.Is(outcome, ErrDenied):
		return deniedPage, http.StatusOK
	case errors.Is(outcome, ErrCancelled), errors.Is(outcome, ErrTimeout) && !IsTransient(outcome):
		return endedPage, http.StatusOK
	}
	return failedPage, http.StatusBadGateway
}

// protect sets the headers of every answer: nothing is stored, nothing is told
// to other sites, nothing is loaded or framed. There is no CORS header.
func protect(h http.Header) {
	sum := sha256.Sum256([]byte(pageStyle))
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Connection", "close")
}

// write sends the page and sees it out of the door: the listener is closed
// right after the last one.
func (p page) write(w http.ResponseWriter, status int) {
	body := fmt.Sprintf(pageHTML, html.EscapeString(p.title), pageStyle, p.tone, p.mark, html.EscapeString(p.title), html.EscapeString(p.text))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
	_ = http.NewResponseController(w).Flush()
}

const pageHTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>%s – Stagedoor</title>
<style>%s</style>
</head>
<body>
<main>
<p class="mark %s" aria-hidden="true">%s</p>
<h1>%s</h1>
<p>%s</p>
<footer>Stagedoor</footer>
</main>
</body>
</html>
`

const pageStyle = `
:root { color-scheme: light dark; --ground: #f6f4f0; --card: #ffffff; --ink: #23201c; --soft: #6b645b; --line: #e4dfd7; --good: #1f7a4d; --bad: #b3402e; --calm: #6b645b; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #171513; --card: #211e1b; --ink: #f1ede7; --soft: #a89f94; --line: #38332e; --good: #5cc893; --bad: #f08a76; --calm: #a89f94; }
}
* { box-sizing: border-box; margin: 0; }
body { min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { width: 100%; max-width: 26rem; padding: 2.5rem 2rem 1.5rem; text-align: center; background: var(--card); border: 1px solid var(--line); border-radius: 1rem; }
h1 { margin: 1.25rem 0 .5rem; font-size: 1.375rem; line-height: 1.25; text-wrap: balance; }
p { color: var(--soft); text-wrap: balance; }
.mark { width: 3.5rem; height: 3.5rem; margin: 0 auto; border: 2px solid currentcolor; border-radius: 50%; font-size: 1.5rem; font-weight: 600; line-height: 3.25rem; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.calm { color: var(--calm); }
footer { margin-top: 2rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .8125rem; letter-spacing: .04em; }
`
