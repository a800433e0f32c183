#!/usr/bin/env bats
# The page-idle backend on a kernel that has idle page tracking, with a guest whose
# accesses are known, under nested paging with real accessed bits.
bats_require_minimum_version 1.5.0
load lab.bash

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
}

# capture_script: capture.sh PAGES PROGRAM-PARAMS GUEST-OPTIONS RECORD-PARAMS
capture_script()
{
	cat >capture.sh <<-'END'
	#!/bin/sh
	set -e
	kage probe page-idle
	kage guest hotcold --pages "$1" --params "$2" $3 --describe guest.json &
	until [ -s guest.json ]; do sleep 0.2; done
	pid=$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' guest.json)
	echo 1 >/proc/sys/vm/drop_caches # what is in per-CPU batches goes to the LRU
	kage record -b page-idle -o idle.kgt --pid "$pid" --slots guest.json \
		--epoch 2s --epochs 6 --params "$4"
	kage trace info idle.kgt
	# up to 31 pages per CPU may sit in batches off the LRU, where they cannot be marked
	kage trace truth idle.kgt guest.json --skip 1 --min-precision 0.95 --min-recall 0.96
	END
}

@test "page-idle: a scattered hot set is found page by page" {
	capture_script
	in_lab 0 idle -- capture.sh 8000 hot=250,scatter=1 --pace=50ms threads=1
	echo "# page-idle, 4K: $(grep -E '^(precision|recall)' <<<"$output" | tr -s ' \n' ' ')" >&3
	[[ "$output" == *"accessed (which pages were written is not known)"* ]]
	[[ "$output" == *"false dirty  0"* ]]
}

@test "page-idle: several threads find the same, and a hot set that is only read" {
	capture_script
	in_lab 0 idle --cpus 2 -- capture.sh 8000 hot=250,hot_access=read --pace=50ms threads=3
	echo "# page-idle, read: $(grep -E '^(precision|recall)' <<<"$output" | tr -s ' \n' ' ')" >&3
	[[ "$output" == *"false dirty  0"* ]]
}
