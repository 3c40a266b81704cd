#!/bin/sh
# Looks for known vulnerabilities in what the program calls. The database is on
# the network; on a closed one this says so and lets the check pass, because the
# hosted workflow has run it.
set -u
out=$($1 ./... 2>&1)
status=$?
printf '%s\n' "$out"
case $status,$out in
0,*) ;;
*"govulncheck: fetching vulnerabilities"*)
	echo "NOT CHECKED for known vulnerabilities: govulncheck's database cannot be reached from here. The hosted workflow checks."
	exit 0
	;;
esac
exit $status
