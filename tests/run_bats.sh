#!/bin/sh
# Run one bats file against $KAGE.
command -v bats >/dev/null || {
	echo "skipped: bats is not installed (apt-get install bats)"
	exit 77
}
exec bats "$1"
