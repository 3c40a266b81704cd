package migrate

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// berlin stands for a zone that is not UTC.
var berlin = time.FixedZone("CET", 3600)

func parse(t *testing.T, name, file string) Document {
	t.Helper()
	d, err := Parse(name, []byte(file), Options{Local: berlin})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// same compares documents in what they tell.
func same(t *testing.T, want, got Document) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Document{}), cmpopts.EquateEmpty()); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
}

const seedEnv = `# Spotify API Credentials - Profile: work
# Get these from: https://developer.spotify.com/dashboard/applications

SPOTIFY_CLIENT_ID=0123abcd
SPOTIFY_CLIENT_SECRET=canary-client-secret
SPOTIFY_REDIRECT_URI=http://127.0.0.1:8888/callback

# Token storage (auto-generated, don't edit manually)
SPOTIFY_ACCESS_TOKEN='BQcanary-access'
SPOTIFY_REFRESH_TOKEN='AQcanary-refresh'
SPOTIFY_TOKEN_EXPIRES_AT='1762345678'
LOG_LEVEL=debug # mine
`

var seedLogin = Login{
	Provider: "spotify", ClientID: "0123abcd", ClientSecret: "canary-client-secret", RedirectURI: "http://127.0.0.1:8888/callback",
	Access: "BQcanary-access", Refresh: "AQcanary-refresh", Expires: time.Unix(1762345678, 0).UTC(),
}

func TestEnvOfTheSpotifyServer(t *testing.T) {
	d := parse(t, ".env.work", seedEnv)
	same(t, Document{Name: ".env.work", Format: DotEnv, Profile: "work", Logins: []Login{seedLogin}}, d)
	w := d.Without([]string{"spotify"})
	want := `# Spotify API Credentials - Profile: work
# Get these from: https://developer.spotify.com/dashboard/applications

SPOTIFY_CLIENT_ID=0123abcd
SPOTIFY_USE_KEYCHAIN=true
SPOTIFY_REDIRECT_URI=http://127.0.0.1:8888/callback

# Token storage (auto-generated, don't edit manually)
LOG_LEVEL=debug # mine
`
	if diff := cmp.Diff(want, string(w.Data)); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
	if len(w.Changes) != 5 || len(w.Left) != 0 {
		t.Errorf("changes %q, left %q", w.Changes, w.Left)
	}
	again := parse(t, ".env.work", want)
	same(t, Document{
		Name: ".env.work", Format: DotEnv, Profile: "work", Moved: []string{"spotify"},
		Logins: []Login{{Provider: "spotify", ClientID: "0123abcd", RedirectURI: "http://127.0.0.1:8888/callback"}},
	}, again)
	if w := again.Without([]string{"spotify"}); len(w.Changes) != 0 || string(w.Data) != want {
		t.Errorf("a second import would change %q", w.Changes)
	}
}

func TestEnvVariants(t *testing.T) {
	for name, c := range map[string]struct {
		file    string
		logins  []Login
		without string
		moved   []string
		notes   int
	}{
		"CRLF and BOM": {
			"\ufeffSPOTIFY_CLIENT_ID=id1\r\nSPOTIFY_CLIENT_SECRET=s3cret99\r\nX=1\r\n",
			[]Login{{Provider: "spotify", ClientID: "id1", ClientSecret: "s3cret99"}},
			"\ufeffSPOTIFY_CLIENT_ID=id1\r\nSPOTIFY_USE_KEYCHAIN=true\r\nX=1\r\n", nil, 0,
		},
		"no line end at the end": {
			"SPOTIFY_CLIENT_ID=id1\nSPOTIFY_CLIENT_SECRET=s3cret99",
			[]Login{{Provider: "spotify", ClientID: "id1", ClientSecret: "s3cret99"}},
			"SPOTIFY_CLIENT_ID=id1\nSPOTIFY_USE_KEYCHAIN=true", nil, 0,
		},
		"nothing secret": {
			"SPOTIFY_CLIENT_ID=id1",
			[]Login{{Provider: "spotify", ClientID: "id1"}},
			"SPOTIFY_CLIENT_ID=id1", nil, 0,
		},
		"marker says false": {
			"SPOTIFY_USE_KEYCHAIN=false\nSPOTIFY_CLIENT_ID=id1\nSPOTIFY_ACCESS_TOKEN=tok12345\n",
			[]Login{{Provider: "spotify", ClientID: "id1", Access: "tok12345"}},
			"SPOTIFY_USE_KEYCHAIN=true\nSPOTIFY_CLIENT_ID=id1\n", nil, 0,
		},
		"marker and tokens": { // the old server leaves the old tokens there
			"SPOTIFY_CLIENT_ID=id1\nSPOTIFY_ACCESS_TOKEN='tok12345'\nSPOTIFY_USE_KEYCHAIN='true'\n",
			[]Login{{Provider: "spotify", ClientID: "id1", Access: "tok12345"}},
			"SPOTIFY_CLIENT_ID=id1\nSPOTIFY_USE_KEYCHAIN='true'\n",
			[]string{"spotify"},
			0,
		},
		"set twice": {
			"SPOTIFY_ACCESS_TOKEN=tok12345\nSPOTIFY_ACCESS_TOKEN='tok12345'\n",
			[]Login{{Provider: "spotify", Access: "tok12345"}},
			"SPOTIFY_USE_KEYCHAIN=true\n", nil, 0,
		},
		"spotipy's names": {
			"export SPOTIPY_CLIENT_ID=id2\nexport SPOTIPY_CLIENT_SECRET=\"s3cret99\" # dev\n",
			[]Login{{Provider: "spotify", ClientID: "id2", ClientSecret: "s3cret99"}},
			"export SPOTIPY_CLIENT_ID=id2\nSPOTIFY_USE_KEYCHAIN=true\n", nil, 0,
		},
		"placeholders": {
			"SPOTIFY_CLIENT_ID=your_client_id_here\nSPOTIFY_CLIENT_SECRET=your_client_secret_here\nSPOTIFY_ACCESS_TOKEN=tok12345\n",
			[]Login{{Provider: "spotify", Access: "tok12345"}},
			"SPOTIFY_CLIENT_ID=your_client_id_here\nSPOTIFY_CLIENT_SECRET=your_client_secret_here\nSPOTIFY_USE_KEYCHAIN=true\n", nil, 2,
		},
		"empty tokens of a new profile": {
			"SPOTIFY_CLIENT_ID=id1\nSPOTIFY_ACCESS_TOKEN=\nSPOTIFY_REFRESH_TOKEN=''\nSPOTIFY_TOKEN_EXPIRES_AT=\n",
			[]Login{{Provider: "spotify", ClientID: "id1"}},
			"SPOTIFY_CLIENT_ID=id1\nSPOTIFY_ACCESS_TOKEN=\nSPOTIFY_REFRESH_TOKEN=''\nSPOTIFY_TOKEN_EXPIRES_AT=\n", nil, 0,
		},
		"expiry is nonsense": {
			"SPOTIFY_ACCESS_TOKEN=tok12345\nSPOTIFY_TOKEN_EXPIRES_AT=soon\n",
			[]Login{{Provider: "spotify", Access: "tok12345"}},
			"SPOTIFY_USE_KEYCHAIN=true\nSPOTIFY_TOKEN_EXPIRES_AT=soon\n", nil, 1,
		},
		"expiry in milliseconds": {
			"SPOTIFY_ACCESS_TOKEN=tok12345\nSPOTIFY_TOKEN_EXPIRES_AT=1762345678000\n",
			[]Login{{Provider: "spotify", Access: "tok12345", Expires: time.Unix(1762345678, 0).UTC()}},
			"SPOTIFY_USE_KEYCHAIN=true\n", nil, 0,
		},
		"TIDAL": {
			"TIDAL_CLIENT_ID=tid\nTIDAL_CLIENT_SECRET=t-s3cret99\nTIDAL_CALLBACK_URL=http://localhost:8080/callback\n",
			[]Login{{Provider: "tidal", ClientID: "tid", ClientSecret: "t-s3cret99", RedirectURI: "http://localhost:8080/callback"}},
			"TIDAL_CLIENT_ID=tid\nTIDAL_USE_KEYCHAIN=true\nTIDAL_CALLBACK_URL=http://localhost:8080/callback\n", nil, 0,
		},
		"a comment repeats the secret": {
			"# old: s3cret99\nSPOTIFY_CLIENT_ID=id1\nSPOTIFY_CLIENT_SECRET=s3cret99\n",
			[]Login{{Provider: "spotify", ClientID: "id1", ClientSecret: "s3cret99"}},
			"SPOTIFY_CLIENT_ID=id1\nSPOTIFY_USE_KEYCHAIN=true\n", nil, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := parse(t, ".env", c.file)
			if len(d.Notes) != c.notes {
				t.Errorf("notes %q, want %d", d.Notes, c.notes)
			}
			d.Notes = nil
			same(t, Document{Name: ".env", Format: DotEnv, Profile: "default", Logins: c.logins, Moved: c.moved}, d)
			if diff := cmp.Diff(c.without, string(d.Without([]string{"spotify", "tidal"}[providerOf(c.logins):][:1]).Data)); diff != "" {
				t.Error("the file afterwards (-want +got)\n" + diff)
			}
		})
	}
}

func providerOf(l []Login) int {
	if l[0].Provider == "tidal" {
		return 1
	}
	return 0
}

// Only what was imported may be taken out.
func TestEnvOfTwoProvidersLosesOnlyOne(t *testing.T) {
	d := parse(t, ".env", "SPOTIFY_CLIENT_SECRET=s-s3cret9\nTIDAL_CLIENT_SECRET=t-s3cret9\n")
	if len(d.Logins) != 2 {
		t.Fatalf("logins %+v", d.Logins)
	}
	if got := string(d.Without([]string{"tidal"}).Data); got != "SPOTIFY_CLIENT_SECRET=s-s3cret9\nTIDAL_USE_KEYCHAIN=true\n" {
		t.Errorf("without TIDAL: %q", got)
	}
	if got := string(d.Without([]string{"tidal", "spotify"}).Data); got != "SPOTIFY_USE_KEYCHAIN=true\nTIDAL_USE_KEYCHAIN=true\n" {
		t.Errorf("without both: %q", got)
	}
}

// What stays behind in plain text must be said.
func TestEnvLeftovers(t *testing.T) {
	for name, file := range map[string]string{
		"another variable": "SPOTIFY_CLIENT_SECRET=s3cret99\nCOPY=s3cret99\n",
		"commented out":    "SPOTIFY_CLIENT_ID=id1\n#SPOTIFY_CLIENT_SECRET=older-s3cret\n",
		"another spelling": "SPOTIFY_CLIENT_ID=id1\nspotify_refresh_token=tok12345\n",
		"swallowed":        "SPOTIFY_CLIENT_ID=id1\nNOTE='\nSPOTIFY_REFRESH_TOKEN=tok12345\n'\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := parse(t, ".env", file).Without([]string{"spotify"})
			if len(w.Left) != 1 || strings.Contains(strings.Join(w.Left, ""), "s3cret99") || !strings.HasPrefix(w.Left[0], "line ") {
				t.Errorf("left: %q", w.Left)
			}
		})
	}
}

func TestHostileFiles(t *testing.T) {
	for name, c := range map[string]struct {
		file  string
		words string
	}{
		"empty":            {"", "none of SPOTIFY_CLIENT_ID"},
		"something else":   {"PATH=/bin\nHOME=/root\n", "none of SPOTIFY_CLIENT_ID"},
		"placeholders":     {"SPOTIFY_CLIENT_ID=your_client_id\nSPOTIFY_CLIENT_SECRET=<client secret>\n", "SPOTIFY_CLIENT_SECRET is a placeholder"},
		"10 MB":            {strings.Repeat("x", 10<<20), "too big"},
		"NUL":              {"SPOTIFY_CLIENT_ID=a\x00b\n", "NUL"},
		"binary":           {"\x7fELF\x02\x01\xff\xfe", "UTF-8"},
		"UTF-16":           {"\xff\xfeS\x00P\x00", "UTF-16"},
		"unclosed quote":   {"A=1\nSPOTIFY_CLIENT_SECRET=\"canary-secret\nB=2\n", "line 2 cannot be read, and it sets SPOTIFY_CLIENT_SECRET"},
		"junk behind":      {"export SPOTIFY_ACCESS_TOKEN='canary-secret' x\n", "line 1"},
		"JSON of others":   {`{"name": "package", "version": "1"}`, "no token"},
		"cut JSON":         {`{"access_token": "canary-sec`, "ends in the middle"},
		"JSON with junk":   {`{"access_token": "canary-secret"} x`, "cannot be read"},
		"JSON, bad escape": {`{"access_token": "canary\x-secret"}`, "cannot be read"},
		"array of others":  {`[1, 2, {"a": "b"}]`, "no timestamp"},
		"deep JSON":        {`{"access_token": ` + strings.Repeat("[", 1<<20), "cannot be read"},
		"many members":     {"{" + strings.Repeat(`"a":1,`, 500_000) + `"access_token":"x"}`, "no token in it"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(".env", []byte(c.file), Options{Local: berlin})
			if err == nil || hint.Of(err) == "" || !strings.Contains(err.Error(), c.words) {
				t.Fatalf("error %v (hint %q), want one with %q", err, hint.Of(err), c.words)
			}
			if strings.Contains(err.Error()+hint.Of(err), "canary") {
				t.Errorf("the error repeats what is in the file: %v", err)
			}
			if name == "10 MB" && !errors.Is(err, ErrTooBig) {
				t.Error("not ErrTooBig")
			}
		})
	}
}
