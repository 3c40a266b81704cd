#!/bin/sh
# build.sh VERSION [FOLDER]: builds both programs for Windows on x64 and their installer
# into FOLDER, out/windows if none is named.
#
# The same commit and SOURCE_DATE_EPOCH give the same bytes. With a certificate in
# $WINDOWS_P12, whose password is the first line of the file $WINDOWS_P12_PASSWORD_FILE,
# programs, installer and uninstaller are signed; with $TIMESTAMP_URL with a time, too.
set -eu
cd "$(dirname -- "$0")/../../.."

version=$1
here=$PWD/packaging/packages/windows

sign() {
	[ -n "${WINDOWS_P12:-}" ] || return 0
	osslsigncode sign -pkcs12 "$WINDOWS_P12" -readpass "$WINDOWS_P12_PASSWORD_FILE" -h sha256 \
		-n Stagedoor -i https://github.com/stagedoor-app/stagedoor ${TIMESTAMP_URL:+-ts "$TIMESTAMP_URL"} \
		-in "$1" -out "$1.signed" >/dev/null
	mv -- "$1.signed" "$1"
}
# The installer's compiler has its uninstaller signed by this script.
if [ "$version" = --sign ]; then
	sign "$2"
	exit
fi

out=$(mkdir -p -- "${2:-out/windows}" && cd -- "${2:-out/windows}" && pwd)
trap 'rm -f rsrc_windows_amd64.syso' EXIT
(cd packaging/packages && go tool go-winres make --in windows/resources.json --arch amd64 --out ../../rsrc \
	--file-version "$version" --product-version "$version")
GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go build -tags lean -trimpath -ldflags='-s -w' -o "$out/stagedoor.exe" .
GOOS=windows GOARCH=amd64 CGO_ENABLED=1 CC=x86_64-w64-mingw32-gcc \
	go build -trimpath -ldflags='-s -w -H=windowsgui' -o "$out/stagedoor-window.exe" .
sign "$out/stagedoor.exe"
sign "$out/stagedoor-window.exe"

setup=$out/stagedoor-$version-setup.exe
makensis -V2 -WX -DVERSION="$version" -DFROM="$out" -DOUT="$setup" \
	${WINDOWS_P12:+-DSIGN="$here/build.sh"} "$here/installer.nsi"
sign "$setup"
