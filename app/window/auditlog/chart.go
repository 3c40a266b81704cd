//go:build !lean

package auditlog

import (
	"image"
	"image/color"
	"image/draw"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
)

const (
	chartHeight = 54
	// leastBars is how many bars a chart of all time has at least, so that a log
	// of ten minutes is not one block.
	leastBars = 32
	maxWidth  = 26 // of a bar, in Fyne's units
)

// chart shows how many events there were when: stacked bars by kind. The mouse
// points at a bar, the arrow keys walk over them, and a line of words says what
// the bar at hand stands for. A click or Enter narrows the time filter to it.
type chart struct {
	widget.BaseWidget
	host   *kit.Host
	bars   []bar
	all    counts
	at     int // the bar pointed at, or -1
	picked func(from, to time.Time)
	// OnEscape leaves the chart.
	OnEscape func()

	raster  *canvas.Raster
	cursor  *canvas.Rectangle
	words   *widget.Label
	legend  *fyne.Container
	swatch  [groups]*canvas.Rectangle
	numbers [groups]*widget.Label
	focused bool
}

func newChart(h *kit.Host, picked func(from, to time.Time)) *chart {
	c := &chart{host: h, picked: picked, at: -1, legend: container.New(layout.NewCustomPaddedHBoxLayout(-1))}
	c.raster = canvas.NewRaster(c.draw)
	c.cursor = canvas.NewRectangle(color.Transparent)
	c.words = widget.NewLabel("")
	c.words.SizeName, c.words.Truncation, c.words.Alignment = theme.SizeNameCaptionText, fyne.TextTruncateEllipsis, fyne.TextAlignTrailing
	for _, g := range stackOrder() {
		c.swatch[g] = canvas.NewRectangle(theme.Color(groupColour(g)))
		c.swatch[g].CornerRadius = 2
		c.numbers[g] = widget.NewLabel(groupWords(g))
		c.numbers[g].SizeName, c.numbers[g].Importance = theme.SizeNameCaptionText, widget.LowImportance
		c.legend.Add(container.NewCenter(container.NewGridWrap(fyne.NewSize(9, 9), c.swatch[g])))
		c.legend.Add(c.numbers[g])
	}
	c.ExtendBaseWidget(c)
	return c
}

// box returns the chart with its legend and words.
func (c *chart) box() fyne.CanvasObject {
	legend := container.New(layout.NewCustomPaddedLayout(0, 0, 5, 0), c.legend) // in line with the bars
	line := kit.Tight(container.NewBorder(nil, nil, legend, nil, c.words))
	return kit.Inset(6, 0, container.NewVBox(c, line))
}

// show puts bars into the chart. Words, the bar pointed at included, follow.
func (c *chart) show(bars []bar, all counts) {
	c.bars, c.all = bars, all
	if c.at >= len(bars) {
		c.at = -1
	}
	c.describe()
	c.Refresh()
}

// describe says in words what is pointed at, or how long the whole is.
func (c *chart) describe() {
	for g, l := range c.numbers {
		text := groupWords(group(g))
		if n := c.all[g]; n > 0 {
			text += " " + kit.Number(n)
		}
		if l.Text != text {
			l.SetText(text)
		}
	}
	switch {
	case len(c.bars) == 0:
		c.words.SetText("")
	case c.at < 0:
		first, last := c.bars[0], c.bars[len(c.bars)-1]
		c.words.SetText(spanWords(first.from, last.to))
	default:
		b := c.bars[c.at]
		text := spanWords(b.from, b.to) + ": " + lang.N("{{.Count}} events in a bar", b.counts.sum(), map[string]any{"Count": kit.Number(b.counts.sum())})
		for _, g := range stackOrder() {
			if n := b.counts[g]; n > 0 {
				text += " · " + groupWords(g) + " " + kit.Number(n)
			}
		}
		c.words.SetText(text)
	}
}

// spanWords names a stretch of time; to is exclusive.
func spanWords(from, to time.Time) string {
	const day, minute = time.DateOnly, "2006-01-02 15:04"
	midnight := func(t time.Time) bool { h, m, s := t.Clock(); return h+m+s == 0 }
	switch {
	case midnight(from) && to.Equal(from.AddDate(0, 0, 1)):
		return from.Format(day)
	case midnight(from) && midnight(to):
		return from.Format(day) + " – " + to.AddDate(0, 0, -1).Format(day)
	case from.Format(day) == to.Format(day):
		return from.Format(minute) + " – " + to.Format("15:04")
	}
	return from.Format(minute) + " – " + to.Format(minute)
}

// width returns how wide a bar is and where the first begins: short charts end
// at the right, where now is.
func (c *chart) width(total float32) (each, left float32) {
	each = min(total/float32(max(1, len(c.bars))), maxWidth)
	return each, total - each*float32(len(c.bars))
}

func (c *chart) barAt(x float32) int {
	each, left := c.width(c.Size().Width)
	if len(c.bars) == 0 || x < left {
		return -1
	}
	return min(int((x-left)/each), len(c.bars)-1)
}

func (c *chart) point(i int) {
	if i == c.at {
		return
	}
	c.at = i
	c.describe()
	c.moveCursor()
}

func (c *chart) moveCursor() {
	c.cursor.Hidden = c.at < 0
	if c.at >= 0 {
		each, left := c.width(c.Size().Width)
		c.cursor.FillColor = theme.Color(theme.ColorNamePressed)
		c.cursor.Move(fyne.NewPos(left+float32(c.at)*each, 0))
		c.cursor.Resize(fyne.NewSize(each, c.Size().Height))
	}
	c.cursor.Refresh()
}

func (c *chart) pick() {
	if c.at >= 0 && c.at < len(c.bars) {
		c.picked(c.bars[c.at].from, c.bars[c.at].to)
	}
}

// draw paints the bars pixel by pixel: one picture, however many bars.
func (c *chart) draw(w, h int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	fill := func(x0, y0, x1, y1 int, colour fyne.ThemeColorName) {
		draw.Draw(img, image.Rect(x0, y0, x1, y1), image.NewUniform(theme.Color(colour)), image.Point{}, draw.Src)
	}
	fill(0, h-1, w, h, theme.ColorNameSeparator)
	most := 0
	for _, b := range c.bars {
		most = max(most, b.counts.sum())
	}
	if most == 0 || h < 8 {
		return img
	}
	scale := float32(w) / max(c.Size().Width, 1)
	each, left := c.width(float32(w) / scale)
	each, left = each*scale, left*scale
	room := h - 4
	for i, b := range c.bars {
		x0 := int(left + float32(i)*each)
		x1 := int(left + float32(i+1)*each)
		if x1-x0 > 3 {
			x1-- // a gap
		}
		y := h - 1
		for g, n := range b.counts {
			if n == 0 {
				continue
			}
			// What is rare is what one looks for: it never vanishes.
			tall := max(n*room/most, 2)
			top := max(y-tall, 0)
			fill(x0, top, max(x1, x0+1), y, groupColour(group(g)))
			y = top
		}
	}
	return img
}

// MouseIn implements desktop.Hoverable.
func (c *chart) MouseIn(e *desktop.MouseEvent) { c.point(c.barAt(e.Position.X)) }

// MouseMoved implements desktop.Hoverable.
func (c *chart) MouseMoved(e *desktop.MouseEvent) { c.point(c.barAt(e.Position.X)) }

// MouseOut implements desktop.Hoverable.
func (c *chart) MouseOut() { c.point(-1) }

// Tapped implements fyne.Tappable.
func (c *chart) Tapped(e *fyne.PointEvent) {
	c.point(c.barAt(e.Position.X))
	c.pick()
}

// FocusGained implements fyne.Focusable.
func (c *chart) FocusGained() {
	c.focused = true
	if c.at < 0 {
		c.point(len(c.bars) - 1)
	}
	c.Refresh()
}

// FocusLost implements fyne.Focusable.
func (c *chart) FocusLost() {
	c.focused = false
	c.point(-1)
	c.Refresh()
}

// TypedRune implements fyne.Focusable.
func (*chart) TypedRune(rune) {}

// TypedKey implements fyne.Focusable.
func (c *chart) TypedKey(e *fyne.KeyEvent) {
	last := len(c.bars) - 1
	switch e.Name {
	case fyne.KeyLeft:
		c.point(max(c.at-1, min(0, last)))
	case fyne.KeyRight:
		c.point(min(c.at+1, last))
	case fyne.KeyHome:
		c.point(min(0, last))
	case fyne.KeyEnd:
		c.point(last)
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		c.pick()
	case fyne.KeyEscape:
		if c.OnEscape != nil {
			c.OnEscape()
		}
	}
}

// CreateRenderer implements fyne.Widget.
func (c *chart) CreateRenderer() fyne.WidgetRenderer {
	frame := canvas.NewRectangle(color.Transparent)
	frame.CornerRadius, frame.StrokeWidth = 3, 1
	return &chartRenderer{widget.NewSimpleRenderer(container.NewStack(c.raster, frame, container.NewWithoutLayout(c.cursor))), c, frame}
}

type chartRenderer struct {
	fyne.WidgetRenderer
	c     *chart
	frame *canvas.Rectangle
}

func (r *chartRenderer) MinSize() fyne.Size { return fyne.NewSize(200, chartHeight) }

func (r *chartRenderer) Layout(size fyne.Size) {
	r.WidgetRenderer.Layout(size)
	r.c.moveCursor()
}

func (r *chartRenderer) Refresh() {
	for g, s := range r.c.swatch {
		s.FillColor = theme.Color(groupColour(group(g)))
		s.Refresh()
	}
	r.frame.StrokeColor = color.Transparent
	if r.c.focused {
		r.frame.StrokeColor = theme.Color(theme.ColorNamePrimary)
	}
	r.c.moveCursor()
	r.c.raster.Refresh()
	r.WidgetRenderer.Refresh()
}
