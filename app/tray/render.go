//go:build linux || windows || (darwin && cgo)

package tray

import (
	"slices"

	"fyne.io/systray"
)

// bar is the surface on systray. Its goroutine touches the menu only when
// something differs: a host redraws on every signal, and an open menu that is
// rebuilt closes under the user's pointer.
type bar struct {
	clicks chan Action
	done   chan struct{} // ends the goroutines that wait for clicks
	icon   func(badge bool)
	settle func() // waits until the host has seen the items that were added so far

	drawn bool
	look  Look
	nodes []node
}

// node is an item as shown.
type node struct {
	item     Item // without children
	entry    *systray.MenuItem
	children []node
}

func newBar(icon func(badge bool), settle func()) *bar {
	return &bar{clicks: make(chan Action), done: make(chan struct{}), icon: icon, settle: settle}
}

func (b *bar) Clicks() <-chan Action   { return b.clicks }
func (b *bar) Opened() <-chan struct{} { return systray.TrayOpenedCh }
func (b *bar) close()                  { close(b.done) }

// Show brings the icon and the menu to what they should be.
func (b *bar) Show(items []Item, look Look) {
	if !b.drawn || look.Badge != b.look.Badge {
		b.icon(look.Badge)
	}
	if !b.drawn || look.Tooltip != b.look.Tooltip {
		setTooltip(look.Tooltip)
	}
	b.look = look
	if b.drawn && sameShape(b.nodes, items) {
		b.patch(b.nodes, items)
		return
	}
	if b.drawn {
		systray.ResetMenu()
	}
	b.nodes = b.build(nil, items)
	b.drawn = true
}

// sameShape reports whether items can be shown by changing what is there. An
// action is part of the shape: an item that is clicked while it changes must
// never do to one profile what its label said of another.
func sameShape(nodes []node, items []Item) bool {
	return slices.EqualFunc(nodes, items, func(n node, i Item) bool {
		return n.item.Kind == i.Kind && n.item.Action == i.Action && sameShape(n.children, i.Children)
	})
}

func (b *bar) patch(nodes []node, items []Item) {
	for i := range nodes {
		n, item := &nodes[i], items[i]
		if n.item.Label != item.Label {
			n.entry.SetTitle(label(item.Label))
		}
		if n.item.Enabled != item.Enabled {
			setEnabled(n.entry, item.Enabled)
		}
		if n.item.Checked != item.Checked {
			setChecked(n.entry, item.Checked)
		}
		b.patch(n.children, item.Children)
		n.item = bare(item)
	}
}

// build adds items below parent: first all of one level, then what is below them. A host may show a submenu as empty
// if it learns of it and of its items at the same time.
func (b *bar) build(parent *systray.MenuItem, items []Item) []node {
	nodes := make([]node, 0, len(items))
	for _, item := range items {
		n := node{item: bare(item)}
		if item.Kind == Separator {
			addSeparator(parent)
			nodes = append(nodes, n)
			continue
		}
		n.entry = addItem(parent, item)
		if !item.Enabled {
			n.entry.Disable()
		}
		if item.Action != (Action{}) {
			go b.forward(n.entry.ClickedCh, item.Action)
		}
		nodes = append(nodes, n)
	}
	settled := false
	for i, item := range items {
		if len(item.Children) == 0 {
			continue
		}
		if !settled {
			b.settle()
			settled = true
		}
		nodes[i].children = b.build(nodes[i].entry, item.Children)
	}
	return nodes
}

// forward turns clicks on one item into its action until the item is removed.
func (b *bar) forward(clicked <-chan struct{}, action Action) {
	for {
		select {
		case _, ok := <-clicked:
			if !ok {
				return
			}
		case <-b.done:
			return
		}
		select {
		case b.clicks <- action:
		case <-b.done:
			return
		}
	}
}

func addItem(parent *systray.MenuItem, item Item) *systray.MenuItem {
	text := label(item.Label)
	switch {
	case item.Kind == Check && parent == nil:
		return systray.AddMenuItemCheckbox(text, "", item.Checked)
	case item.Kind == Check:
		return parent.AddSubMenuItemCheckbox(text, "", item.Checked)
	case parent == nil:
		return systray.AddMenuItem(text, "")
	default:
		return parent.AddSubMenuItem(text, "")
	}
}

func addSeparator(parent *systray.MenuItem) {
	if parent == nil {
		systray.AddSeparator()
	} else {
		parent.AddSeparator()
	}
}

func setEnabled(entry *systray.MenuItem, on bool) {
	if on {
		entry.Enable()
	} else {
		entry.Disable()
	}
}

func setChecked(entry *systray.MenuItem, on bool) {
	if on {
		entry.Check()
	} else {
		entry.Uncheck()
	}
}

func bare(item Item) Item {
	item.Children = nil
	return item
}
