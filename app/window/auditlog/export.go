//go:build !lean

package auditlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Export writes what q selects to w in a format, "jsonl", "csv", "legacy" or
// "bundle", and returns how many events there were.
type Export func(ctx context.Context, w io.Writer, format string, q audit.Query) (events int, err error)

// format is a way to export.
type format struct {
	id, ext     string
	name, about string
	whole       bool // always the whole log
}

func formats() []format {
	return []format{
		{id: "jsonl", ext: ".jsonl", name: lang.L("JSON Lines"), about: lang.L("The log’s own lines, one event a line, for other programs.")},
		{id: "csv", ext: ".csv", name: lang.L("Table (CSV)"), about: lang.L("One row for each event, for a spreadsheet.")},
		{id: "legacy", ext: ".json", name: lang.L("Legacy JSON"), about: lang.L("One JSON array, as the older Spotify server wrote it.")},
		{id: "bundle", ext: ".zip", whole: true, name: lang.L("Signed bundle"), about: lang.L("The whole log with a signed statement of its verification: what an incident report refers to. It can be checked without your key.")},
	}
}

// exporter is the form for an export, in the place of the details.
type exporter struct {
	view   *view
	write  Export
	kind   *kit.Choice[format]
	about  *widget.Label
	only   *widget.Check
	path   *kit.Entry
	start  *widget.Button
	cancel func()         // of the export under way; nil if none
	folder *widget.Button // of the newest export
	box    fyne.CanvasObject
}

func newExporter(v *view, write Export) *exporter {
	e := &exporter{view: v, write: write}
	var options []kit.Option[format]
	for _, f := range formats() {
		options = append(options, kit.Option[format]{Words: f.name, Value: f})
	}
	e.about = kit.Muted("")
	e.only = widget.NewCheck(lang.L("Only the events that the filters leave"), nil)
	e.path = v.host.Keys.NewEntry("")
	e.path.OnSubmitted = func(string) { e.run() }
	e.path.OnEscape = e.close
	e.kind = kit.NewChoice(e.chosen, options...)
	e.start = kit.Primary(lang.L("Export"), e.run)
	e.folder = widget.NewButtonWithIcon(lang.L("Open its folder"), theme.FolderOpenIcon(),
		func() { v.host.OpenFolder(filepath.Dir(e.path.Text)) })
	e.folder.Hide()
	e.box = container.NewVScroll(kit.Inset(10, 12, container.NewVBox(
		kit.Tight(kit.Heading(lang.L("Export the log"))), e.kind, kit.Tight(e.about), e.only,
		kit.Tight(widget.NewLabel(lang.L("File"))), e.path,
		kit.Tight(kit.Muted(lang.L("Only you can read the file. It holds names and times, never a token."))),
		kit.Inset(8, 0, container.NewHBox(kit.Button(lang.L("Close"), e.close), e.start, e.folder)),
	)))
	e.box.Hide()
	return e
}

// open shows the form.
func (e *exporter) open() {
	home, _ := os.UserHomeDir() // empty: the field says where
	name := "stagedoor-audit-" + e.view.host.Now().In(e.view.host.Location).Format("20060102-150405")
	e.path.SetText(filepath.Join(home, name))
	e.only.SetChecked(e.view.filter.active())
	e.folder.Hide()
	e.kind.Choose(formats()[0])
	e.chosen()
	e.view.details.box.Hide()
	e.box.Show()
	e.view.host.Window.Canvas().Focus(e.path)
}

// chosen adapts the form to the format.
func (e *exporter) chosen() {
	f := e.kind.Value()
	e.about.SetText(f.about)
	if f.whole {
		e.only.Disable()
	} else {
		e.only.Enable()
	}
	path := e.path.Text
	for _, other := range formats() {
		path = strings.TrimSuffix(path, other.ext)
	}
	e.path.SetText(path + f.ext)
}

// close gives up an export under way and brings the details back.
func (e *exporter) close() {
	if e.cancel != nil {
		e.cancel()
		e.ended()
		e.view.host.Notice.Clear()
	}
	e.box.Hide()
	e.view.details.box.Show()
	e.view.host.Window.Canvas().Focus(e.view.table)
}

func (e *exporter) ended() {
	e.cancel = nil
	e.start.Enable()
}

// run exports, with the bytes written so far in the notice.
func (e *exporter) run() {
	if e.cancel != nil {
		return
	}
	h, f, path := e.view.host, e.kind.Value(), strings.TrimSpace(e.path.Text)
	q := audit.Query{}
	if e.only.Checked && !f.whole {
		q = e.view.query(0)
	}
	e.start.Disable()
	progress := func(bytes int64) {
		h.Tasks.Do(func() {
			if e.cancel != nil {
				h.Notice.Busy(lang.L("Exporting… {{.Size}} MB", map[string]any{"Size": kit.Number(int(bytes / 1e6))}), path)
			}
		})
	}
	h.Notice.Busy(lang.L("Exporting…"), path)
	e.cancel = func() {}
	cancel := kit.Load(h.Tasks, func(ctx context.Context) (n int, err error) {
		return n, saveNew(path, func(w io.Writer) error {
			n, err = e.write(ctx, &meter{w: w, report: progress}, f.id, q)
			return err
		})
	}, func(n int, err error) {
		e.ended()
		if err != nil {
			h.Notice.Error(err)
			return
		}
		e.folder.Show() // and the form stays, with the name in it
		h.Notice.Done(lang.N("{{.Count}} events exported", n, map[string]any{"Count": kit.Number(n)}), path)
	})
	if e.cancel != nil { // inline tasks have ended by now
		e.cancel = cancel
	}
}

// saveNew writes a file that does not exist yet and that its owner alone may
// read. A name that is taken is refused: it may be an older export.
func saveNew(path string, write func(io.Writer) error) error {
	if !filepath.IsAbs(path) {
		return hint.Wrap(fmt.Errorf("export to %q: not a full path", path), "begin with the folder, for example "+filepath.Join(string(filepath.Separator)+"home", "you"))
	}
	err := durable.CreateStream(path, durable.FileMode, write)
	if errors.Is(err, durable.ErrExists) {
		return hint.Wrap(fmt.Errorf("%s exists already", path), "choose another name")
	}
	return err
}

// meter reports how much was written, once a megabyte.
type meter struct {
	w      io.Writer
	n      atomic.Int64
	report func(int64)
}

func (m *meter) Write(p []byte) (int, error) {
	n, err := m.w.Write(p)
	before := m.n.Load()
	if after := m.n.Add(int64(n)); after/(4<<20) != before/(4<<20) {
		m.report(after)
	}
	return n, err
}
