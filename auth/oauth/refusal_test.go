package oauth_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// What a refused refresh means, in the words that providers have for it. A login that
// is over must not be tried again at each start of a server, and one that is not must
// not be ended.
func TestWhatARefusalMeans(t *testing.T) {
	page, form := http.Header{"Content-Type": {"text/html"}}, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	text := http.Header{"Content-Type": {"text/plain"}}
	for _, c := range []struct {
		name   string
		status int
		body   string
		header http.Header // nil: JSON
		want   oauth.Meaning
	}{
		{"Okta", 400, `{"error":"invalid_grant","error_description":"The refresh token is invalid or expired."}`, nil, oauth.GrantRefused},
		{"invalid_grant, whatever it lists", 400, `{"error":"invalid_grant","error_description":"… or was issued to another client. Try again."}`, nil, oauth.GrantRefused},
		{"Auth0", 403, `{"error":"invalid_grant"}`, nil, oauth.GrantRefused},
		{"GitHub", 200, `{"error":"bad_refresh_token","error_description":"The refresh token passed is incorrect or expired."}`, nil, oauth.GrantRefused},
		{"GitHub, as a form", 200, `error=bad_refresh_token&error_description=The+refresh+token+passed+is+incorrect+or+expired.`, form, oauth.GrantRefused},
		{"Slack", 200, `{"ok":false,"error":"invalid_refresh_token"}`, nil, oauth.GrantRefused},
		{"Slack, ended", 200, `{"ok":false,"error":"token_revoked"}`, nil, oauth.GrantRefused},
		{"Atlassian", 403, `{"error":"unauthorized_client","error_description":"refresh_token is invalid"}`, nil, oauth.GrantRefused},
		{"Twitch", 400, `{"error":"Bad Request","status":400,"message":"Invalid refresh token"}`, nil, oauth.GrantRefused},
		{"Strava", 400, `{"message":"Bad Request","errors":[{"resource":"RefreshToken","field":"refresh_token","code":"invalid"}]}`, nil, oauth.GrantRefused},
		{"HubSpot", 400, `{"status":"BAD_REFRESH_TOKEN","message":"missing or invalid refresh token"}`, nil, oauth.GrantRefused},
		{"Fitbit", 400, `{"errors":[{"errorType":"invalid_grant","message":"Refresh token invalid"}],"success":false}`, nil, oauth.GrantRefused},
		{"Zoom", 401, `{"reason":"Invalid Token!","error":"invalid_request"}`, nil, oauth.GrantRefused},
		{"Better Auth", 400, `{"error":"invalid_request","error_description":"session not found"}`, nil, oauth.GrantRefused},
		{"Reddit", 400, `{"message":"Bad Request","error":400}`, nil, oauth.GrantRefused},
		{"Entra", 400, `{"error":"interaction_required","error_description":"AADSTS50076: …"}`, nil, oauth.GrantRefused},
		{"LinkedIn", 400, `{"error":"invalid_request","error_description":"The provided authorization grant or refresh token is invalid, expired or revoked"}`, nil, oauth.GrantRefused},
		{"Supabase", 400, `{"code":400,"error_code":"refresh_token_not_found","msg":"Invalid Refresh Token: Refresh Token Not Found"}`, nil, oauth.GrantRefused},
		{"Firebase", 400, `{"error":{"code":400,"message":"TOKEN_EXPIRED","status":"INVALID_ARGUMENT"}}`, nil, oauth.GrantRefused},
		{"Firebase, of a user", 400, `{"error":{"code":400,"message":"USER_DISABLED"}}`, nil, oauth.GrantRefused},
		{"Cognito", 400, `{"__type":"NotAuthorizedException","message":"Refresh Token has been revoked"}`, nil, oauth.GrantRefused},
		{"Facebook", 400, `{"error":{"message":"Error validating access token: Session has expired","type":"OAuthException","code":190}}`, nil, oauth.GrantRefused},
		{"TikTok, nested", 200, `{"message":"error","data":{"error_code":10010,"description":"refresh_token expired"}}`, nil, oauth.GrantRefused},
		{"WeChat", 200, `{"errcode":40030,"errmsg":"invalid refresh_token"}`, nil, oauth.GrantRefused},
		{"Shopify", 400, `{"error":"invalid_request","error_description":"This request requires an active refresh_token"}`, nil, oauth.GrantRefused},
		{"a session that timed out", 400, `{"message":"Your session timed out, log in again"}`, nil, oauth.GrantRefused},
		{"a 404 that speaks of the session", 404, `{"error":"session_not_found"}`, nil, oauth.GrantRefused},
		{"a text", 400, "Refresh token expired", text, oauth.GrantRefused},
		{"a bare 401", 401, `{"message":"Unauthorized"}`, nil, oauth.GrantRefused},
		{"a word of its own", 400, `{"error":"xq_17"}`, nil, oauth.GrantRefused},
		{"access_denied", 403, `{"error":"access_denied"}`, nil, oauth.GrantRefused},

		{"invalid_client", 401, `{"error":"invalid_client","error_description":"refresh token expired"}`, nil, oauth.ClientRefused},
		{"unauthorized_client", 401, `{"error":"unauthorized_client","error_description":"refresh_token is invalid"}`, nil, oauth.ClientRefused},
		{"unauthorized_client alone", 400, `{"error":"unauthorized_client"}`, nil, oauth.ClientRefused},
		{"GitHub's client", 200, `{"error":"incorrect_client_credentials"}`, nil, oauth.ClientRefused},
		{"Slack's client", 200, `{"ok":false,"error":"bad_client_secret"}`, nil, oauth.ClientRefused},
		{"Strava's client", 400, `{"message":"Bad Request","errors":[{"resource":"Application","field":"client_id","code":"invalid"}]}`, nil, oauth.ClientRefused},
		{"Strava's application", 401, `{"message":"Authorization Error","errors":[{"resource":"Application","field":"","code":"invalid"}]}`, nil, oauth.ClientRefused},
		{"Twitch's client", 403, `{"status":403,"message":"invalid client secret"}`, nil, oauth.ClientRefused},
		{"HubSpot's client", 400, `{"status":"BAD_CLIENT_ID","message":"missing or unknown client id"}`, nil, oauth.ClientRefused},
		{"Firebase's key", 400, `{"error":{"code":400,"message":"API key not valid. Please pass a valid API key."}}`, nil, oauth.ClientRefused},
		{"Spring's client", 401, `{"error":"unauthorized","error_description":"Bad credentials"}`, nil, oauth.ClientRefused},
		{"two codes", 400, `{"error":"invalid_grant","error":"invalid_client"}`, nil, oauth.ClientRefused},
		{"two codes, the other way round", 400, `{"error":"invalid_client","error":"invalid_grant"}`, nil, oauth.ClientRefused},

		{"Slack, too often", 200, `{"ok":false,"error":"ratelimited"}`, nil, oauth.Later},
		{"Zoho, too often", 400, `{"error":"Access Denied","error_description":"You have made too many requests continuously."}`, nil, oauth.Later},
		{"Salesforce", 400, `{"error":"unknown_error","error_description":"retry your request"}`, nil, oauth.Later},
		{"a proxy", 407, `{"error":"invalid_grant"}`, nil, oauth.Later},
		{"slow_down", 400, `{"error":"slow_down"}`, nil, oauth.Later},
		{"maintenance", 403, `{"message":"Down for maintenance, your session was not found"}`, nil, oauth.Later},
		{"a firewall", 403, `{"message":"Access from your IP address is not allowed"}`, nil, oauth.Later},
		{"a page", 403, "<html>Sorry, you have been blocked</html>", page, oauth.Later},
		{"a page that calls itself JSON", 400, "<html>", nil, oauth.Later},
		{"a portal's text", 401, "Please sign in to the network", text, oauth.Later},
		{"a server in trouble", 500, `{"error":"invalid_grant"}`, nil, oauth.Later},
		{"429", 429, `{"error":"invalid_grant"}`, nil, oauth.Later},
		{"425", 425, `{"error":"invalid_grant"}`, nil, oauth.Later},
		{"a redirect", 302, ``, nil, oauth.Later},
		{"WeChat's system", 200, `{"errcode":-1,"errmsg":"system error"}`, nil, oauth.Later},

		{"invalid_request alone", 400, `{"error":"invalid_request"}`, nil, oauth.Unclear},
		{"a parameter of ours", 400, `{"error":"invalid_request","error_description":"The request is missing a required parameter : refresh_token"}`, nil, oauth.Unclear},
		{"a grant type that Slack does not know", 200, `{"ok":false,"error":"invalid_grant_type"}`, nil, oauth.Unclear},
		{"unsupported_grant_type", 400, `{"error":"unsupported_grant_type"}`, nil, oauth.Unclear},
		{"a grant that is missing", 400, `{"error":"Bad Request","message":"Missing grant"}`, nil, oauth.Unclear},
		{"the program's name", 400, `{"error":"Bad Request","message":"user agent not known"}`, nil, oauth.Unclear},
		{"what is recommended", 400, `{"message":"Invalid request: refresh_token is recommended in the JSON body"}`, nil, oauth.Unclear},
		{"scopes", 400, `{"error":"forbidden_scopes"}`, nil, oauth.Unclear},
		{"a gateway, or the provider", 403, `{"message":"Forbidden"}`, nil, oauth.Unclear},
		{"nothing at all", 400, ``, nil, oauth.Unclear},
		{"a word of its own in a 200", 200, `{"error":"xq_17"}`, nil, oauth.Unclear},
		{"a 404 that says nothing", 404, `{"message":"no route"}`, nil, oauth.Unclear},
		{"tokens in a refusal", 400, `{"access_token":"a2","refresh_token":"r2"}`, nil, oauth.Unclear},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, authtest.Params{})
			header := c.header
			if header == nil {
				header = jsonType
			}
			r.server.Script(authtest.Token, authtest.Answer{Status: c.status, Header: header, Body: c.body})
			_, err := r.wire.Refresh(t.Context(), r.server.Endpoints(), oauth.Client{ID: "app"}, "r1")
			var refused *oauth.Error
			if !errors.As(err, &refused) || refused.Means != c.want || !refused.Answered {
				t.Fatalf("%v means %q, want %q", err, refused.Means, c.want)
			}
			if got := oauth.IsGrantRefused(err); got != (c.want == oauth.GrantRefused) {
				t.Errorf("the login is over: %v", got)
			}
			if help := hint.Of(err); (c.want == oauth.GrantRefused) != strings.Contains(help, "log in again") || c.want == oauth.ClientRefused && !strings.Contains(help, "client") {
				t.Errorf("hint %q", help)
			}
		})
	}
}

// A bare 401 to a client that has shown a secret may be about the secret.
func TestBareRefusalOfASecret(t *testing.T) {
	for secretValue, want := range map[secret.String]oauth.Meaning{"": oauth.GrantRefused, "made-up": oauth.Unclear} {
		r := newRig(t, authtest.Params{})
		r.server.Script(authtest.Token, authtest.Answer{Status: 401, Header: jsonType, Body: `{"message":"Unauthorized"}`})
		_, err := r.wire.Refresh(t.Context(), r.server.Endpoints(), oauth.Client{ID: "app", Secret: secretValue}, "r1")
		var refused *oauth.Error
		if !errors.As(err, &refused) || refused.Means != want {
			t.Errorf("with the secret %q: %v means %q", secretValue.Reveal(), err, refused.Means)
		}
	}
}
