//go:build !lean

package kit_test

import (
	"context"
	"image/color"
	"math"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/keepertest"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/app/window/windowtest"
)

// luminance is the relative luminance of WCAG 2.2.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	part := func(v uint32) float64 {
		s := float64(v) / 0xffff
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*part(r) + 0.7152*part(g) + 0.0722*part(b)
}

func contrast(a, b color.Color) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestTextIsReadable(t *testing.T) {
	test.NewTempApp(t)
	th := kit.NewTheme()
	grounds := []fyne.ThemeColorName{theme.ColorNameBackground, kit.ColorSurface, theme.ColorNameHeaderBackground, theme.ColorNameInputBackground}
	texts := []fyne.ThemeColorName{
		theme.ColorNameForeground, kit.ColorMuted, theme.ColorNameHyperlink, theme.ColorNamePlaceHolder, theme.ColorNameDisabled,
		theme.ColorNamePrimary, theme.ColorNameSuccess, theme.ColorNameWarning, theme.ColorNameError,
	}
	on := map[fyne.ThemeColorName]fyne.ThemeColorName{
		theme.ColorNameForegroundOnPrimary: theme.ColorNamePrimary,
		theme.ColorNameForegroundOnError:   theme.ColorNameError,
		theme.ColorNameForegroundOnSuccess: theme.ColorNameSuccess,
		theme.ColorNameForegroundOnWarning: theme.ColorNameWarning,
		theme.ColorNameForeground:          theme.ColorNameButton,
	}
	for name, v := range map[string]fyne.ThemeVariant{"light": theme.VariantLight, "dark": theme.VariantDark} {
		check := func(text, ground fyne.ThemeColorName) {
			if c := contrast(th.Color(text, v), th.Color(ground, v)); c < 4.5 {
				t.Errorf("%s: %s on %s has a contrast of %.2f, want 4.5", name, text, ground, c)
			}
		}
		for _, g := range grounds {
			for _, x := range texts {
				check(x, g)
			}
		}
		for x, g := range on {
			check(x, g)
		}
	}
}

func TestRelative(t *testing.T) {
	h := windowtest.Host(t)
	for d, want := range map[time.Duration]string{
		0:                 "just now",
		-42 * time.Second: "42 s ago",
		-3 * time.Minute:  "3 min ago",
		5 * time.Hour:     "in 5 h",
		-47 * time.Hour:   "47 h ago",
		72 * time.Hour:    "in 3 days",
	} {
		if got := h.Relative(keepertest.Now.Add(d)); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := kit.Number(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// A result that comes after the window closed must not touch its widgets.
func TestLateResultIsDropped(t *testing.T) {
	test.NewTempApp(t)
	ctx, closeWindow := context.WithCancel(t.Context())
	s := kit.Inline(ctx)
	kit.Load(s, func(context.Context) (int, error) { closeWindow(); return 1, nil },
		func(int, error) { t.Error("the result arrived") })
}

// Typing on starts a new search; the old one's result would show wrong rows.
func TestCancelledLoadIsDropped(t *testing.T) {
	test.NewTempApp(t)
	s := kit.NewTasks(t.Context())
	begun, through := make(chan struct{}), make(chan struct{})
	cancel := kit.Load(s, func(ctx context.Context) (int, error) {
		close(begun)
		<-ctx.Done()
		defer close(through)
		return 1, nil
	}, func(int, error) { t.Error("the result arrived") })
	<-begun
	cancel()
	<-through
}

// The list must show what is chosen, and its words when they change, or a filter says
// one thing and does another.
func TestAChoiceShowsWhatIsChosen(t *testing.T) {
	h := windowtest.Host(t)
	changes := 0
	c := kit.NewChoice(func() { changes++ }, kit.Option[int]{Words: "one", Value: 1}, kit.Option[int]{Words: "two", Value: 2})
	h.Window.SetContent(c)
	shows := func(want string, value, changed int) {
		t.Helper()
		var got string
		for _, o := range windowtest.Visible(h.Window.Content()) {
			if text, ok := o.(*widget.RichText); ok {
				got = text.String()
			}
		}
		if got != want || c.Value() != value || changes != changed {
			t.Errorf("shows %q for %d after %d changes, want %q for %d after %d", got, c.Value(), changes, want, value, changed)
		}
	}
	shows("one", 1, 0)
	c.SetSelected("two")
	shows("two", 2, 1)
	c.SetOptions([]kit.Option[int]{{Words: "zero", Value: 0}, {Words: "two (5)", Value: 2}})
	shows("two (5)", 2, 1)
}
