//go:build linux

package desktop

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	menuTries   = 4
	clickWindow = 2 * time.Second // how long the panel may take to tell the app of a click
)

// errTryAgain wraps failures that a second attempt may not have: the menu was rebuilt under the pointer.
var errTryAgain = errors.New("the menu did not react")

// MenuClick clicks the real tray icon, goes to the item by its labels (one per level) in the menu that the panel
// shows, and activates it. It returns when the panel has told the app, and fails when that was another item.
func (d *Desktop) MenuClick(ctx context.Context, labels ...string) error {
	var err error
	for range menuTries {
		err = d.menuClick(ctx, labels)
		if err == nil || !errors.Is(err, errTryAgain) {
			break
		}
		if closeErr := d.CloseMenu(ctx); closeErr != nil {
			return closeErr
		}
	}
	if err != nil {
		return fmt.Errorf("click %q: %w", labels, err)
	}
	return nil
}

func (d *Desktop) menuClick(ctx context.Context, labels []string) error {
	target, err := d.openMenu(ctx, labels)
	if err != nil {
		return err
	}
	d.monitor.mu.Lock()
	seen := len(d.monitor.menu)
	d.monitor.mu.Unlock()
	if err := d.Key(ctx, "Return"); err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, clickWindow)
	defer cancel()
	var clicked *int32
	err = d.monitor.wait(wait, func() bool {
		for _, c := range d.monitor.menu[seen:] {
			if c.event == "clicked" {
				clicked = &c.id
				return true
			}
		}
		return false
	})
	switch {
	case clicked == nil && ctx.Err() == nil:
		return fmt.Errorf("%w: no click arrived", errTryAgain)
	case err != nil:
		return err
	case *clicked != target.ID:
		return fmt.Errorf("item %d was clicked in place of %d: the menu changed meanwhile", *clicked, target.ID)
	}
	return d.waitPopups(ctx, 0)
}

// OpenMenu opens the tray menu and leaves it open with the named item highlighted, for a picture. Submenus on the way
// are opened, and the last item's own too. Without labels the menu is just opened.
func (d *Desktop) OpenMenu(ctx context.Context, labels ...string) error {
	var err error
	for range menuTries {
		var target MenuItem
		target, err = d.openMenu(ctx, labels)
		if err == nil && len(target.Children) > 0 {
			if err = d.Key(ctx, "Right"); err == nil {
				err = d.waitPopups(ctx, len(labels)+1)
			}
		}
		if err == nil || !errors.Is(err, errTryAgain) {
			break
		}
		if closeErr := d.CloseMenu(ctx); closeErr != nil {
			return closeErr
		}
	}
	if err != nil {
		return fmt.Errorf("open menu %q: %w", labels, err)
	}
	return nil
}

// CloseMenu closes whatever menus are open.
func (d *Desktop) CloseMenu(ctx context.Context) error {
	err := poll(ctx, toolTimeout, func() (bool, error) {
		open, err := d.popups(ctx)
		if err != nil || open == 0 {
			return err == nil, err
		}
		return false, d.Key(ctx, "Escape")
	})
	if err != nil {
		return fmt.Errorf("close menu: %w", err)
	}
	return nil
}

// openMenu clicks the icon and highlights the named item.
func (d *Desktop) openMenu(ctx context.Context, labels []string) (MenuItem, error) {
	if err := d.CloseMenu(ctx); err != nil {
		return MenuItem{}, err
	}
	item, err := d.theTrayItem(ctx)
	if err != nil {
		return MenuItem{}, err
	}
	x, y, err := d.TrayIcon(ctx)
	if err != nil {
		return MenuItem{}, err
	}
	d.settle(ctx, item)
	before, err := d.layout(ctx, item)
	if err != nil {
		return MenuItem{}, err
	}
	var way []step
	if len(labels) > 0 {
		if way, err = route(before, labels); err != nil {
			return MenuItem{}, err
		}
	}
	if err := d.Click(ctx, x, y); err != nil {
		return MenuItem{}, err
	}
	if err := d.waitPopups(ctx, 1); err != nil {
		return MenuItem{}, fmt.Errorf("%w: %w", errTryAgain, err)
	}
	// An app may rebuild its menu when it is opened; keys counted on the old one would end elsewhere.
	d.settle(ctx, item)
	after, err := d.layout(ctx, item)
	if err != nil {
		return MenuItem{}, err
	}
	if !sameMenu(before, after) {
		return MenuItem{}, fmt.Errorf("%w: it changed while it opened", errTryAgain)
	}
	target, err := d.walk(ctx, way)
	if err != nil {
		return target, err
	}
	return target, d.stillThere(ctx, item, before, len(way))
}

// stillThere fails when the keys may have gone elsewhere: the app rebuilt its menu meanwhile, or a key that was meant
// for a submenu reached the menu above, which closes the submenu. What Return would click then is anybody's guess.
func (d *Desktop) stillThere(ctx context.Context, item trayItem, before []MenuItem, depth int) error {
	d.settle(ctx, item)
	after, err := d.layout(ctx, item)
	if err != nil {
		return err
	}
	if !sameMenu(before, after) {
		return fmt.Errorf("%w: it changed on the way", errTryAgain)
	}
	open, err := d.popups(ctx)
	if err == nil && open != max(depth, 1) {
		return fmt.Errorf("%w: %d menus are open on the way", errTryAgain, open)
	}
	return err
}

// walk presses the keys that lead to an item.
func (d *Desktop) walk(ctx context.Context, way []step) (MenuItem, error) {
	var at MenuItem
	for depth, s := range way {
		if depth > 0 {
			if err := d.Key(ctx, "Right"); err != nil {
				return at, err
			}
			if err := d.waitPopups(ctx, depth+1); err != nil {
				return at, fmt.Errorf("%w: %w", errTryAgain, err)
			}
		}
		// Home selects the first item whatever the pointer rests on; Down skips separators and disabled items.
		keys := []string{"Home"}
		for range s.downs {
			keys = append(keys, "Down")
		}
		if err := d.Key(ctx, keys...); err != nil {
			return at, err
		}
		at = s.item
	}
	return at, nil
}
