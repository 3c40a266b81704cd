package launch_test

import (
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// A variable or file may be JSON, and whatever a token has in it must not end a
// string of it early.
func TestTemplates(t *testing.T) {
	values := launch.Values{
		AccessToken: `tok"en\`, TokenType: "Bearer", Expires: time.Unix(1700000000, 250e6), Scopes: []string{"a", "b"},
		ClientID: "cid", RedirectURI: "http://127.0.0.1/callback", Profile: "work", RunDir: "/run/x",
	}
	for template, want := range map[string]string{
		"":               "",
		"{access_token}": `tok"en\`,
		`{"Authorization":"Bearer {access_token}"}`:  `{"Authorization":"Bearer tok\"en\\"}`,
		` { "a": ["{access_token}"]}`:                ` { "a": ["tok\"en\\"]}`,
		`["{access_token}"]`:                         `["tok\"en\\"]`,
		`{"a":{"expires":{expires_at}}}`:             `{"a":{"expires":1700000000}}`,
		`{"data":{"x":1}}`:                           `{"data":{"x":1}}`,
		"{expires_at} {expires_at_ms}":               "1700000000 1700000000250",
		"{expires_at_iso_local}":                     "2023-11-15T00:13:20",
		"{token_type} {scope} {client_id}":           "Bearer a b cid",
		"{run_dir}/{profile} {redirect_uri}":         "/run/x/work http://127.0.0.1/callback",
		"{{access_token}} {{refresh_token}}":         "{access_token} {refresh_token}",
		"{{{profile}}} {{{word}}}":                   "{work} {{word}}",
		"{} {word} {1} { profile } {pro file} {a-b}": "{} {word} {1} { profile } {pro file} {a-b}",
		"{{ }} } {":  "{{ }} } {",
		"${profile}": "$work",
	} {
		if got, err := (launch.Var{Name: "A", Template: template}).Render(values); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", template, got, err, want)
		}
	}
	for template, advice := range map[string]string{
		"{acces_token}":   "did you mean {access_token}? To have these letters, write {{acces_token}}",
		"{expires}":       "did you mean {expires_at}? To have these letters, write {{expires}}",
		"{refresh_token}": "the server gets a fresh access token; if it insists on a value, write held-by-stagedoor in place of {refresh_token}",
	} {
		if _, err := (launch.Var{Name: "A", Template: template}).Render(values); err == nil || hint.Of(err) != advice {
			t.Errorf("%q: %v, hint %q; want %q", template, err, hint.Of(err), advice)
		}
	}
}

// A file with a token in it must not come to lie where others read it.
func TestParseFile(t *testing.T) {
	for in, path := range map[string]string{
		".cache={access_token}": ".cache", "a/b.json=x=y": "a/b.json", "{run_dir}/s=": "s", `s={"a":{"b":"{access_token}"}}`: "s",
	} {
		if f, err := launch.ParseFile(in); err != nil || f.Path != path {
			t.Errorf("%s: %+v, %v", in, f, err)
		}
	}
	for _, bad := range []string{
		"", "a", "=x", "/etc/passwd=x", "../a=x", "a/../b=x", "a/./b=x", ".=x", "a/=x", "a//b=x", `a\b=x`, "C:a=x", "C:/a=x", "~/a b=x", "a\n=x",
		"{run_dir}=x", "{run_dir}//a=x", "{profile}=x", "a={acces_token}", "a={client_secret}",
	} {
		if f, err := launch.ParseFile(bad); err == nil || hint.Of(err) == "" {
			t.Errorf("%q: %+v, %v (hint %q), want an error with a hint", bad, f, err, hint.Of(err))
		}
	}
}
