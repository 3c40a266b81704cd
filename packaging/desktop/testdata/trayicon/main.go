// Command trayicon is a small tray program for the desktop's own tests: it prints the label of what was clicked.
package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"time"

	"fyne.io/systray"
)

func main() {
	systray.Run(func() {
		systray.SetIcon(icon())
		systray.SetTitle("Tray test")
		say := func(item *systray.MenuItem, label string) {
			go func() {
				for range item.ClickedCh {
					fmt.Println("clicked " + label)
				}
			}()
		}
		status := systray.AddMenuItem("work: signed in", "")
		status.Disable()
		systray.AddSeparator()
		sub := systray.AddMenuItem("Profiles", "")
		for _, name := range []string{"home", "work"} {
			say(sub.AddSubMenuItemCheckbox(name, "", name == "work"), "Profiles/"+name)
		}
		say(systray.AddMenuItem("Log in", ""), "Log in")
		hidden := systray.AddMenuItem("Hidden", "")
		hidden.Hide()
		systray.AddSeparator()
		// This one changes the menu while the program runs, as a real app's does.
		more := systray.AddMenuItem("Add_more", "")
		go func() {
			for range more.ClickedCh {
				fmt.Println("clicked Add_more")
				say(systray.AddMenuItem(fmt.Sprintf("Alerts (%d)…", time.Now().Second()), ""), "Alerts")
			}
		}()
		quit := systray.AddMenuItem("Quit", "")
		go func() {
			<-quit.ClickedCh
			fmt.Println("clicked Quit")
			systray.Quit()
		}()
		fmt.Println("ready")
	}, nil)
}

// icon is a filled circle.
func icon() []byte {
	const size = 44
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			if dx, dy := x-size/2, y-size/2; dx*dx+dy*dy < size*size/5 {
				img.Set(x, y, color.NRGBA{R: 0xd0, G: 0x50, B: 0x30, A: 0xff})
			}
		}
	}
	var buf bytes.Buffer
	_ = png.Encode(&buf, img)
	return buf.Bytes()
}
