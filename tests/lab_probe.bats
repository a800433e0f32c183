#!/usr/bin/env bats
# kage probe tells the truth on every kernel of the lab: what it calls usable is what was
# seen to work there, and for the rest it gives a reason and a fix.
bats_require_minimum_version 1.5.0
load lab.bash

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
}

# probe <kernel> <usable backends in the order of backends.def>
probe()
{
	in_lab 0 "$1" -- sh -c 'kage probe; timeout 5 kage calibrate 2>calibrate.err; echo $? >calibrate.code'
	# times of an emulated CPU are no costs
	if grep -q '"accel": "tcg"' out/lab.json; then
		[ "$(cat out/calibrate.code)" -eq 4 ]
		[[ "$(cat out/calibrate.err)" == "kage: "*"QEMU TCG"* ]]
	fi
	echo "# $1: $(sed -n 's/^\([a-z-]*\): usable.*/\1/p' <<<"$output" | tr '\n' ' ')" >&3
	[ "$(sed -n 's/^\([a-z-]*\): usable.*/\1/p' <<<"$output" | sort | tr '\n' ' ')" = "$2 " ]
	reasons=$(grep -c '^  because: ' <<<"$output")
	[ "$reasons" -eq "$(grep -c ': not here' <<<"$output")" ]
	[ "$reasons" -eq "$(grep -c '^  fix:      .' <<<"$output")" ]
}

@test "6.1 has neither DAMON nor an aging that asks KVM" {
	probe 6.1 "dirty-log dirty-ring kvm-fault qemu-dirty-ring"
	[[ "$output" == *"aging does not touch SPTEs"* ]]
}

@test "6.12 and 7.2 have both" {
	probe 6.12 "damon dirty-log dirty-ring kvm-fault mglru qemu-dirty-ring"
	probe 7.2 "damon dirty-log dirty-ring kvm-fault mglru qemu-dirty-ring"
}

@test "the idle kernel has idle page tracking, too" {
	probe idle "damon dirty-log dirty-ring kvm-fault mglru page-idle qemu-dirty-ring"
}

# That kernel has both vendors' modules built in, with the parameters of each.
@test "a built-in module that the CPU cannot use does not count" {
	in_lab 0 idle -- kage probe
	[[ "$output" == *"mglru: usable, "*", npt, MGLRU"* ]]
	[[ "$output" == *"kvm_dirty_ring_push, write protection"* ]]
}
