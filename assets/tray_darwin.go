package assets

import _ "embed"

var (
	//go:embed template-44.png
	template []byte
	//go:embed template-badge-44.png
	templateBadge []byte
)

// TrayTemplate returns the icon for the macOS menu bar, which uses only its
// alpha channel and draws it in the bar's own colour: PNG, 44 pixels square.
func TrayTemplate(badge bool) []byte {
	if badge {
		return templateBadge
	}
	return template
}
