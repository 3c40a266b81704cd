// Package keyring has the end-to-end tests of auth/vault on a real Secret
// Service: gnome-keyring in a virtual desktop, with writers in processes of
// their own that are killed.
package keyring
