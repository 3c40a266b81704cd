package vault

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/zalando/go-keyring"
)

// classify turns what the keychain library returned into this package's errors.
func classify(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, keyring.ErrNotFound):
		return ErrNotFound
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return ErrTooBig
	}
	return classifySystem(err)
}

// classifySecurity knows the exit codes of macOS's security tool. They are the
// last byte of the OSStatus, which is negative.
func classifySecurity(err error) error {
	var exit interface{ ExitCode() int }
	if errors.As(err, &exit) {
		switch exit.ExitCode() {
		case 36: // errSecInteractionNotAllowed, -25308: locked, and nobody can be asked
			return ErrLocked
		case 128: // errSecUserCanceled, -128
			return fmt.Errorf("%w: the request was dismissed", ErrDenied)
		case 51: // errSecAuthFailed, -25293: wrong password, or "Deny"
			return ErrDenied
		case 44: // errSecItemNotFound, -25300
			return ErrNotFound
		}
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// classifyCredential knows the errors of the Windows Credential Manager.
func classifyCredential(err error) error {
	var code syscall.Errno
	if errors.As(err, &code) {
		switch code {
		case 5: // ERROR_ACCESS_DENIED
			return ErrDenied
		case 1168: // ERROR_NOT_FOUND
			return ErrNotFound
		case 1783: // RPC_X_BAD_STUB_DATA: what CredWrite says of a blob that is too long
			return ErrTooBig
		}
	}
	// ERROR_NO_SUCH_LOGON_SESSION (1312) is one: over the network, or as a service.
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
