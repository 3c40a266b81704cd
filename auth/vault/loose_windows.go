package vault

import "os"

// loose is false: the mode bits say nothing about a Windows ACL.
func loose(os.FileInfo) bool { return false }
