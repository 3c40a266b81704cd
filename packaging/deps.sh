#!/bin/sh
# Installs what building and testing Stagedoor need, and nothing that is there already.
#
#   packaging/deps.sh build   what compiling needs
#   packaging/deps.sh windows what building and trying the installer for Windows needs
#   packaging/deps.sh test    what compiling needs, and the virtual desktop and the real parts of the end-to-end tests
#
# Debian and Ubuntu: by apt. Elsewhere it names the packages and fails only if something is missing.
# With everything in place it takes a fraction of a second.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

build_debian='gcc libc6-dev make pkg-config libgl1-mesa-dev xorg-dev libxkbcommon-dev libwayland-dev wayland-protocols libegl1-mesa-dev'
test_debian='xvfb dbus gnome-keyring libsecret-tools libnotify-bin xfce4-panel fluxbox dunst xdotool x11-utils imagemagick fonts-dejavu-core adwaita-icon-theme librsvg2-common libgl1-mesa-dri patch systemd python3-venv maven lintian desktop-file-utils appstream rpm man-db zstd binutils unzip apt-utils createrepo-c dnf dnf-plugins-core gnupg'
windows_debian='gcc-mingw-w64-x86-64 nsis osslsigncode openssl wine wine64 xvfb dbus xdotool imagemagick fonts-dejavu-core libgl1-mesa-dri'
build_fedora='gcc make pkgconf-pkg-config mesa-libGL-devel mesa-libEGL-devel libX11-devel libXcursor-devel libXrandr-devel libXinerama-devel libXi-devel libXxf86vm-devel libxkbcommon-devel wayland-devel wayland-protocols-devel'
test_fedora='xorg-x11-server-Xvfb dbus-daemon gnome-keyring libsecret libnotify xfce4-panel fluxbox dunst xdotool xprop xwininfo ImageMagick dejavu-sans-fonts adwaita-icon-theme librsvg2 mesa-dri-drivers nodejs npm patch systemd python3 java-21-openjdk-headless maven'
build_arch='gcc make pkgconf mesa libx11 libxcursor libxrandr libxinerama libxi libxxf86vm libxkbcommon wayland wayland-protocols'
test_arch='xorg-server-xvfb dbus gnome-keyring libsecret libnotify xfce4-panel fluxbox dunst xdotool xorg-xprop xorg-xwininfo imagemagick ttf-dejavu adwaita-icon-theme librsvg mesa nodejs npm patch systemd python jre-openjdk-headless maven'

windows_fedora='mingw64-gcc mingw32-nsis osslsigncode openssl wine xorg-x11-server-Xvfb dbus-daemon xdotool ImageMagick mesa-dri-drivers'
windows_arch='mingw-w64-gcc nsis osslsigncode openssl wine xorg-server-xvfb dbus xdotool imagemagick mesa'
build_tools='gcc pkg-config'
build_modules='gl egl x11 xcursor xrandr xinerama xi xxf86vm xkbcommon wayland-client'
windows_tools='x86_64-w64-mingw32-gcc makensis osslsigncode openssl wine Xvfb dbus-daemon xdotool import'
test_tools='Xvfb dbus-daemon gnome-keyring-daemon secret-tool notify-send xfce4-panel fluxbox dunst xdotool xprop xwininfo import npm patch systemd-analyze python3 java mvn'

say() { printf 'deps: %s\n' "$*" >&2; }

has() { command -v "$1" >/dev/null 2>&1; }

# missing_debian PACKAGE… prints those that are neither installed nor provided by something that is.
missing_debian() {
	dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Provides}\n' 2>/dev/null | awk -v want="$*" '
		$1 == "ii" { gsub(",", ""); for (i = 2; i <= NF; i++) have[$i] = 1 }
		END { n = split(want, w, " "); for (i = 1; i <= n; i++) if (!(w[i] in have)) printf "%s ", w[i] }'
}

# as_root runs a command as root, or says which one to run.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif has sudo; then
		sudo "$@"
	else
		say "this needs root, and there is no sudo. Please run:"
		printf '    %s\n' "apt-get update && apt-get install --no-install-recommends $todo" >&2
		exit 1
	fi
}

install_debian() {
	# A distribution's Node is only the one that runs npm; the tests use the Node that packaging/npm pins.
	[ "$1" = test ] && ! has npm && set -- "$@" nodejs npm
	shift
	todo=$(missing_debian "$@")
	[ -n "$todo" ] || return 0
	say "installing: $todo"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
	# shellcheck disable=SC2086 # a list of names
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $todo
}

# check_other looks for the programs and libraries themselves, where package names are not ours to know.
check_other() {
	absent=
	tools=$build_tools
	[ "$1" = test ] && tools="$tools $test_tools"
	[ "$1" = windows ] && tools="$tools $windows_tools"
	for tool in $tools; do
		has "$tool" || absent="$absent $tool"
	done
	if has pkg-config && [ "$(uname -s)" = Linux ]; then
		for module in $build_modules; do
			pkg-config --exists "$module" || absent="$absent lib:$module"
		done
	fi
	[ -n "$absent" ] || return 0
	fedora=$build_fedora
	arch=$build_arch
	if [ "$1" = test ]; then
		fedora="$fedora $test_fedora"
		arch="$arch $test_arch"
	elif [ "$1" = windows ]; then
		fedora="$fedora $windows_fedora"
		arch="$arch $windows_arch"
	fi
	say "missing:$absent"
	say "Fedora: sudo dnf install $fedora"
	say "Arch:   sudo pacman -S --needed $arch"
	say "others: the packages of the same programs and libraries"
	exit 1
}

# install_npm runs npm ci when the lock file has changed since the last time, or node_modules is not whole.
install_npm() {
	stamp=$here/npm/node_modules/.deps-stamp
	want=$(cksum <"$here/npm/package-lock.json")
	if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ]; then
		return 0
	fi
	say "installing the npm parts of the tests (about half a minute)"
	(cd "$here/npm" && npm ci --no-audit --no-fund --loglevel=error)
	"$here/npm/node_modules/node/bin/node" --version >/dev/null || {
		say "npm did not install a Node binary; are install scripts switched off (npm config get ignore-scripts)?"
		exit 1
	}
	printf '%s\n' "$want" >"$stamp"
}

# install_python makes the environments of packaging/python when their lists have changed since the last time.
# It takes the system's own Python, 3.11 or later, and packages as they were on one day: a list with newer ones
# needs a later day here.
install_python() {
	envs=$here/python/.venv
	want=$(cat "$here"/python/*.txt "$here/deps.sh" | cksum)
	if [ -f "$envs/.deps-stamp" ] && [ "$(cat "$envs/.deps-stamp")" = "$want" ]; then
		return 0
	fi
	python=/usr/bin/python3
	[ -x "$python" ] || python=$(command -v python3)
	say "installing the Python parts of the tests (about half a minute)"
	rm -rf "$envs"
	"$python" -m venv "$envs/uv"
	"$envs/uv/bin/pip" install -q --disable-pip-version-check --require-hashes -r "$here/python/uv.txt"
	for set in servers sdk authservers; do
		"$envs/uv/bin/uv" venv -q --python "$python" "$envs/$set"
		"$envs/uv/bin/uv" pip install -q --python "$envs/$set/bin/python" --exclude-newer 2026-11-26 -r "$here/python/$set.txt"
	done
	printf '%s\n' "$want" >"$envs/.deps-stamp"
}

# install_keycloak sets up Keycloak with the tests' realm in packaging/java. It is built and its database made once;
# each test starts on a copy.
install_keycloak() {
	java=$here/java
	version=26.7.3
	sum=27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f
	want="$version $(cksum <"$java/realm.json")"
	if [ -f "$java/.keycloak/.deps-stamp" ] && [ "$(cat "$java/.keycloak/.deps-stamp")" = "$want" ]; then
		return 0
	fi
	say "installing Keycloak for the tests (about two minutes)"
	rm -rf "$java/.keycloak" "$java/keycloak-$version"
	zip=keycloak-quarkus-dist-$version.zip
	(cd "$java" && mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:2.8:copy -Dartifact=org.keycloak:keycloak-quarkus-dist:$version:zip -DoutputDirectory=.)
	printf '%s  %s\n' "$sum" "$java/$zip" | sha256sum -c --quiet
	python3 -m zipfile -e "$java/$zip" "$java"
	rm "$java/$zip"
	mv "$java/keycloak-$version" "$java/.keycloak"
	chmod +x "$java/.keycloak/bin/kc.sh"
	if ! {
		export JAVA_OPTS_APPEND=-XX:TieredStopAtLevel=1
		"$java/.keycloak/bin/kc.sh" build --db=dev-file --cache=local --health-enabled=false &&
			"$java/.keycloak/bin/kc.sh" import --optimized --file="$java/realm.json"
	} >"$java/.keycloak/set-up.log" 2>&1; then
		tail -n 20 "$java/.keycloak/set-up.log" >&2
		exit 1
	fi
	printf '%s\n' "$want" >"$java/.keycloak/.deps-stamp"
}

case ${1-} in
build | test | windows) what=$1 ;;
*)
	say "usage: deps.sh build|windows|test"
	exit 2
	;;
esac

if has apt-get && has dpkg-query; then
	packages=$build_debian
	[ "$what" = test ] && packages="$packages $test_debian"
	[ "$what" = windows ] && packages="$packages $windows_debian"
	# shellcheck disable=SC2086 # a list of names
	install_debian "$what" $packages
elif [ "$what" = build ] && [ "$(uname -s)" != Linux ]; then
	: # macOS and Windows need a C compiler only, and go says so itself
else
	check_other "$what"
fi
if [ "$what" = test ]; then
	install_npm
	install_python
	install_keycloak
fi
say "everything for '$what' is there"
