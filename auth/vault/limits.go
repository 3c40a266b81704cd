package vault

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

// atMost is the platform's limit, or the one that was asked for if that is not 0.
func atMost(item int, goos string) func(key string) int {
	return func(key string) int {
		n := itemLimit(goos, key)
		if item > 0 {
			n = min(n, item)
		}
		return max(n, minLimit)
	}
}
