#!/usr/bin/env bats
# Backend damon from outside, as far as no kdamond is needed: what it refuses, and
# that it then has touched nothing.  KAGE comes from ctest.
bats_require_minimum_version 1.5.0

KDAMONDS=/sys/kernel/mm/damon/admin/kdamonds
MAP=0-64K@0x7f0000000000

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
	[ -e $KDAMONDS ] && before=$(show_damon)
	true
}

# nothing is ever left behind or changed
teardown()
{
	[ ! -e $KDAMONDS ] || [ "$(show_damon)" = "$before" ] || { show_damon; return 1; }
	[ -z "$(ls)" ] || { ls; return 1; }
}

# show_damon: the settings of all kdamonds
show_damon()
{
	[ ! -r $KDAMONDS/nr_kdamonds ] || grep -r . $KDAMONDS --include=nr_* --include=state \
		--include=operations --include=start --include=end --include=*_us 2>/dev/null | sort
}

is_free()
{
	[ "$(cat $KDAMONDS/nr_kdamonds 2>/dev/null)" = 0 ]
}

@test "damon: parameters that contradict each other are refused" {
	run -2 "$KAGE" record -b damon -o x.kgt --pid $$ --slots $MAP --epoch 1ms
	[[ $output == *"sample is longer than an epoch"* ]]
	run -2 "$KAGE" record -b damon -o x.kgt --pid $$ --slots $MAP \
		--params min_regions=20,max_regions=10
	[[ $output == *"min_regions is above max_regions"* ]]
	run -2 "$KAGE" record -b damon -o x.kgt --pid $$ --slots $MAP --params ops=maddr
	[[ $output == *"vaddr"*"paddr"* ]]
}

@test "damon: without process or addresses it says which words are missing" {
	"$KAGE" probe damon >/dev/null || {
		# then the reason comes first
		run -4 "$KAGE" record -b damon -o x.kgt
		[[ $output == *"damon does not work here"* ]]
		return
	}
	run -2 "$KAGE" record -b damon -o x.kgt
	run -2 "$KAGE" record -b damon -o x.kgt --pid $$
	run -2 "$KAGE" record -b damon -o x.kgt --pid $$ --slots 0-64K
}

@test "damon: no such process" {
	run -4 "$KAGE" record -b damon -o x.kgt --pid 4194304 --slots $MAP
	[ "${#lines[@]}" -eq 1 ]
}

@test "damon: a map that is not the process's has no frames" {
	[ "$(id -u)" -eq 0 ] || skip "frame numbers are for root"
	run -4 "$KAGE" record -b damon -o x.kgt --pid $$ --slots 0-64K@0x10000 --params ops=paddr
	[[ $output == *"no page of the guest has a frame"*"is the memory map right?"* ]]
}

@test "damon: somebody's kdamond is left alone" {
	[ -r $KDAMONDS/nr_kdamonds ] && ! is_free || skip "nobody uses DAMON here (or we may not look)"
	run -4 "$KAGE" record -b damon -o x.kgt --pid $$ --slots $MAP
	[[ $output == *"DAMON is in use: nr_kdamonds is"*"(fix: "* ]]
	run -0 "$KAGE" probe
	[[ $output == *"damon: not here"*"DAMON is in use"* ]]
}

@test "damon: without privileges it says what grants them" {
	[ -e $KDAMONDS ] || skip "this kernel has no DAMON in sysfs"
	[ "$(id -u)" -eq 0 ] || skip "only root can be somebody else"
	setpriv --reuid=65534 --regid=65534 --clear-groups "$KAGE" --version >/dev/null 2>&1 ||
		skip "nobody cannot execute $KAGE"
	run -4 setpriv --reuid=65534 --regid=65534 --clear-groups "$KAGE" probe damon
	[[ $output == *"damon: not here"*"nr_kdamonds may not be written"*"run kage as root"* ]]
}
