#!/usr/bin/env bats
# Models against kernels on pairs of a trace and a scenario that nobody has chosen.
# Three of them, always the same, to be quick; doc/fidelity.md has more.
bats_require_minimum_version 1.5.0
load lab.bash

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
	command -v jq >/dev/null || skip "jq is not installed (apt-get install jq)"
}

# make_pairs <seed> <folder> [<count>]
make_pairs()
{
	KAGE=$KAGE "$BATS_TEST_DIRNAME/../scripts/lab/random" --seed "$1" --count "${3:-3}" "$2"
}

@test "a seed says which pairs, and each of them plays" {
	run -0 make_pairs 7 a
	[ "$output" = "seed 7" ]
	run -0 make_pairs 7 b
	diff -r a b
	run -0 make_pairs 8 c
	run -1 diff -rq a c
	run -0 make_pairs 90210 d 5 # d/pair5.scn repeats when no epochs are left to play
	for pair in a/*.scn c/*.scn d/pair5.scn; do
		run -0 "$KAGE" replay "${pair%.scn}.kgt" --driver "script:$pair" -p linux-6.12 \
			--snapshots out.json
	done
}

@test "6.12: random pairs" {
	lab_kernel 6.12
	run -0 make_pairs 20261121 pairs
	options=()
	for pair in pairs/*.scn; do
		options+=(--scenario "$pair" --trace "${pair%.scn}.kgt")
	done
	run -0 "$LAB" run --kernel 6.12 "${options[@]}" -o out
	run -0 "$KAGE" validate out/pair1.json out/pair2.json out/pair3.json \
		--trace pairs --scenario pairs \
		--tolerance 0.2% --min-jaccard 0.99 --min-tau 0.95 --max-misplaced 1%
	# and what another kernel's model does is not the same
	run -1 "$KAGE" validate out/pair1.json out/pair2.json out/pair3.json \
		--trace pairs --scenario pairs --kernel-model 7.2 -p linux-7.2 \
		--tolerance 0.2% --min-jaccard 0.99 --min-tau 0.95 --max-misplaced 1%
}
