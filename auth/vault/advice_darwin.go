package vault

const (
	unlockAdvice = "unlock the login keychain in Keychain Access"
	absentAdvice = "open Keychain Access and check that the login keychain exists and is unlocked"
)
