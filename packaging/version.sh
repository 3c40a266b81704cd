#!/bin/sh
# Prints the release, and fails if what names it does not agree: app/version.go,
# FyneApp.toml, CHANGELOG.md, and the tag if this commit has one.
set -eu
cd "$(dirname -- "$0")/.."

fail() { printf 'version: %s\n' "$*" >&2; exit 1; }

release=$(sed -n 's/^const release = "\(.*\)"$/\1/p' app/version.go)
[ -n "$release" ] || fail "app/version.go names no release"
fyne=$(sed -n 's/^Version = "\(.*\)"$/\1/p' FyneApp.toml)
[ "$fyne" = "$release" ] || fail "app/version.go says $release, and FyneApp.toml $fyne"
newest=$(sed -n 's/^## \[\([0-9][^]]*\)\].*/\1/p' CHANGELOG.md | head -n 1)
case $newest in
'' | "$release") ;;
*) grep -q '^## \[Unreleased\]' CHANGELOG.md || fail "app/version.go says $release, and CHANGELOG.md $newest" ;;
esac
for tag in $(git tag --points-at HEAD 'v*' 2>/dev/null); do
	[ "$tag" = "v$release" ] || fail "app/version.go says $release, and the tag $tag"
	[ "$newest" = "$release" ] || fail "the tag is $tag, and CHANGELOG.md has no section [$release]"
done
printf '%s\n' "$release"
