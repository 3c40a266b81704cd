package migrate

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

const (
	clientHex = "0123456789abcdef0123456789abcdef"
	secretHex = "fedcba9876543210fedcba9876543210"
)

// token makes a JWT of an issuer.
func token(issuer string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"ES256"}`)) + "." + enc([]byte(`{"iss":"`+issuer+`","sub":"1"}`)) + ".c2ln"
}

// A token of another service in a Spotify profile would be sent to Spotify at
// the next refresh, and the program that it belongs to would have lost it.
func TestLoginsOfOtherServicesAreLeftAlone(t *testing.T) {
	for name, file := range map[string]struct{ base, json string }{
		"Google, golang.org/x/oauth2":        {"token.json", `{"access_token":"ya29.a0AfH6SM","token_type":"Bearer","refresh_token":"1//0gREFRESH","expiry":"2026-01-15T14:03:51.52+01:00"}`},
		"Google, Python":                     {"token.json", `{"token":"ya29.a0","refresh_token":"1//0g","token_uri":"https://oauth2.googleapis.com/token","client_id":"x.apps.googleusercontent.com","client_secret":"GOCSPX-x","scopes":["a"],"expiry":"2026-01-15T14:03:51Z"}`},
		"Google in a .cache":                 {".cache", `{"access_token":"ya29.a0","token_type":"Bearer","expires_in":3599,"refresh_token":"1//0g","scope":"https://www.googleapis.com/auth/youtube","expires_at":1762345678}`},
		"Strava":                             {"strava_tokens.json", `{"token_type":"Bearer","expires_at":1768485831,"expires_in":21600,"refresh_token":"38c8348fc7f988c39d6f19cf8ffb17ab05322152","access_token":"67be4df8bbba14ba5f8d5a1eb3fed0c2d5a8e9d1","athlete":{"id":134815}}`},
		"Matrix":                             {"session.json", `{"homeserver":"https://matrix.example.org","user_id":"@ada:example.org","device_id":"D","access_token":"syt_YWRh_X_0abcde","refresh_token":null}`},
		"Supabase":                           {"session.json", `{"access_token":"` + token("https://x.supabase.co/auth/v1") + `","token_type":"bearer","expires_in":3600,"expires_at":1768485831,"refresh_token":"v1-abc","user":{"id":"1"}}`},
		"Fitbit":                             {"tokens.json", `{"access_token":"` + token("Fitbit") + `","expires_in":28800,"refresh_token":"abcdef0123","scope":"activity sleep","token_type":"Bearer","user_id":"26FWFL"}`},
		"LinkedIn":                           {"token.json", `{"access_token":"AQXNnd2kXITHELmWblJigbHEuoFdfRhOwGA0QNnumBI8XOVSs0","expires_in":5184000,"refresh_token":"AQWAft_WjYZKwuWXLC5hQlghgTam-tuT8CvFej9-XxGyqeER","scope":"r_basicprofile"}`},
		"Discord":                            {"discord-session.json", `{"clientId":"123","clientSecret":"abcdef","accessToken":"xyzxyz","refreshToken":"zyxzyx","expiresAt":1762345678000}`},
		"tidal-dl":                           {"tidal-token.json", `{"accessToken":"abc.def","refreshToken":"ghi.jkl","userid":"1","countryCode":"DE","expireTime":1762345678}`},
		"a link to Spotify":                  {"token.json", `{"access_token":"67be4df8bbba14ba","refresh_token":"38c8348fc7f988c3","author_url":"https://open.spotify.com/user/ada"}`},
		"other scopes":                       {".cache-ada", `{"access_token":"abcdefgh","token_type":"Bearer","expires_in":3600,"refresh_token":"ijklmnop","scope":"user-read-private mail.read","expires_at":1762345678}`},
		"Spotify's tokens, Google's address": {"token.json", `{"access_token":"BQabcdefghij","refresh_token":"AQabcdefghij","token_uri":"https://oauth2.googleapis.com/token"}`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(file.base, []byte(file.json), Options{Local: time.UTC})
			if !errors.Is(err, ErrForeign) || hint.Of(err) == "" {
				t.Errorf("error %v (hint %q)", err, hint.Of(err))
			}
		})
	}
}

// Who knows whose login it is can say so, unless the file knows better.
func TestProviderIsTakenAtItsWord(t *testing.T) {
	const mine = `{"access_token":"opaque-access","refresh_token":"opaque-refresh","expires_in":3600,"mine":1}`
	d, err := Parse("x.json", []byte(mine), Options{Local: time.UTC, Provider: "tidal"})
	if err != nil || d.Unsure == "" || len(d.Logins) != 1 || d.Logins[0].Provider != "tidal" || d.Logins[0].Refresh != "opaque-refresh" {
		t.Errorf("%+v, %v", d, err)
	}
	if w := string(d.Without([]string{"tidal"}).Data); strings.Contains(w, "opaque") || !strings.Contains(w, `"mine":1`) {
		t.Errorf("the file afterwards: %s", w)
	}
	for name, c := range map[string]struct{ provider, file string }{
		"Google's":  {"spotify", `{"access_token":"ya29","refresh_token":"r","token_uri":"https://oauth2.googleapis.com/token"}`},
		"Spotify's": {"tidal", `{"access_token":"BQabcdefghij","refresh_token":"AQabcdefghij"}`},
		"a JWT":     {"spotify", `{"access_token":"` + token("https://login.microsoftonline.com/x") + `"}`},
	} {
		if _, err := Parse("x.json", []byte(c.file), Options{Local: time.UTC, Provider: c.provider}); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d, err = Parse("x.json", []byte(`{"access_token":"BQabcdefghij","refresh_token":"AQabcdefghij","website":"https://ada.example.org"}`), Options{Local: time.UTC})
	if err != nil || d.Logins[0].Provider != "spotify" {
		t.Errorf("with a link of the user's: %+v, %v", d, err)
	}
	d, err = Parse("x.json", []byte(`{"access_token":"`+token("https://auth.tidal.com/v1")+`"}`), Options{Local: time.UTC})
	if err != nil || d.Unsure != "" || d.Logins[0].Provider != "tidal" {
		t.Errorf("by its issuer: %+v, %v", d, err)
	}
}

// The line of a value that only stands for the secret is what works. Taking it
// for the secret and taking it out would break the program for good.
func TestReferencesAreNoSecrets(t *testing.T) {
	for _, value := range []string{
		`op://Private/Spotify/secret`, `"op://Private/Spotify/secret"`, `encrypted:BD9bsDMc1YYYYYYY`, `"encrypted:BD9b"`, `vault:secret/data/spotify#key`,
		`${SECRET}`, `"${SECRET}"`, `'${SECRET:-abc}'`, `${MINE}`, `$SECRET`, `$(pass spotify)`, "`pass spotify`", "`get-spotify`", `%SECRET%`, `{{ spotify }}`, `{{op://a/b/c}}x`,
		`/run/secrets/spotify`, `./secret.txt`, `../secret`, `~/.secrets/spotify`, `C:\secrets\spotify`, `file:///run/secrets/x`, `secrets/spotify`, `secret.txt`,
		`ENC[AES256_GCM,data:Y2Fu,iv:x,tag:y,type:str]`, `arn:aws:secretsmanager:eu-central-1:1:secret:x`, `aws-sm://spotify`, `awssm:spotify`, `gcp-sm:x`,
		`doppler://p/c/X`, `ref+vault://x#y`, `@Microsoft.KeyVault(SecretUri=https://x.vault.azure.net/secrets/x)`, `secretref:x`, `bw://x`,
		`"two\nlines"`, "\"two\nlines\"", `two words`, `abc#def`, `“fedcba98”`, `key: value`,
	} {
		for _, name := range []string{"SPOTIFY_CLIENT_SECRET", "SPOTIFY_REFRESH_TOKEN", "SPOTIPY_CLIENT_ID", "TIDAL_CLIENT_SECRET"} {
			file := "MINE=abc\nTIDAL_CLIENT_ID=abcdefgh12345678\n" + name + "=" + value + "\nSPOTIFY_ACCESS_TOKEN=BQabcdefghij\n"
			if _, err := Parse(".env", []byte(file), Options{Local: time.UTC}); !errors.Is(err, ErrDoubtful) || hint.Of(err) == "" {
				if name != "SPOTIPY_CLIENT_ID" || value != `${MINE}` { // which is no secret and can be read
					t.Errorf("%s=%s: %v", name, value, err)
				}
			}
		}
	}
	for _, file := range []string{
		`{"clientId":"` + clientHex + `","clientSecret":"op://a/b/c","redirectUri":"http://127.0.0.1/callback"}`,
		`{"clientId":"` + clientHex + `","clientSecret":"$SPOTIFY_SECRET","redirectUri":""}`,
	} {
		if _, err := Parse("spotify-config.json", []byte(file), Options{Local: time.UTC}); !errors.Is(err, ErrDoubtful) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// A line that uses a secret would have nothing in its place when that is taken out.
func TestLinesThatUseASecretKeepIt(t *testing.T) {
	for line, refused := range map[string]bool{
		"URL=https://x.example/?key=${SPOTIFY_CLIENT_SECRET}": true, "OTHER=$SPOTIFY_CLIENT_SECRET": true, "OTHER=\"${SPOTIFY_CLIENT_SECRET:-none}\"": true,
		"OTHER='$SPOTIFY_CLIENT_SECRET'": false, "OTHER=${SPOTIFY_CLIENT_ID}": false, "OTHER=$TIDAL_CLIENT_SECRET": false,
	} {
		file := "SPOTIFY_CLIENT_ID=" + clientHex + "\nSPOTIFY_CLIENT_SECRET=" + secretHex + "\n" + line + "\n"
		if _, err := Parse(".env", []byte(file), Options{Local: time.UTC}); errors.Is(err, ErrDoubtful) != refused || refused && !strings.Contains(err.Error(), "line 3 uses SPOTIFY_CLIENT_SECRET") {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// A placeholder is no value and no doubt: it stays, and the rest is imported.
func TestPlaceholdersStay(t *testing.T) {
	for _, value := range []string{
		"your-client-secret-here", "YOUR_CLIENT_SECRET", "<client secret>", "changeme", "change-me", "xxx", "XXXXXXXX", "xxxx-xxxx", "********", "...", "TODO",
		"replace_me", "REPLACE-WITH-YOUR-SECRET", "insert_secret_here", "none", "null", "undefined", "placeholder", "example", "my-client-secret",
		"client_secret", "SPOTIFY_CLIENT_SECRET", "***REMOVED***", "[redacted]", strings.Repeat("0", 32), strings.Repeat("x", 80), "held-by-stagedoor",
	} {
		file := "SPOTIFY_CLIENT_ID=" + clientHex + "\nSPOTIFY_CLIENT_SECRET='" + value + "'\n"
		d, err := Parse(".env", []byte(file), Options{Local: time.UTC})
		if err != nil || len(d.Logins) != 1 || !d.Logins[0].ClientSecret.Empty() || len(d.Notes) != 1 {
			t.Errorf("%s: %+v, %v", value, d, err)
			continue
		}
		if w := d.Without([]string{"spotify"}); len(w.Changes) != 0 || string(w.Data) != file {
			t.Errorf("%s: the file becomes %q", value, w.Data)
		}
	}
}

// What one program reads in quotes is the value, whatever they are.
func TestQuotedValuesAreRead(t *testing.T) {
	for name, line := range map[string]string{
		"backquotes": "`" + secretHex + "`", "double": `"` + secretHex + `"`, "single": "'" + secretHex + "'",
		"comment": secretHex + " # mine", "quoted, comment": `"` + secretHex + `" # mine`, "blanks": "  " + secretHex + "  ",
	} {
		for _, before := range []string{"", "export ", "\ufeff"} {
			for _, end := range []string{"\n", "\r\n", ""} {
				file := before + "SPOTIFY_CLIENT_SECRET=" + line + end
				d, err := Parse(".env", []byte(file), Options{Local: time.UTC})
				if err != nil || d.Logins[0].ClientSecret != secretHex {
					t.Errorf("%s, %q: %+v, %v", name, file, d.Logins, err)
				}
			}
		}
	}
}

// A secret is taken out only if it is the one that was imported.
func TestTwoValuesOfOneSecret(t *testing.T) {
	for name, file := range map[string]string{
		"set twice":      "SPOTIFY_REFRESH_TOKEN=AQolder-older\nSPOTIFY_REFRESH_TOKEN=AQnewer-newer\n",
		"then empty":     "SPOTIFY_REFRESH_TOKEN=AQolder-older\nSPOTIFY_REFRESH_TOKEN=\n",
		"two names":      "SPOTIFY_CLIENT_SECRET=" + secretHex + "\nSPOTIPY_CLIENT_SECRET=" + clientHex + "\n",
		"two client ids": "SPOTIFY_CLIENT_ID=" + secretHex + "\nSPOTIPY_CLIENT_ID=" + clientHex + "\n",
	} {
		if _, err := Parse(".env", []byte(file), Options{Local: time.UTC}); !errors.Is(err, ErrDoubtful) {
			t.Errorf("%s: %v", name, err)
		}
	}
	file := "SPOTIFY_CLIENT_ID=your_id\nSPOTIFY_CLIENT_ID=" + clientHex + "\nSPOTIFY_CLIENT_SECRET=" + secretHex + "\nTIDAL_CLIENT_SECRET=op://a/b/c\n"
	d, err := Parse(".env", []byte(file), Options{Local: time.UTC, Provider: "spotify"})
	if err != nil || len(d.Logins) != 1 || d.Logins[0].ClientID != clientHex {
		t.Errorf("one provider's: %+v, %v", d, err)
	}
}

// A file of a kilobyte whose lines each name the one above twice would be
// terabytes long.
func TestExpansionIsBounded(t *testing.T) {
	bomb := strings.Builder{}
	fmt.Fprintf(&bomb, "A0=%s\n", strings.Repeat("x", 100))
	for i := 1; i < 40; i++ {
		fmt.Fprintf(&bomb, "A%d=${A%d}${A%d}\n", i, i-1, i-1)
	}
	wide := "A=" + strings.Repeat("x", 60<<10) + "\n"
	for i := range 80 {
		wide += fmt.Sprintf("B%d=${A}\n", i)
	}
	for name, file := range map[string]string{"deep": bomb.String(), "wide": wide} {
		_, err := Parse(".env", []byte("SPOTIFY_CLIENT_ID=x1\n"+file), Options{Local: time.UTC})
		if err == nil || !strings.Contains(err.Error(), "grows too large") || hint.Of(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	d, err := Parse(".env", []byte("SPOTIFY_CLIENT_ID=${A}\nA=${B}\nB=${A}\nTIDAL_CLIENT_ID=t1\n"), Options{Local: time.UTC, Provider: "tidal"})
	if err != nil || d.Logins[0].ClientID != "t1" {
		t.Errorf("variables that name each other: %+v, %v", d, err)
	}
}
