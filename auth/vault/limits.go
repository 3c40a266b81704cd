package vault

import "time"

// Limits bound a keychain call in time and an item in size. Zero values mean
// the defaults.
type Limits struct {
	// Call is how long the keychain may take over one item when nobody is asked
	// anything; 5 s. How long it may ask the user is in the call's context: see
	// WithWait.
	Call time.Duration
	// Item is how many bytes of a secret go into one item; a larger one is kept
	// in several. It is what the platform takes, or less if it is set to less.
	// Less than 768 counts as 768.
	Item int
}

func (l Limits) withDefaults() Limits {
	if l.Call <= 0 {
		l.Call = 5 * time.Second
	}
	return l
}

const (
	// windowsLimit is CRED_MAX_CREDENTIAL_BLOB_SIZE, 5 × 512 bytes. go-keyring
	// stores the value's own bytes, not UTF-16, so it is the value's length.
	windowsLimit = 2560
	// darwinLine is the longest line that go-keyring feeds to
	// `/usr/bin/security -i`: the whole command with the key and the value,
	// newline included.
	darwinLine    = 4096
	darwinCommand = "add-generic-password -U -s " + service + " -a  -w go-keyring-base64:\n"
	// linuxLimit is ours. The Secret Service has none, but gnome-keyring holds
	// items in locked memory, of which a process gets little.
	linuxLimit = 64 << 10
)

// itemLimit returns how many bytes of a value an item of that key takes on the
// platform.
func itemLimit(goos, key string) int {
	switch goos {
	case "windows":
		return windowsLimit
	case "darwin":
		// The value goes as base64, whose alphabet needs no quotes. The key may
		// get a pair.
		return (darwinLine - len(darwinCommand) - len(key) - len("''")) / 4 * 3
	}
	return linuxLimit
}

// itemLimit is the platform's limit, or the one that was asked for.
func (l Limits) itemLimit(goos string) func(key string) int {
	return func(key string) int {
		n := itemLimit(goos, key)
		if l.Item > 0 {
			n = min(n, l.Item)
		}
		return max(n, minLimit)
	}
}
