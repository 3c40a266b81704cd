// Package proxy stands between an MCP client and a stdio server that knows nothing
// of tokens that end. The client talks to one process for the whole day; behind it
// the server is started anew with a fresh token whenever that is necessary, and
// nobody notices.
//
// It forwards lines as the bytes they are, in both directions, and reads of them
// only what routing needs: ids, methods, a few members of params and of results.
// It follows what the client opens with: the handshake of the revisions up to
// 2025-11-25 ("legacy" in the specification) or the stateless requests of 2026-07-28
// ("modern"). See https://modelcontextprotocol.io/specification, basic/transports/stdio.
//
// # Promises
//
//   - A request is answered once, by the server it went to or, if that ended, by an
//     error. Nothing is sent to two servers.
//   - A server only gets requests while the token it was started with lives, and
//     never one of another account than the one it was started for.
//   - Nothing runs on a timer while the client is silent: a token is fetched, and
//     refreshed, when a message needs it.
//   - Standard output carries JSON-RPC and nothing else.
package proxy
