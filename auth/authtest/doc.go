// Package authtest has the other side of a login, for tests and for the demo: an
// authorization server that really does authorization code with PKCE, the device
// flow, refresh with three ways of rotating, revocation, userinfo and discovery,
// and that can be told to misbehave; a browser that clicks through its pages; and
// a clock that moves when it is told to.
//
// The server keeps everything in memory, listens on 127.0.0.1 only, and is meant
// for nobody's real account. It does not import package testing. All types are
// safe for concurrent use.
package authtest
