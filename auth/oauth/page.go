package oauth

import (
	"crypto/sha256"
	_ "embed"
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

// pageHTML is a format for title, style, tone, mark, title and text.
var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageStyle string
)

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

// write sends the page and waits until it is sent: the listener is closed
// right after the last one.
func (p page) write(w http.ResponseWriter, status int) {
	body := fmt.Sprintf(pageHTML, html.EscapeString(p.title), pageStyle, p.tone, p.mark, html.EscapeString(p.title), html.EscapeString(p.text))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
	_ = http.NewResponseController(w).Flush()
}
