package webapi

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// object is one of JSON.
type object = map[string]any

var client = &http.Client{Timeout: 20 * time.Second}

// authorization answers for a provider's authorization server, whose token endpoint
// is at that path. The real one behind it is asked for what it knows; that it speaks
// OpenID Connect does not show.
func (a *API) authorization(token string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodGet && r.URL.Path == "/authorize":
			query := r.URL.Query()
			query.Set("client_id", a.clientID)
			query.Set("scope", "openid offline_access")
			query.Set("prompt", "consent")                                          // else there is no refresh token
			http.Redirect(w, r, a.issuer+"/auth?"+query.Encode(), http.StatusFound) //nolint:gosec // to the one issuer
		case r.Method == http.MethodPost && r.URL.Path == token && r.ParseForm() == nil:
			r.PostForm.Set("client_id", a.clientID)
			var answer object
			status, err := a.post(r.Context(), "/token", r.PostForm, &answer)
			if err != nil {
				write(w, http.StatusBadGateway, object{"error": "temporarily_unavailable"})
				return
			}
			delete(answer, "id_token")
			delete(answer, "scope") // as asked for, RFC 6749 section 5.1
			write(w, status, answer)
		default:
			write(w, http.StatusNotFound, object{"error": "invalid_request"})
		}
	}
}

// post asks the real authorization server.
func (a *API) post(ctx context.Context, path string, form url.Values, answer any) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := client.Do(req) //nolint:gosec // to the one issuer
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	return res.StatusCode, json.NewDecoder(res.Body).Decode(answer)
}

// guarded answers for an API: what answer returns for the token's account, or nil if
// there is nothing at that path.
func (a *API) guarded(answer func(account string, r *http.Request) any, refusal func(why string) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := Call{Host: r.Host, Path: r.URL.Path}
		var state struct {
			Active bool   `json:"active"`
			Sub    string `json:"sub"`
		}
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if _, err := a.post(r.Context(), "/token/introspection", url.Values{"token": {token}, "client_id": {a.clientID}}, &state); err != nil {
			c.Refused = "nobody can say whether the token is alive: " + err.Error()
		} else if !bearer || !state.Active {
			c.Refused = "the token has ended, or was never given"
		}
		if c.Refused != "" {
			a.note(c)
			write(w, http.StatusUnauthorized, refusal(c.Refused))
			return
		}
		body := answer(state.Sub, r)
		c.Account = state.Sub
		if body == nil {
			c.Refused = "there is nothing of that account at " + r.Method + " " + r.URL.Path
			a.note(c)
			write(w, http.StatusNotFound, refusal(c.Refused))
			return
		}
		a.note(c)
		write(w, http.StatusOK, body)
	}
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // who has hung up reads nothing
}

// spotify answers as https://developer.spotify.com/documentation/web-api says.
func spotify(account string, r *http.Request) any {
	links := object{"spotify": "https://open.spotify.com/user/" + account}
	list := func(items ...any) object {
		return object{"href": "", "items": items, "limit": 20, "offset": 0, "total": len(items), "next": nil, "previous": nil}
	}
	user := object{
		"id": account, "display_name": account, "email": account + "@example.test", "country": "DE", "product": "premium",
		"type": "user", "uri": "spotify:user:" + account, "external_urls": links, "followers": object{"total": 1}, "images": []any{},
	}
	switch r.Method + " " + strings.TrimSuffix(r.URL.Path, "/") {
	case "GET /v1/me":
		return user
	case "GET /v1/me/playlists":
		return list(object{
			"id": "0", "name": "The list of " + account, "description": "", "public": false, "owner": user, "external_urls": links,
			"images": []any{}, "tracks": object{"total": 0}, "type": "playlist", "uri": "spotify:playlist:0",
		})
	case "GET /v1/me/player":
		return object{"is_playing": false, "device": nil, "item": nil}
	case "GET /v1/search":
		return object{"artists": list(), "albums": list(), "tracks": list(), "playlists": list()}
	}
	return nil
}

func spotifyRefusal(why string) any { return object{"error": object{"status": 401, "message": why}} }

// tidalID is an account's number.
func tidalID(account string) uint32 { return crc32.ChecksumIEEE([]byte(account)) >> 1 }

// tidal answers as tidalapi reads it.
func tidal(account string, r *http.Request) any {
	id := tidalID(account)
	of := fmt.Sprintf("GET /v1/users/%d", id)
	list := func(items ...any) object {
		return object{"items": items, "limit": 50, "offset": 0, "totalNumberOfItems": len(items)}
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /v1/sessions":
		return object{"sessionId": "session-of-" + account, "userId": id, "countryCode": "DE"}
	case of:
		return object{"id": id, "username": account, "email": account + "@example.test", "firstName": account, "lastName": "", "picture": nil}
	case of + "/subscription":
		return object{"type": "HIFI", "status": "ACTIVE"}
	case of + "/favorites/tracks", "GET /v1/search":
		return list()
	case of + "/playlists":
		return list(object{
			"uuid": "0", "title": "The list of " + account, "description": "", "type": "USER", "numberOfTracks": 0, "numberOfVideos": 0,
			"duration": 0, "created": "2026-01-01T00:00:00.000+0000", "lastUpdated": "2026-01-01T00:00:00.000+0000",
			"image": nil, "squareImage": nil, "promotedArtists": []any{}, "creator": nil,
		})
	}
	return nil
}

// tidalOpen answers for the newer API, which Stagedoor asks whose a login is.
func tidalOpen(account string, r *http.Request) any {
	if r.URL.Path != "/v2/users/me" {
		return nil
	}
	return object{"data": object{
		"id": strconv.FormatUint(uint64(tidalID(account)), 10), "type": "users", "attributes": object{"username": account},
	}}
}

func tidalRefusal(why string) any {
	return object{"status": 401, "subStatus": 11003, "userMessage": "The token has expired. (Expired on time)", "why": why}
}
