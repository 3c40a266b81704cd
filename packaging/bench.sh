#!/bin/sh
# Prints the benchmarks: medians, and ratios against a peer or a limit measured
# in the same run. Figures of one machine are not those of another, so the
# machine is named first.
set -eu
out=$1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
"$here/deps.sh" test
echo "machine: $(uname -sm), $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(go version | cut -d' ' -f3)"
echo
echo "== the tray, idle in the virtual desktop"
go run ./packaging/bench tray --app "$out/lean/stagedoor"
echo
echo "== a fresh token as a whole process, against secret-tool lookup of the same item"
go run ./packaging/bench token --app "$out/lean/stagedoor"
echo
echo "== the audit window, a million events, software GL"
go run ./packaging/bench window --app "$out/stagedoor"
echo
echo "== inside the process"
go test -run '^$' -bench . -benchtime 0.5s -count 5 ./auth/audit ./auth/alert | go run ./packaging/bench medians
