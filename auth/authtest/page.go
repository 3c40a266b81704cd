package authtest

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageStyle string

// consentPage asks the user. The account that is signed in first is chosen.
func (s *Server) consentPage(w http.ResponseWriter, client Client, a authRequest, ticket string) {
	s.page(w, http.StatusOK, map[string]any{
		"Provider": s.Name, "Client": client.ID, "Scopes": a.scopes, "Accounts": s.Accounts, "Ticket": ticket,
		"Title": "Allow access to your account?",
	})
}

func (s *Server) errorPage(w http.ResponseWriter, problem string) {
	s.page(w, http.StatusBadRequest, map[string]any{"Provider": s.Name, "Title": "This login cannot go on", "Problem": problem})
}

func (s *Server) page(w http.ResponseWriter, status int, data map[string]any) {
	data["Style"] = template.CSS(pageStyle) //nolint:gosec // it is in the program
	t, err := template.New("page").Funcs(template.FuncMap{"initial": initial}).Parse(pageHTML)
	var body bytes.Buffer
	if err == nil {
		err = t.Execute(&body, data)
	}
	if err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	sum := sha256.Sum256([]byte(pageStyle))
	h := w.Header()
	// No form-action: browsers apply it to the redirect that follows the form
	// too, and that one goes to the client.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+
		"'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

// initial is the letter in an account's round badge.
func initial(name string) string {
	for _, r := range name {
		return strings.ToUpper(string(r))
	}
	return "?"
}
