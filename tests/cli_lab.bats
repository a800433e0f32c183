#!/usr/bin/env bats
# kage lab is scripts/kage-lab, wherever kage was built or installed; and what
# kage-lab refuses before it boots anything.
bats_require_minimum_version 1.5.0

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
	LAB=$BATS_TEST_DIRNAME/../scripts/kage-lab
	BUILD=$(dirname "$KAGE")
}

@test "all words go to the script, its output and exit code come back" {
	run -0 "$LAB" --help
	expected=$output
	run -0 "$KAGE" lab --help
	[ "$output" = "$expected" ]
	run -0 "$KAGE" lab list
	[[ "$output" == *"6.12"*"idle"* ]]
	run -2 --separate-stderr "$KAGE" lab run --kernel 'no such' -o out -- true
	[ -z "$output" ]
	[[ "$stderr" == *"no kernel no such"* ]]
	run -2 "$KAGE" lab
}

@test "without the script it says where it looked" {
	mkdir bin
	cp "$KAGE" bin/kage
	run -4 --separate-stderr bin/kage lab list
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ "$stderr" == "kage: "*"$PWD/bin/../scripts/kage-lab"*"$PWD/bin/../share/kage/scripts/kage-lab"* ]]
}

@test "an installed kage has the lab with it" {
	cmake --install "$BUILD" --prefix "$PWD/usr" >log
	run -0 usr/bin/kage lab list
	[[ "$output" == *"6.12"*"idle"* ]]
	[ -x usr/share/kage/scripts/lab/scenarios/make_trace ]
}

# refused <code> <text> [ARG...]: of run, before anything is booted
refused()
{
	local code=$1 text=$2
	shift 2
	run -"$code" --separate-stderr "$LAB" run --kernel mine "$@"
	[ -z "$output" ]
	[[ "$stderr" == *"$text"* ]]
	[ ! -e out ] && [ ! -e o.json ]
}

@test "what cannot be played is refused before a boot" {
	for program in qemu-system-x86_64 busybox cpio modprobe jq; do
		PATH=$PATH:/usr/sbin:/sbin command -v $program >/dev/null || skip "no $program"
	done
	# as much of a kernel as its name: a header that says where it is
	head -c 526 /dev/zero >mine && printf '\1\0' >>mine && head -c 1000 /dev/zero >>mine
	printf '# trace: kage trace synth loop -n 1K --epoch 1ms\npopulate\nsnapshot a\n' >a.scn
	echo populate >b.scn
	: >t.kgt
	refused 2 "no mods/lib/modules/: --modules" -o out --modules mods --scenario a.scn
	refused 2 "needs --kernel, -o, and --scenario or -- SCRIPT" -o out
	refused 2 "--trace needs --scenario" -o out --trace t.kgt -- true
	refused 2 "not both" -o out --scenario a.scn -- true
	refused 2 "1 --trace for 2 --scenario" -o out --trace t.kgt --scenario a.scn --scenario b.scn
	refused 2 "no file c.scn" -o out --scenario c.scn
	refused 2 "2 scenarios need -o FOLDER, not o.json" -o o.json --scenario a.scn --scenario b.scn
	refused 2 "--scenario needs a kage" -o out --kage none --scenario a.scn
	refused 2 "no --mmu huge" -o out --mmu huge --scenario a.scn
	refused 125 "--mmu nested: " -o out --mmu nested --scenario a.scn
}

@test "the table has counters, what was counted between snapshots, and says what is missing" {
	command -v jq >/dev/null || skip "jq is not installed (apt-get install jq)"
	cat >k.json <<-'END'
	{"kage_scenario_results": 1, "kernel": "6.12.1-x", "scenario": "s.scn", "snapshots": [
	 {"name": "a", "counters": {"pgscan": 1000000, "pgsteal": 30, "pgrefill": 0}},
	 {"name": "b", "counters": {"pgscan": 1000150, "pgsteal": 130, "pgrefill": 7}}],
	 "details": {"lab": {"kernel": "/some/bzImage", "release": "6.12.1-x", "version": "1-2",
	  "mmu": "shadow", "accel": "tcg", "qemu": "QEMU emulator version 7.2 (Debian)"}}}
	END
	echo '{"outcome": "exit"}' >lab.json
	table=$BATS_TEST_DIRNAME/../scripts/lab/table
	run -0 "$table" lab.json k.json
	[ "${lines[2]}" = "| s | bzImage | 1,000,150 | 130 | 7693.46 | 7 | - | - | - | - | - |" ]
	[ "${lines[3]}" = "- 6.12.1-x (package 1-2), MMU shadow, tcg, QEMU emulator version 7.2" ]
	run -0 "$table" --steps k.json
	[ "${lines[3]}" = "| s | b | bzImage | 150 | 100 | 1.50 | 7 | - | - | - | - | - |" ]
	echo '{}' >other.json
	run ! "$table" other.json
	[[ "$output" == *"not a result of kage live"* ]]
}
