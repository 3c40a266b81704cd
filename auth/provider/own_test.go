package provider_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

const acme = `{
  "name": "Acme",
  "parameters": [{"name": "host", "what": "the host", "default": "acme.example"}],
  "authorization": "https://{host}/authorize",
  "token": "https://{host}/token",
  "redirect": {"host": "localhost", "path": "/callback"},
  "rotation": "rotates",
  "identity": {"url": "https://{host}/me", "ids": ["id"], "names": ["name"]}
}`

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A row says where tokens and the client secret go, and other programs may be able to
// write its file: a profile is made with it as the user looked at it, or not at all.
func TestOwnRowIsNamedWithItsDigest(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "acme.json", acme)
	own, wrong := provider.OwnRows(dir)
	if len(own) != 1 || len(wrong) != 0 || !own[0].Own() || own[0].ID != "acme" {
		t.Fatalf("%+v, %v", own, wrong)
	}
	ref := own[0].Ref()
	if p, err := provider.Choose(dir, ref); err != nil || p.Name != "Acme" {
		t.Fatalf("%+v, %v", p, err)
	}
	if _, err := provider.Choose(dir, "acme"); err == nil || !strings.Contains(hint.Of(err), "--provider "+ref) {
		t.Errorf("without the digest: %v, hint %q", err, hint.Of(err))
	}
	write(t, dir, "acme.json", strings.ReplaceAll(acme, "{host}/token", "elsewhere.example/token"))
	if p, err := provider.Choose(dir, ref); err == nil || p.Token != "" || !strings.Contains(err.Error(), "changed") {
		t.Errorf("after a change: %+v, %v", p, err)
	}
	for _, ref := range []string{"acme@", "acme@" + strings.Repeat("0", 32), "../acme", "..@x", "ACME"} {
		if _, err := provider.Choose(dir, ref); err == nil {
			t.Errorf("%q names a provider", ref)
		}
	}
	// What a profile keeps is the row, whatever became of the file.
	kept, err := provider.Of("acme", own[0].Text)
	if err != nil || kept.Text != own[0].Text {
		t.Fatal(err)
	}
	if kept, err = kept.With("host=git.example.com"); err != nil || kept.Token != "https://git.example.com/token" {
		t.Errorf("%s, %v", kept.Token, err)
	}
	for id, text := range map[string]string{"spotify": own[0].Text, "acme": "{}"} {
		if _, err := provider.Of(id, text); err == nil {
			t.Errorf("%s is described by %s", id, text)
		}
	}
}

// A file that changed a built-in provider would send everybody's tokens elsewhere.
func TestOwnRowReplacesNoBuiltInOne(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "spotify.json", acme)
	if own, wrong := provider.OwnRows(dir); len(own) != 0 || len(wrong) != 1 || !strings.Contains(wrong[0].Error(), "built-in") {
		t.Errorf("%v, %v", own, wrong)
	}
	if p, err := provider.Choose(dir, "spotify"); err != nil || p.Own() || strings.Contains(p.Token, "acme") {
		t.Errorf("%s, %v", p.Token, err)
	}
}

// Whoever writes a row sees all that is wrong with it at once, and where: not one
// fault at each attempt.
func TestEveryFaultIsNamedWithItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		want    []string
	}{
		"several": {`{
  "name": 5,
  "colour": "red",
  "authorization": "http://acme.example/authorize",
  "scopes": ["read", 7, "wri te"],
  "token": "https://{hots}/token",
  "redirect": {"host": "example.com", "path": "callback", "Port": 1},
  "rotation": "rotate",
  "identity": {"url": "https://acme.example/me", "ids": [], "headers": {"Authorization": "Basic x"}},
  "token": "https://elsewhere.example/token",
  "auth_parameters": {"client_secret": "s", "é": "x", "prompt": true},
  "grant_days": -1
}`, []string{
			`2:3: /name: it has to be a text`,
			`3:3: /colour: there is no such name`,
			`4:3: /authorization: not a secure address: plain http`,
			`5:22: /scopes/1: it has to be a text`,
			`5:25: /scopes/2: it cannot be a scope`,
			`6:3: /token: it names a parameter that the provider does not have`,
			`7:16: /redirect/host: it is none of 127.0.0.1, localhost`,
			`7:39: /redirect/path: it must begin with / and be plain, such as /callback`,
			`7:59: /redirect/Port: there is no such name`,
			`8:3: /rotation: it is none of rotates, static, varies, unknown; rotates?`,
			`9:3: /identity: it does not say where in the answer the account's id is (ids)`,
			`9:73: /identity/headers/Authorization: that header cannot be set`,
			`10:3: /token: it is there twice`,
			`11:23: /auth_parameters/client_secret: the parameter "client_secret" cannot be set by hand`,
			`11:45: /auth_parameters/é: that is no name of a parameter`,
			`11:55: /auth_parameters/prompt: it has to be a text`,
			`12:3: /grant_days: that cannot be`,
		}},
		"nothing": {`{}`, []string{
			`1:1: /authorization: there is no authorization endpoint`,
			`1:1: /name: there is no name`,
			`1:1: /redirect/path: it must begin with / and be plain, such as /callback`,
			`1:1: /rotation: it is none of rotates, static, varies, unknown`,
			`1:1: /token: there is no token endpoint`,
		}},
		"by hand":     {strings.Replace(acme, `"name": "Acme"`, `"name": "Acme", "by_hand": true`, 1), []string{`2:19: /by_hand: endpoints by hand are --provider oauth2`}},
		"empty":       {"", []string{`1:1: the file ends too early`}},
		"cut off":     {"{\n  \"name\": \"Acme\",", []string{`2:18: the file ends too early`}},
		"more":        {acme + "\n{}", []string{`9:2: there is more after the end`}},
		"no comma":    {"{\n  \"name\": \"Acme\"\n  \"note\": \"\"}", []string{`3:3: it is no JSON: invalid character '"' after object value (expecting ',' or '}')`}},
		"a list":      {"\n []", []string{`2:2: it is no object of names and values`}},
		"another one": {strings.Replace(acme, `{`, `{"id": "other",`, 1), []string{`1:1: it describes "other": the file has to be called other.json`}},
		"hidden":      {strings.Replace(acme, `"Acme"`, `"A\u202ecme"`, 1), []string{`2:3: /name: it is too long or has invisible characters in it`}},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, t.TempDir(), "acme.json", c.content)
			_, err := provider.ReadFile(path)
			var wrong provider.FileError
			if !errors.As(err, &wrong) {
				t.Fatal(err)
			}
			var got []string
			for _, f := range wrong.Faults {
				got = append(got, f.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if !strings.HasPrefix(err.Error(), path+":") || !strings.Contains(hint.Of(err), "providers check") {
				t.Errorf("%v, hint %q", err, hint.Of(err))
			}
		})
	}
}
