package oauth

import (
	"strings"
	"testing"
)

func FuzzDeviceResponse(f *testing.F) {
	for _, s := range []string{
		`{"device_code":"d","user_code":"WDJB-MJHT","verification_uri":"https://a.example/","expires_in":300,"interval":5}`,
		`{"device_code":"d","user_code":"1","verification_url":"http://[::1]:1/","verification_uri_complete":"https://a.example/?c=1","expires_in":"1e3"}`,
		`{"error":"slow_down"}`, `{"device_code":"d","user_code":"\u001b[2J","verification_uri":"javascript:1"}`, `[`, ``,
	} {
		f.Add(200, []byte(s))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		for _, secure := range []bool{true, false} {
			d, err := fuzzAnswer(status, body).deviceLogin(secure, fuzzNow)
			if err != nil {
				checkError(t, err, string(body))
				continue
			}
			checkToken(t, "device code", d.secret)
			for _, s := range []string{d.UserCode, d.VerificationURI, d.VerificationURIComplete} {
				if !printable(s) || len(s) > maxVerification {
					t.Fatalf("%q is shown", s)
				}
			}
			for _, u := range []string{d.VerificationURI, d.VerificationURIComplete} {
				https := strings.HasPrefix(strings.ToLower(u), "https://")
				if u != "" && !https && (secure || !strings.HasPrefix(strings.ToLower(u), "http://")) {
					t.Fatalf("%q is shown", u)
				}
			}
			if strings.TrimSpace(d.UserCode) == "" || d.VerificationURI == "" || d.interval < 1 || fuzzNow.Add(d.interval).After(d.Expires) || d.Expires.Sub(fuzzNow) > maxDeviceLife {
				t.Fatalf("%+v of %q", d, body)
			}
		}
	})
}
