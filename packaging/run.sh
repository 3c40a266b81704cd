#!/bin/sh
# Starts the app that was built into the given folder: in the tray of the
# desktop at hand, or, without one, as a guided demo in a virtual desktop.
set -eu
out=$1
if [ "$(uname -s)" != Linux ] || [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
	echo "Starting Stagedoor in the tray. Quit it from its menu, or with Ctrl+C here."
	exec "$out/stagedoor"
fi
echo "There is no display here, so this shows the app in a virtual desktop, with a demo account."
"$(dirname "$0")/deps.sh" test
exec go run ./packaging/tour --app "$out/stagedoor" --out "$out"
