package vault

const (
	unlockAdvice = "unlock the login keychain in Keychain Access"
	deniedAdvice = "run it again and choose \"Always Allow\" when macOS asks whether security may use the item"
	absentAdvice = "open Keychain Access and check that the login keychain exists and is unlocked"
)
