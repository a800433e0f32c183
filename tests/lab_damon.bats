#!/usr/bin/env bats
# The damon backend on kernels that have DAMON, with a guest whose accesses are known,
# under nested paging with real accessed bits; and what is left of the host's DAMON
# however the capture ends.  lab/damon.sh has the checks.
bats_require_minimum_version 1.5.0
load lab.bash

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
}

# on <kernel>: all checks hold
on()
{
	in_lab 0 "$1" --timeout 500 -- "$BATS_TEST_DIRNAME/lab/damon.sh"
	echo "# damon on $1, vaddr and paddr:" >&3
	grep -E 'of the hits|^ *(precision|recall)' <<<"$output" | sed 's/^ */#   /' >&3
	[[ $output == *"ok: SIGKILL: DAMON is as before"* ]]
	[[ $output != *"FAILED: "* ]]
}

@test "damon: 6.12 finds the hot range, and the host is left as it was" {
	on 6.12
}

@test "damon: 7.2 finds the hot range, and the host is left as it was" {
	on 7.2
}

@test "damon: 6.1 has none, and says so" {
	in_lab 0 6.1 -- kage probe
	[[ $output == *"damon: not here"*"without CONFIG_DAMON_SYSFS"* ]]
}
