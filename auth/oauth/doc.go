// Package oauth is the wire between Stagedoor and an authorization server:
// discovery, a login in the system browser or on another device, and token,
// revocation and identity requests. It decides what may be sent and what may be
// believed.
//
// It promises:
//
//   - Two kinds of login. In the browser: authorization code with PKCE S256, a
//     256-bit state, and a loopback listener on the literal 127.0.0.1 that is
//     open for that login only (RFC 8252, RFC 7636, RFC 9700); on [::1], too,
//     where a provider takes a redirect to localhost only. On another device,
//     where the provider offers it: a code to type (RFC 8628). No implicit and no
//     password grant.
//   - Tokens travel over https, or plain http to a loopback literal, and in no
//     URL. No redirect is followed with a token, a code or a client secret in
//     hand. One call is one request; nothing is retried, since a refresh token
//     may be good for one use only. A device login asks again as the RFC has it,
//     and a login shows the secret the other way where the server says, or says
//     nothing but, that it does not know the client, and nobody told which way.
//   - Answers are read strictly where being lax would be unsafe (doubled values,
//     control characters in a token, a token type that is not bearer) and gently
//     where being strict would lose a login: an unreadable lifetime never costs a
//     rotated refresh token. See [Wire.Refresh] for what comes with an error.
//   - No error prints a token, a body or words chosen by the server. What is
//     printed are status codes, error codes of the standards and our own words.
//
// The package logs nothing and keeps no state between calls. Everything in it is
// safe for concurrent use. The clock, the randomness, the browser and the HTTP
// client are passed in.
package oauth
