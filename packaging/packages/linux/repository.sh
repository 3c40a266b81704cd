#!/bin/sh
# repository.sh URL KEY FOLDER PACKAGE…: makes FOLDER a signed repository for apt and dnf,
# which any web server can serve as it is at URL. KEY is a fingerprint in gpg's keyring.
# Packages that are in FOLDER already stay, so that older versions can be installed, too.
#
#   deb/   dists/stable and pool/, for apt
#   rpm/   the packages and repodata/, for dnf; its index is signed and has every package's
#          checksum, and the packages themselves are not signed
#   stagedoor.asc, stagedoor.sources, stagedoor.repo   what a user's machine gets
#
# It needs apt-ftparchive, createrepo_c and gpg.
set -eu

[ $# -ge 4 ] || { echo "usage: repository.sh URL KEY FOLDER PACKAGE…" >&2; exit 2; }
url=$1 key=$2 out=$3
shift 3
mkdir -p -- "$out/deb/pool/main/s/stagedoor" "$out/rpm"
out=$(cd -- "$out" && pwd)

gpg --batch --armor --export "$key" >"$out/stagedoor.asc"
[ -s "$out/stagedoor.asc" ] || { echo "repository.sh: gpg has no key $key" >&2; exit 1; }
for package; do
	case $package in
	*.deb) cp -- "$package" "$out/deb/pool/main/s/stagedoor/" ;;
	*.rpm) cp -- "$package" "$out/rpm/" ;;
	*) echo "repository.sh: neither a deb nor an rpm: $package" >&2; exit 1 ;;
	esac
done

cd "$out/deb"
rm -rf dists
for arch in amd64 arm64; do
	index=dists/stable/main/binary-$arch
	mkdir -p "$index"
	apt-ftparchive --arch "$arch" packages pool >"$index/Packages"
	gzip -9nk "$index/Packages"
done
release=$(mktemp)
trap 'rm -f -- "$release"' EXIT
apt-ftparchive -o APT::FTPArchive::Release::Origin=Stagedoor -o APT::FTPArchive::Release::Label=Stagedoor \
	-o APT::FTPArchive::Release::Suite=stable -o APT::FTPArchive::Release::Codename=stable \
	-o APT::FTPArchive::Release::Architectures='amd64 arm64' -o APT::FTPArchive::Release::Components=main \
	release dists/stable >"$release"
cp "$release" dists/stable/Release
gpg --batch --yes --local-user "$key" --clearsign --output dists/stable/InRelease "$release"
gpg --batch --yes --armor --local-user "$key" --detach-sign --output dists/stable/Release.gpg "$release"

rm -rf -- "$out/rpm/repodata"
createrepo_c --quiet --no-database "$out/rpm"
gpg --batch --yes --armor --local-user "$key" --detach-sign "$out/rpm/repodata/repomd.xml"

cat >"$out/stagedoor.sources" <<EOF
Types: deb
URIs: $url/deb
Suites: stable
Components: main
Signed-By: /etc/apt/keyrings/stagedoor.asc
EOF
cat >"$out/stagedoor.repo" <<EOF
[stagedoor]
name=Stagedoor
baseurl=$url/rpm
gpgkey=$url/stagedoor.asc
repo_gpgcheck=1
gpgcheck=0
EOF
