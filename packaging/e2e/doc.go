// Package e2e has the end-to-end tests: the real program, as it is built for
// users, on a virtual desktop with a real panel, keyring and notification
// daemon, against a real authorization server and with real MCP servers and
// clients. Its tests need the build tag e2e and packaging/deps.sh.
package e2e
