package authtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
)

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

const pageHTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{.Title}} – {{.Provider}}</title>
<style>` + pageStyle + `</style>
</head>
<body>
<main>
<p class="brand">{{.Provider}}</p>
<h1>{{.Title}}</h1>
{{- if .Problem}}
<p>{{.Problem}}</p>
{{- else if .EnterCode}}
<form method="get" action="/device">
<p><label>The code that the other device shows <input name="user_code" autocomplete="off" autocapitalize="characters" spellcheck="false" required autofocus></label></p>
<div class="buttons"><button class="primary">Go on</button></div>
</form>
{{- else}}
<p><strong>{{.Client}}</strong> asks to use your account. This is a pretend provider on your own computer: nothing leaves it.</p>
<form method="post" action="/decision">
<input type="hidden" name="ticket" value="{{.Ticket}}">
<fieldset>
<legend>Account</legend>
{{- range $i, $a := .Accounts}}
<label><input type="radio" name="account" value="{{$a.Subject}}"{{if eq $i 0}} checked{{end}}><span class="badge" aria-hidden="true">{{initial $a.Name}}</span><span>{{$a.Name}}<small>{{$a.Email}}</small></span></label>
{{- end}}
</fieldset>
{{- if .Scopes}}
<h2>It will be able to use</h2>
<ul>{{range .Scopes}}<li>{{.}}</li>{{end}}</ul>
{{- end}}
<div class="buttons">
<button name="decision" value="deny">Deny</button>
<button name="decision" value="allow" class="primary" autofocus>Allow</button>
</div>
</form>
{{- end}}
</main>
</body>
</html>
`

const pageStyle = `
:root { color-scheme: light dark; --ground: #eef1f6; --card: #ffffff; --ink: #1c2430; --soft: #5b6677; --line: #dbe1ea; --brand: #3d4fb8; --on-brand: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #12151b; --card: #1b2029; --ink: #ebeff5; --soft: #98a3b3; --line: #2f3744; --brand: #93a2ff; --on-brand: #12151b; }
}
* { box-sizing: border-box; margin: 0; }
body { min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { width: 100%; max-width: 28rem; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: 1rem; }
.brand { color: var(--brand); font-weight: 650; }
h1 { margin: .25rem 0 .75rem; font-size: 1.5rem; line-height: 1.25; text-wrap: balance; }
h2 { margin: 1.25rem 0 .5rem; font-size: .875rem; font-weight: 600; color: var(--soft); }
fieldset { margin-top: 1.25rem; padding: 0; border: 0; display: grid; gap: .5rem; }
legend { margin-bottom: .5rem; font-size: .875rem; font-weight: 600; color: var(--soft); }
label { display: flex; align-items: center; gap: .75rem; padding: .75rem; border: 1px solid var(--line); border-radius: .75rem; cursor: pointer; }
label:has(:checked) { border-color: var(--brand); }
input { accent-color: var(--brand); }
.badge { flex: none; width: 2.25rem; height: 2.25rem; border-radius: 50%; background: var(--brand); color: var(--on-brand); font-weight: 650; line-height: 2.25rem; text-align: center; }
small { display: block; color: var(--soft); }
ul { padding: 0; list-style: none; display: flex; flex-wrap: wrap; gap: .375rem; }
li { padding: .125rem .625rem; border: 1px solid var(--line); border-radius: 1rem; font-size: .8125rem; color: var(--soft); }
.buttons { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; margin-top: 1.75rem; }
button { padding: .75rem; border: 1px solid var(--line); border-radius: .75rem; background: transparent; color: inherit; font: inherit; font-weight: 600; cursor: pointer; }
button.primary { border-color: var(--brand); background: var(--brand); color: var(--on-brand); }
button:focus-visible, input:focus-visible { outline: 3px solid var(--brand); outline-offset: 2px; }
`
