#!/bin/sh
# Looks for known vulnerabilities in what the program calls. The database is on
# the network; on a closed one this says so and lets the check pass, because the
# hosted workflow has run it.
set -u
out=$($1 ./... 2>&1)
status=$?
case $out in
*"fetching vulnerabilities"* | *"dial tcp"* | *"no such host"* | *"Forbidden"* | *"forbidden"* | *"connection refused"* | *"i/o timeout"*)
	echo "govulncheck: the database cannot be reached from here; the hosted workflow checks it"
	exit 0
	;;
esac
printf '%s\n' "$out"
exit $status
