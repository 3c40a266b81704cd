#!/bin/sh
# Makes the README's pictures anew from what the tour took.
set -eu
shots=$1/pictures
mkdir -p assets/pictures
# The menu sits at the bottom right of the screen.
convert "$shots/tour-2-signed-in.png" -gravity SouthEast -crop 520x300+0+0 +repage -strip -colors 128 png8:assets/pictures/tray.png
convert "$shots/tour-6-servers.png" -strip -colors 255 png8:assets/pictures/servers.png
convert "$shots/tour-5-audit.png" -strip -colors 255 png8:assets/pictures/audit.png
