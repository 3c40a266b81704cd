#!/bin/sh
# Renders the SVG files of this folder to the PNG and ICO files that are
# embedded and packaged. The results are committed, so that a build needs none
# of this. Needs rsvg-convert (librsvg2-bin) and ImageMagick's convert.
set -eu
cd "$(dirname "$0")"

png() { rsvg-convert --width "$2" --height "$2" "$1" --output "$3"; }

# Windows picks from one ICO the size that its taskbar and its scaling ask for.
ico() {
	tmp=$(mktemp -d)
	from=$1 to=$2
	shift 2
	for size; do
		png "$from" "$size" "$tmp/$size.png"
		shift
		set -- "$@" "$tmp/$size.png"
	done
	convert "$@" "$to"
	rm -r "$tmp"
}

for name in tray tray-badge; do
	png $name.svg 22 $name-22.png
	png $name.svg 44 $name-44.png
	ico $name.svg $name.ico 16 20 24 32 48
done
for name in template template-badge; do png $name.svg 44 $name-44.png; done
png icon.svg 256 icon-256.png
png icon.svg 512 icon-512.png
ico icon.svg icon.ico 16 24 32 48 64 256 # of the program and its installer
