//go:build !lean

package stage

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// Colour names beyond Fyne's own.
const (
	ColorMuted   fyne.ThemeColorName = "stagedoorMuted"   // second-rank text, still readable
	ColorSurface fyne.ThemeColorName = "stagedoorSurface" // panes that lie on the background

	ColorHigh   fyne.ThemeColorName = "stagedoorHigh"   // between warning and error
	ColorMedium fyne.ThemeColorName = "stagedoorMedium" // a quiet ground for warnings

	// Kinds of events in a chart, told apart in both variants and, by their
	// lightness, without colour vision too.
	ColorHandOut    fyne.ThemeColorName = "stagedoorHandOut"
	ColorRefresh    fyne.ThemeColorName = "stagedoorRefresh"
	ColorLogin      fyne.ThemeColorName = "stagedoorLogin"
	ColorRevocation fyne.ThemeColorName = "stagedoorRevocation"
)

// Theme is Stagedoor's look: warm neutrals, and amber, the colour of stage
// light, for the one thing on a page that asks to be clicked. It follows the
// desktop's light or dark setting.
type Theme struct {
	base        fyne.Theme
	light, dark map[fyne.ThemeColorName]color.Color
}

// NewTheme returns the theme. A Fyne app must exist.
func NewTheme() *Theme {
	return &Theme{base: theme.DefaultTheme(), light: palette(theme.VariantLight), dark: palette(theme.VariantDark)}
}

// palette returns the colours of one variant. Every text colour keeps a contrast
// of at least 4.5:1 to the surfaces it is used on (WCAG 2.2, 1.4.3).
func palette(v fyne.ThemeVariant) map[fyne.ThemeColorName]color.Color {
	if v == theme.VariantLight {
		return map[fyne.ThemeColorName]color.Color{
			theme.ColorNameBackground:          rgb(0xf7f4ef),
			ColorSurface:                       rgb(0xfffdfa),
			theme.ColorNameForeground:          rgb(0x231e19),
			ColorMuted:                         rgb(0x675e55),
			ColorHigh:                          rgb(0xb4480c),
			ColorMedium:                        rgb(0xf7dfa8),
			ColorHandOut:                       rgb(0xd9c7ad),
			ColorRefresh:                       rgb(0xd98a1f),
			ColorLogin:                         rgb(0x2f6f8f),
			ColorRevocation:                    rgb(0x6a4a86),
			theme.ColorNamePlaceHolder:         rgb(0x6f655b),
			theme.ColorNameDisabled:            rgb(0x6f655b),
			theme.ColorNameDisabledButton:      rgb(0xece6de),
			theme.ColorNameButton:              rgb(0xebe4da),
			theme.ColorNamePrimary:             rgb(0x975200),
			theme.ColorNameHyperlink:           rgb(0x8a4b00),
			theme.ColorNameForegroundOnPrimary: rgb(0xffffff),
			theme.ColorNameFocus:               rgba(0x97520055),
			theme.ColorNameSelection:           rgba(0xe8960038),
			theme.ColorNameHover:               rgba(0x231e190d),
			theme.ColorNamePressed:             rgba(0x231e1921),
			theme.ColorNameHeaderBackground:    rgb(0xefe9e1),
			theme.ColorNameInputBackground:     rgb(0xfffdfa),
			theme.ColorNameInputBorder:         rgb(0xcfc6bb),
			theme.ColorNameMenuBackground:      rgb(0xfffdfa),
			theme.ColorNameOverlayBackground:   rgb(0xfffdfa),
			theme.ColorNameSeparator:           rgb(0xe3dcd2),
			theme.ColorNameScrollBar:           rgba(0x231e1966),
			theme.ColorNameScrollBarBackground: rgba(0x00000000),
			theme.ColorNameShadow:              rgba(0x3a2c1a26),
			theme.ColorNameSuccess:             rgb(0x2a6b33),
			theme.ColorNameWarning:             rgb(0x8a5200),
			theme.ColorNameError:               rgb(0xb3261e),
			theme.ColorNameForegroundOnSuccess: rgb(0xffffff),
			theme.ColorNameForegroundOnWarning: rgb(0xffffff),
			theme.ColorNameForegroundOnError:   rgb(0xffffff),
		}
	}
	return map[fyne.ThemeColorName]color.Color{
		theme.ColorNameBackground:          rgb(0x181513),
		ColorSurface:                       rgb(0x211d1a),
		theme.ColorNameForeground:          rgb(0xece6df),
		ColorMuted:                         rgb(0xa79d92),
		ColorHigh:                          rgb(0xff9f5a),
		ColorMedium:                        rgb(0x54411a),
		ColorHandOut:                       rgb(0x5f5140),
		ColorRefresh:                       rgb(0xd9922e),
		ColorLogin:                         rgb(0x6fb3d2),
		ColorRevocation:                    rgb(0xb596d6),
		theme.ColorNamePlaceHolder:         rgb(0x94897d),
		theme.ColorNameDisabled:            rgb(0x978c80),
		theme.ColorNameDisabledButton:      rgb(0x26211e),
		theme.ColorNameButton:              rgb(0x332d28),
		theme.ColorNamePrimary:             rgb(0xf0a63a),
		theme.ColorNameHyperlink:           rgb(0xf0b155),
		theme.ColorNameForegroundOnPrimary: rgb(0x231500),
		theme.ColorNameFocus:               rgba(0xf0a63a55),
		theme.ColorNameSelection:           rgba(0xf0a63a30),
		theme.ColorNameHover:               rgba(0xffffff0d),
		theme.ColorNamePressed:             rgba(0xffffff21),
		theme.ColorNameHeaderBackground:    rgb(0x262220),
		theme.ColorNameInputBackground:     rgb(0x211d1a),
		theme.ColorNameInputBorder:         rgb(0x4a423b),
		theme.ColorNameMenuBackground:      rgb(0x2a2521),
		theme.ColorNameOverlayBackground:   rgb(0x26211e),
		theme.ColorNameSeparator:           rgb(0x332d28),
		theme.ColorNameScrollBar:           rgba(0xffffff55),
		theme.ColorNameScrollBarBackground: rgba(0x00000000),
		theme.ColorNameShadow:              rgba(0x00000080),
		theme.ColorNameSuccess:             rgb(0x7cc486),
		theme.ColorNameWarning:             rgb(0xf2c15c),
		theme.ColorNameError:               rgb(0xff8a7a),
		theme.ColorNameForegroundOnSuccess: rgb(0x0c1f10),
		theme.ColorNameForegroundOnWarning: rgb(0x231a00),
		theme.ColorNameForegroundOnError:   rgb(0x2b0602),
	}
}

// Color implements fyne.Theme.
func (t *Theme) Color(name fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	own := t.dark
	if v == theme.VariantLight {
		own = t.light
	}
	if c, ok := own[name]; ok {
		return c
	}
	return t.base.Color(name, v)
}

// Font implements fyne.Theme.
func (t *Theme) Font(s fyne.TextStyle) fyne.Resource { return t.base.Font(s) }

// Icon implements fyne.Theme.
func (t *Theme) Icon(n fyne.ThemeIconName) fyne.Resource { return t.base.Icon(n) }

// Size implements fyne.Theme.
func (t *Theme) Size(n fyne.ThemeSizeName) float32 {
	switch n {
	case theme.SizeNameText:
		return 13.5
	case theme.SizeNameHeadingText:
		return 21
	case theme.SizeNameSubHeadingText:
		return 16
	case theme.SizeNameInlineIcon:
		return 18
	case theme.SizeNameInputRadius, theme.SizeNameButtonRadius, theme.SizeNameSelectionRadius:
		return 6
	case theme.SizeNameCardRadius, theme.SizeNamePopupRadius, theme.SizeNameMenuRadius:
		return 8
	case theme.SizeNameScrollBar:
		return 10
	}
	return t.base.Size(n)
}

func rgb(hex uint32) color.NRGBA { return rgba(hex<<8 | 0xff) }

func rgba(hex uint32) color.NRGBA {
	return color.NRGBA{R: uint8(hex >> 24), G: uint8(hex >> 16), B: uint8(hex >> 8), A: uint8(hex)}
}
