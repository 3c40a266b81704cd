//go:build !lean

package auditlog

import (
	"cmp"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
)

// badge says whether the log verifies. It never claims more than was checked:
// "consistent with its key", and nothing while a check is under way.
type badge struct {
	icon  *widget.Icon
	text  *widget.Label
	again *widget.Button
	box   fyne.CanvasObject
}

func newBadge(verify func()) *badge {
	b := &badge{
		icon:  widget.NewIcon(theme.InfoIcon()),
		text:  widget.NewLabel(""),
		again: widget.NewButtonWithIcon("", theme.ViewRefreshIcon(), verify),
	}
	b.again.Importance = widget.LowImportance
	b.box = container.NewHBox(container.NewCenter(b.icon), b.text, b.again)
	b.checking(0)
	return b
}

func (b *badge) set(icon fyne.Resource, colour fyne.ThemeColorName, importance widget.Importance, text string) {
	b.icon.SetResource(theme.NewColoredResource(icon, colour))
	b.text.Importance = importance
	b.text.SetText(text)
	b.text.Refresh()
}

func (b *badge) checking(percent int) {
	b.again.Disable()
	text := lang.L("Checking the log…")
	if percent > 0 {
		text += " " + lang.L("{{.Percent}} %", map[string]any{"Percent": percent})
	}
	b.set(theme.HistoryIcon(), kit.ColorMuted, widget.LowImportance, text)
}

func (b *badge) warn(text string) {
	b.set(theme.WarningIcon(), theme.ColorNameWarning, widget.WarningImportance, text)
}

// stale marks the last result as being about an older log.
func (b *badge) stale() {
	if b.again.Disabled() {
		return
	}
	b.set(theme.HistoryIcon(), kit.ColorMuted, widget.LowImportance, lang.L("New events since the last check"))
}

// result shows what a verification found.
func (b *badge) result(r verify.Report, err error) {
	b.again.Enable()
	switch {
	case err != nil:
		b.warn(lang.L("Log could not be checked"))
	case r.Verdict() == verify.Broken:
		b.set(theme.ErrorIcon(), theme.ColorNameError, widget.DangerImportance,
			lang.L("Does not verify: {{.Problem}}", map[string]any{"Problem": problemWords(r.Problem)}))
	case r.Lost > 0:
		b.warn(lang.L("Consistent with its key, but events are missing"))
	case r.WithoutMAC() > 0:
		n := r.WithoutMAC()
		b.warn(lang.N("Consistent with its key, but {{.Count}} lines carry no seal", n, map[string]any{"Count": kit.Number(n)}))
	case r.Verdict() == verify.Doubtful:
		b.warn(lang.L("Consistent with its key, but its end could not be checked"))
	default:
		n := int(r.Events)
		b.set(theme.ConfirmIcon(), theme.ColorNameSuccess, widget.SuccessImportance,
			lang.N("Log is consistent with its key — {{.Count}} events", n, map[string]any{"Count": kit.Number(n)}))
	}
}

// problemWords says in three words what the whole message says in a sentence.
func problemWords(p *verify.Problem) string {
	if p == nil {
		return ""
	}
	line := map[string]any{"Line": kit.Number(int(p.Seq))}
	segment := map[string]any{"Name": p.Segment}
	return cmp.Or(map[verify.Kind]string{
		verify.Edited:         lang.L("line {{.Line}} edited", line),
		verify.Deleted:        lang.L("lines deleted before line {{.Line}}", line),
		verify.Inserted:       lang.L("line {{.Line}} inserted", line),
		verify.Reordered:      lang.L("line {{.Line}} out of order", line),
		verify.Truncated:      lang.L("newest lines cut off"),
		verify.RolledBack:     lang.L("replaced by an older copy"),
		verify.SegmentMissing: lang.L("segment {{.Name}} is missing", segment),
		verify.SegmentSwapped: lang.L("segment {{.Name}} swapped", segment),
		verify.Malformed:      lang.L("line {{.Line}} is malformed", line),
		verify.Unsealed:       lang.L("line {{.Line}} is not sealed", line),
		verify.ForeignKey:     lang.L("lines made with another key"),
	}[p.Kind], string(p.Kind))
}
