#!/bin/sh
# Takes out what install.sh installed: ./uninstall.sh [--prefix FOLDER]. Accounts, the
# audit log and the entries of MCP clients stay.
set -eu

fail() { printf 'uninstall: %s\n' "$*" >&2; exit 1; }

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
share=$here
if [ ! -e "$share/installed.files" ]; then
	share=${HOME:-}/.local/share/stagedoor
	[ "$(id -u)" != 0 ] || share=/usr/local/share/stagedoor
fi
case ${1-} in
'') ;;
--prefix) share=${2:?which folder}/share/stagedoor ;;
*) fail "usage: ./uninstall.sh [--prefix FOLDER]" ;;
esac
list=$share/installed
[ -e "$list.files" ] || fail "$share does not say what was installed; name the folder with --prefix"

folders=$(cat "$list.folders")
while IFS= read -r file; do
	rm -f -- "$file"
done <"$list.files"
rm -f -- "$list.files" "$list.folders" "$share/uninstall.sh"
printf '%s\n' "$folders" | sort -r | while IFS= read -r folder; do
	[ -z "$folder" ] || rmdir -- "$folder" 2>/dev/null || : # something else is in it
done
echo "removed; your accounts and the audit log are where they were: 'stagedoor uninstall' before this removes them, too"
