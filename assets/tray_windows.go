package assets

import _ "embed"

var (
	//go:embed tray.ico
	tray []byte
	//go:embed tray-badge.ico
	trayBadge []byte
)
