//go:build !windows

package assets

import _ "embed"

var (
	//go:embed tray-44.png
	tray []byte
	//go:embed tray-badge-44.png
	trayBadge []byte
)
