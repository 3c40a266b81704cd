//go:build linux

package desktop

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

const menuIface = "com.canonical.dbusmenu"

// MenuItem is an item of the tray menu as the app describes it to the panel. Hidden items are left out.
type MenuItem struct {
	ID        int32
	Label     string // without mnemonics
	Enabled   bool
	Checked   bool
	Separator bool
	Children  []MenuItem
}

// selectable reports whether the arrow keys stop at an item.
func (m MenuItem) selectable() bool { return m.Enabled && !m.Separator }

// Menu reads the menu of the one tray icon, once the panel has read its latest version too.
func (d *Desktop) Menu(ctx context.Context) ([]MenuItem, error) {
	item, err := d.theTrayItem(ctx)
	if err != nil {
		return nil, fmt.Errorf("tray menu: %w", err)
	}
	d.settle(ctx, item)
	return d.layout(ctx, item)
}

// MenuReader returns a function that reads the menu of the one tray icon as the app has it at that moment, whatever the
// panel shows and also while the panel does not answer.
func (d *Desktop) MenuReader(ctx context.Context) (func(context.Context) ([]MenuItem, error), error) {
	item, err := d.theTrayItem(ctx)
	if err != nil {
		return nil, fmt.Errorf("tray menu: %w", err)
	}
	return func(ctx context.Context) ([]MenuItem, error) { return d.layout(ctx, item) }, nil
}

// MenuLabels are the labels of the tray menu, those in submenus as "Profiles/work".
func (d *Desktop) MenuLabels(ctx context.Context) ([]string, error) {
	items, err := d.Menu(ctx)
	if err != nil {
		return nil, err
	}
	return labels("", items), nil
}

// WaitMenu waits until the tray menu is as ok wants it. Bound it by ctx.
func (d *Desktop) WaitMenu(ctx context.Context, ok func([]MenuItem) bool) error {
	var last []MenuItem
	err := poll(ctx, time.Hour, func() (bool, error) {
		items, err := d.Menu(ctx)
		if err != nil {
			return false, err
		}
		last = items
		return ok(items), nil
	})
	if err != nil {
		return fmt.Errorf("wait for tray menu: %w (it has %q)", err, labels("", last))
	}
	return nil
}

func labels(prefix string, items []MenuItem) []string {
	var all []string
	for _, m := range items {
		if m.Separator {
			continue
		}
		all = append(all, prefix+m.Label)
		all = append(all, labels(prefix+m.Label+"/", m.Children)...)
	}
	return all
}

// settle waits until the panel has asked for the layout since its last change, and for a quiet moment after that.
// The order matters beyond politeness: fyne.io/systray answers the first request after a rebuild with the top level
// only, a trick for the panel's library, and whoever asks first gets that answer.
func (d *Desktop) settle(ctx context.Context, item trayItem) {
	const quiet = 200 * time.Millisecond
	own := d.bus.Names()[0]
	_ = poll(ctx, 3*time.Second, func() (bool, error) {
		d.monitor.mu.Lock()
		defer d.monitor.mu.Unlock()
		asked, last := d.opts.NoPanel, time.Time{}
		for _, c := range d.monitor.menu {
			switch {
			case c.member == "GetLayout" && c.sender != own && (c.dest == item.owner || c.dest == item.service):
				asked, last = true, c.at
			case (c.member == "LayoutUpdated" || c.member == "ItemsPropertiesUpdated") && c.sender == item.owner:
				asked, last = c.member != "LayoutUpdated" && asked, c.at
			}
		}
		return asked && time.Since(last) > quiet, nil
	})
}

// layout asks the app for its menu.
func (d *Desktop) layout(ctx context.Context, item trayItem) ([]MenuItem, error) {
	var revision uint32
	var root struct {
		ID       int32
		Props    map[string]dbus.Variant
		Children []dbus.Variant
	}
	err := d.bus.Object(item.owner, item.menu).
		CallWithContext(ctx, menuIface+".GetLayout", 0, int32(0), int32(-1), []string{}).Store(&revision, &root)
	if err != nil {
		return nil, fmt.Errorf("tray menu: %w", err)
	}
	return menuItems(root.Children), nil
}

func menuItems(children []dbus.Variant) []MenuItem {
	var items []MenuItem
	for _, child := range children {
		fields, ok := child.Value().([]any)
		if !ok || len(fields) != 3 {
			continue
		}
		id, _ := fields[0].(int32)
		props, _ := fields[1].(map[string]dbus.Variant)
		below, _ := fields[2].([]dbus.Variant)
		if visible, set := props["visible"].Value().(bool); set && !visible {
			continue
		}
		enabled, set := props["enabled"].Value().(bool)
		label, _ := props["label"].Value().(string)
		kind, _ := props["type"].Value().(string)
		state, _ := props["toggle-state"].Value().(int32)
		items = append(items, MenuItem{
			ID: id, Label: plainLabel(label), Enabled: enabled || !set, Checked: state == 1,
			Separator: kind == "separator", Children: menuItems(below),
		})
	}
	return items
}

// plainLabel removes mnemonics: "_Quit" is shown as "Quit" and "a__b" as "a_b".
func plainLabel(s string) string {
	const keep = "\x00"
	return strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(s, "__", keep), "_", ""), keep, "_")
}

// step is one level of the way to an item: how often to press Down from the first selectable item.
type step struct {
	item  MenuItem
	downs int
}

// route finds the way to an item. A label may be cut short ("Alerts" for "Alerts (3)…") if only one item begins so.
func route(items []MenuItem, labels []string) ([]step, error) {
	var way []step
	for depth, label := range labels {
		found := -1
		for i, m := range items {
			if m.Label == label {
				found = i
				break
			}
			if strings.HasPrefix(m.Label, label) && !m.Separator {
				if found >= 0 {
					return nil, fmt.Errorf("menu item %q: more than one begins so", label)
				}
				found = i
			}
		}
		if found < 0 {
			return nil, fmt.Errorf("menu item %q: not in the menu", label)
		}
		m := items[found]
		if !m.selectable() {
			return nil, fmt.Errorf("menu item %q: disabled", m.Label)
		}
		if depth < len(labels)-1 && len(m.Children) == 0 {
			return nil, fmt.Errorf("menu item %q: no submenu", m.Label)
		}
		downs := 0
		for _, before := range items[:found] {
			if before.selectable() {
				downs++
			}
		}
		way = append(way, step{m, downs})
		items = m.Children
	}
	if len(way) == 0 {
		return nil, errors.New("menu item: no label given")
	}
	return way, nil
}

// sameMenu compares what keyboard navigation depends on.
func sameMenu(a, b []MenuItem) bool {
	return slices.EqualFunc(a, b, func(x, y MenuItem) bool {
		return x.ID == y.ID && x.Label == y.Label && x.selectable() == y.selectable() && sameMenu(x.Children, y.Children)
	})
}
