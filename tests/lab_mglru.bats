#!/usr/bin/env bats
# Backend mglru on real kernels, against guests whose accesses are known: lab/mglru.sh
# does it, here is what must come out.  Figures are printed.
bats_require_minimum_version 1.5.0
load lab.bash

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
}

# mglru <kernel> [OPTION...] -- <arg>...: what is seen is printed, and all if it fails
mglru()
{
	local kernel=$1 options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	in_lab 0 "$kernel" --timeout 400 "${options[@]}" -- \
		"$BATS_TEST_DIRNAME/lab/mglru.sh" "$@" || {
		echo "$output"
		return 1
	}
	grep -E '^    +(precision|recall|scans|leaves|.* events in)' <<<"$output" |
		sed "s/^ */# $kernel: /" >&3
}

@test "6.12: the hot set is found, losses are counted, refusals have reasons" {
	mglru 6.12 -- samples
}

@test "7.2: the hot set is found, losses are counted, refusals have reasons" {
	mglru 7.2 -- samples
}

@test "6.1 is refused: aging does not touch SPTEs there" {
	mglru 6.1 -- refuses "aging does not touch SPTEs"
}

@test "a host without the TDP MMU is refused" {
	mglru 7.2 --append kvm.tdp_mmu=0 -- refuses "TDP MMU is off"
}
