#!/bin/sh
# Installs Stagedoor: ./install.sh [--prefix FOLDER]. The folder is /usr/local for root
# and ~/.local for anybody else. uninstall.sh, also in FOLDER/share/stagedoor, takes it
# out again.
set -eu

fail() { printf 'install: %s\n' "$*" >&2; exit 1; }

prefix=${HOME:-}/.local
[ "$(id -u)" != 0 ] || prefix=/usr/local
case ${1-} in
'') ;;
--prefix) prefix=${2:?which folder} ;;
*) fail "usage: ./install.sh [--prefix FOLDER]" ;;
esac
case $prefix in
*[%\\]*) fail "desktops start nothing from a folder with a % or a \\ in its name" ;;
/*) ;;
*) fail "the folder must be named from the root on: /..." ;;
esac
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
[ -d "$here/files" ] || fail "the folder 'files' is not beside this script: unpack the whole archive"
umask 022

# What was made is noted, so that nothing else is removed later: folders first, from the
# outside in.
share=$prefix/share/stagedoor
list=$share/installed
made=
before=
if [ -e "$list.files" ]; then # an update
	made="$(cat "$list.folders")
"
	before=$(cat "$list.files")
fi
make_dir() {
	[ -d "$1" ] && return 0
	make_dir "$(dirname -- "$1")"
	mkdir -- "$1"
	made="$made$1
"
}
make_dir "$share"
files=$(cd "$here/files" && find . -type f | sed 's,^\./,,' | sort)
printf '%s\n' "$files" | while IFS= read -r file; do
	printf '%s\n' "$prefix/$file"
done >"$list.files"
while IFS= read -r file; do
	make_dir "$(dirname -- "$prefix/$file")"
	# A program that runs keeps its file, and the new one gets the name.
	cp -- "$here/files/$file" "$prefix/$file.new"
	mv -f -- "$prefix/$file.new" "$prefix/$file"
done <<EOF
$files
EOF
cp -- "$here/uninstall.sh" "$share/uninstall.sh"
printf '%s\n' "$before" | while IFS= read -r file; do
	[ -z "$file" ] || grep -qxF -e "$file" "$list.files" || rm -f -- "$file"
done
printf '%s' "$made" >"$list.folders"

# A desktop may not look for programs in this folder, so its entry names the file.
entry=$prefix/share/applications/app.stagedoor.Stagedoor.desktop
program=$prefix/bin/stagedoor
for_sed() { sed 's/[&|\\]/\\&/g'; }
quoted=$(printf '%s' "$program" | sed 's/["`$]/\\\\&/g' | for_sed)
sed -e "s|^Exec=stagedoor|Exec=\"$quoted\"|" -e "s|^TryExec=stagedoor|TryExec=$(printf '%s' "$program" | for_sed)|" "$entry" >"$entry.new"
mv -f -- "$entry.new" "$entry"

printf 'installed in %s; %s takes it out again\n' "$prefix" "$share/uninstall.sh"
case :$PATH: in
*":$prefix/bin:"*) ;;
*) printf 'put %s into your PATH to call it: stagedoor --help\n' "$prefix/bin" ;;
esac
