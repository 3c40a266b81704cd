package oauth

import (
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// clockLeeway is how far this computer's clock may be off.
const clockLeeway = 5 * time.Minute

// idTokenRules are what an ID token has to match. An empty issuer is not
// compared: a provider that was described by hand has none.
type idTokenRules struct {
	issuer, audience, nonce string
	now                     time.Time
}

var (
	// errStranger is an ID token of another issuer or for another client.
	errStranger = fmt.Errorf("%w: it is from another issuer or for another client", ErrIDToken)
	errNobody   = fmt.Errorf("%w: it names no account", ErrIDToken)
	errExpired  = hint.Wrap(fmt.Errorf("%w: it has expired, or this computer's clock is wrong", ErrIDToken), "set this computer's clock and start the login again")
)

// withoutScheme is how Google names itself in older ID tokens. It is the same host.
func withoutScheme(issuer string) string {
	return strings.TrimPrefix(strings.TrimPrefix(issuer, "https://"), "http://")
}

// checkIDToken checks the claims of an ID token that came straight from the
// token endpoint: iss, aud, azp, exp, sub, and nonce if one was sent.
//
// The signature is checkSignature's to check, at a login. OpenID Connect Core
// section 3.1.3.7 (6) allows to leave it for exactly this case: the connection to
// the token endpoint has already said who is speaking.
//
// It returns the subject also if nothing is wrong with whose the token is, and
// something else is.
func checkIDToken(raw secret.String, rules idTokenRules) (subject string, err error) {
	fail := func(subject, reason string) (string, error) {
		return subject, fmt.Errorf("%w: %s", ErrIDToken, reason)
	}
	parts := strings.Split(raw.Reveal(), ".")
	if len(parts) != 3 {
		return fail("", "it is not a signed JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return fail("", "it cannot be decoded")
	}
	claims, err := parseObject(payload)
	if err != nil {
		return fail("", "its claims are not a JSON object")
	}
	if iss, ok := claims.text("iss"); !ok || rules.issuer != "" && iss != rules.issuer && iss != withoutScheme(rules.issuer) {
		return "", errStranger
	}
	audience, ok := claims.texts("aud")
	if one, isText := claims.text("aud"); isText {
		audience, ok = []string{one}, true
	}
	azp, hasAzp := claims.text("azp")
	switch {
	case !ok || !slices.Contains(audience, rules.audience):
		return "", errStranger
	case len(audience) > 1 && !hasAzp, claims.has("azp") && azp != rules.audience:
		return "", errStranger
	}
	subject, ok = claims.text("sub")
	if !ok || !accountID(subject) {
		return "", errNobody
	}
	exp, ok := claims.number("exp")
	seconds, err := exp.Float64()
	nonce, hasNonce := claims.text("nonce")
	switch {
	case !ok || err != nil || seconds < 0 || seconds > math.MaxInt32*1000:
		return fail(subject, "it has no readable expiry")
	case rules.nonce != "" && (!hasNonce || nonce != rules.nonce):
		return fail(subject, "its nonce is not the one that was sent")
	case !rules.now.Add(-clockLeeway).Before(time.Unix(int64(seconds), 0)):
		return subject, errExpired
	}
	return subject, nil
}
