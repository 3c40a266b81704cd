// Package auth looks after the accounts that MCP servers use. A Keeper composes
// the packages below it into the use cases: create a profile, log in, hand out a
// fresh access token, revoke, read the log, raise alerts.
//
// Any number of processes may each have a Keeper on the same folder. They share
// nothing but files, kernel locks and the keychain, and any of them may be
// killed at any moment without harm to the others. A Keeper is safe for
// concurrent use. Its methods touch disk, keychain or network, so none belongs
// on a UI goroutine.
//
// A program of your own begins with [Open], which finds the accounts of the app's
// user; [New] takes the parts one by one.
//
// # For programs that had a SecurityManager
//
//   - SecurityManager(profile="work"): [Open]; each call names its profile
//   - save_to_keychain, get_from_keychain: [NamedSecrets.Set], [NamedSecrets.Get] of [Keeper.Secrets]
//   - clear_keychain: [Keeper.Forget], which revokes first
//   - save_tokens: [Keeper.Login] saves its own; [Keeper.SaveTokens] those that one has
//   - get_tokens: [Keeper.Token], [Keeper.TokenSource] or [Keeper.Client]: an access token, always fresh
//   - revoke_tokens: [Keeper.Revoke]
//   - track_token_rotation: each refresh does it, see [Keeper.Events] and audit.TokenRotation
//   - get_audit_log: [Keeper.Events]
//   - check_security_alerts: OpenAlerts of the Keeper, see [alertmanager.Manager.OpenAlerts]
//   - list_profiles: [Keeper.Names], or [Keeper.State] with the state of each login
//   - create_profile: [Keeper.CreateProfile]
//
// The example SecurityManager has each of them.
package auth
