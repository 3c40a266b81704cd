//go:build !lean

package kit

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
type Theme struct{ base fyne.Theme }

// NewTheme returns the theme. A Fyne app must exist.
func NewTheme() *Theme { return &Theme{theme.DefaultTheme()} }

// palette has the colours of the light and the dark variant, red, green, blue and
// alpha. Every text colour keeps a contrast of at least 4.5:1 to the surfaces it is
// used on (WCAG 2.2, 1.4.3).
var palette = map[fyne.ThemeColorName]struct{ light, dark uint32 }{
	theme.ColorNameBackground:          {0xf7f4efff, 0x181513ff},
	ColorSurface:                       {0xfffdfaff, 0x211d1aff},
	theme.ColorNameForeground:          {0x231e19ff, 0xece6dfff},
	ColorMuted:                         {0x675e55ff, 0xa79d92ff},
	ColorHigh:                          {0xb4480cff, 0xff9f5aff},
	ColorMedium:                        {0xf7dfa8ff, 0x54411aff},
	ColorHandOut:                       {0xd9c7adff, 0x5f5140ff},
	ColorRefresh:                       {0xd98a1fff, 0xd9922eff},
	ColorLogin:                         {0x2f6f8fff, 0x6fb3d2ff},
	ColorRevocation:                    {0x6a4a86ff, 0xb596d6ff},
	theme.ColorNamePlaceHolder:         {0x6f655bff, 0x94897dff},
	theme.ColorNameDisabled:            {0x6f655bff, 0x978c80ff},
	theme.ColorNameDisabledButton:      {0xece6deff, 0x26211eff},
	theme.ColorNameButton:              {0xebe4daff, 0x332d28ff},
	theme.ColorNamePrimary:             {0x975200ff, 0xf0a63aff},
	theme.ColorNameHyperlink:           {0x8a4b00ff, 0xf0b155ff},
	theme.ColorNameForegroundOnPrimary: {0xffffffff, 0x231500ff},
	theme.ColorNameFocus:               {0x97520055, 0xf0a63a55},
	theme.ColorNameSelection:           {0xe8960038, 0xf0a63a30},
	theme.ColorNameHover:               {0x231e190d, 0xffffff0d},
	theme.ColorNamePressed:             {0x231e1921, 0xffffff21},
	theme.ColorNameHeaderBackground:    {0xefe9e1ff, 0x262220ff},
	theme.ColorNameInputBackground:     {0xfffdfaff, 0x211d1aff},
	theme.ColorNameInputBorder:         {0xcfc6bbff, 0x4a423bff},
	theme.ColorNameMenuBackground:      {0xfffdfaff, 0x2a2521ff},
	theme.ColorNameOverlayBackground:   {0xfffdfaff, 0x26211eff},
	theme.ColorNameSeparator:           {0xe3dcd2ff, 0x332d28ff},
	theme.ColorNameScrollBar:           {0x231e1966, 0xffffff55},
	theme.ColorNameScrollBarBackground: {0x00000000, 0x00000000},
	theme.ColorNameShadow:              {0x3a2c1a26, 0x00000080},
	theme.ColorNameSuccess:             {0x2a6b33ff, 0x7cc486ff},
	theme.ColorNameWarning:             {0x8a5200ff, 0xf2c15cff},
	theme.ColorNameError:               {0xb3261eff, 0xff8a7aff},
	theme.ColorNameForegroundOnSuccess: {0xffffffff, 0x0c1f10ff},
	theme.ColorNameForegroundOnWarning: {0xffffffff, 0x231a00ff},
	theme.ColorNameForegroundOnError:   {0xffffffff, 0x2b0602ff},
}

// Color implements fyne.Theme.
func (t *Theme) Color(name fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	own, ok := palette[name]
	switch {
	case !ok:
		return t.base.Color(name, v)
	case v == theme.VariantLight:
		return rgba(own.light)
	}
	return rgba(own.dark)
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

func rgba(hex uint32) color.NRGBA {
	return color.NRGBA{R: uint8(hex >> 24), G: uint8(hex >> 16), B: uint8(hex >> 8), A: uint8(hex)}
}
