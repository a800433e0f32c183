#!/usr/bin/env bats
# Kinds of secondary MMU that the lab has, each held against its model.
bats_require_minimum_version 1.5.0
load lab.bash

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
}

# agrees <kernel> <scenario>: its shadow MMU decides as its model does
agrees()
{
	local scenario=$BATS_TEST_DIRNAME/../scripts/lab/scenarios/$2.scn made

	lab_kernel "$1"
	read -ra made < <(sed -n 's/^# trace: kage //p' "$scenario")
	"$KAGE" "${made[@]}" -o t.kgt
	run -0 "$LAB" run --kernel "$1" --mmu shadow --scenario "$scenario" --trace t.kgt -o k.json
	[ "$(jq -r '.details.settings["sys/module/kvm/parameters/tdp_mmu"]' k.json)" = N ]
	run -0 "$KAGE" validate k.json --trace t.kgt --scenario "$scenario" --mmu shadow \
		--tolerance 0.2% --min-jaccard 0.99 --min-tau 0.95 --max-misplaced 1%
}

@test "shadow MMU of 6.12: reclaim beside a hot set, pages that come back" {
	agrees 6.12 phase
}

@test "shadow MMU of 6.1: a limit below the hot set, and pages that come back read-only" {
	agrees 6.1 hot-thrashes
}
