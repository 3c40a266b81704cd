#!/bin/sh
# Prints the benchmarks: medians, and ratios against a peer or a limit measured
# in the same run. Figures of one machine are not those of another, so the
# machine is named first.
set -eu
out=$(CDPATH='' cd -- "$1" && pwd)
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
echo "== an MCP server's start on the file vault, against aws-vault's file backend"
(cd "$here/bench/awsvault" && CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o "$out/aws-vault" github.com/99designs/aws-vault/v7)
go run ./packaging/bench files --app "$out/lean/stagedoor" --peer "$out/aws-vault"
echo
echo "== between an MCP client and its server, against a bare pipe"
go run ./packaging/bench proxy --app "$out/lean/stagedoor"
echo
echo "== an entry in an MCP client's file"
go run ./packaging/bench setup --app "$out/lean/stagedoor"
echo
echo "== the audit window, a million events, software GL"
go run ./packaging/bench window --app "$out/stagedoor"
echo
echo "== inside the process"
go test -run '^$' -bench . -benchtime 0.5s -count 5 ./auth/audit ./auth/alert ./auth/provider ./auth | go run ./packaging/bench medians
