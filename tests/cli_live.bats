#!/usr/bin/env bats
# kage live on a machine that cannot do it: every reason is told, nothing is left behind.
# What it does on a machine that can, lab_live.bats tests.
bats_require_minimum_version 1.5.0

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
	"$KAGE" trace synth hotcold --pages 256 -n 4K --epoch 100us -o t.kgt
	printf 'populate\nepochs 1\nsnapshot end\n' >t.scn
}

@test "live says all that is missing here, with exit code 4, or runs" {
	if "$KAGE" live --check 2>why; then
		"$KAGE" live t.kgt --scenario t.scn -o out.json 3>&- & # its cgroup has its number
		live=$!
		wait $live
		[ -s out.json ]
		[ -z "$(find /sys/fs/cgroup -name "kage-live-$live")" ]
	else
		run -4 --separate-stderr "$KAGE" live t.kgt --scenario t.scn -o out.json
		[ "$stderr" = "$(cat why)" ]
		[ ! -e out.json ]
		[[ "$stderr" =~ (cgroup|MGLRU|swap|/dev/kvm|tracefs|debugfs) ]]
	fi
}

@test "live names a scenario that does not fit, before it looks at the host" {
	printf 'populate\nepochs 1000\n' >long.scn
	run -3 --separate-stderr "$KAGE" live t.kgt --scenario long.scn -o out.json
	[[ "$stderr" == *"long.scn:2"* ]]
	printf 'dance\n' >odd.scn
	run -3 --separate-stderr "$KAGE" live t.kgt --scenario odd.scn -o out.json
	[[ "$stderr" == *"odd.scn:1"* ]]
	run -3 "$KAGE" live absent.kgt --scenario t.scn -o out.json
}

@test "live refuses wrong usage" {
	run -2 --separate-stderr "$KAGE" live t.kgt -o out.json
	[[ "$stderr" == *"--scenario"* ]]
	run -2 "$KAGE" live --scenario t.scn -o out.json
	run -2 "$KAGE" live t.kgt --scenario t.scn -o out.json --backing paper
}
