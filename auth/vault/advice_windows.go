package vault

const (
	unlockAdvice = "sign in to Windows again"
	absentAdvice = "check that the Credential Manager service (VaultSvc) is running"
)
