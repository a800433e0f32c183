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
