package vault

const (
	unlockAdvice = "sign in to Windows again"
	deniedAdvice = "run it as the user who signed in to Windows"
	absentAdvice = "check that the Credential Manager service (VaultSvc) is running"
)
