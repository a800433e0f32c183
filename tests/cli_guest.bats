#!/usr/bin/env bats
# kage guest from outside: what it says, how it ends, what it leaves on disk.  KAGE
# comes from ctest.
bats_require_minimum_version 1.5.0

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
}

needs_kvm()
{
	[ -r /dev/kvm ] && [ -w /dev/kvm ] || skip "/dev/kvm cannot be opened"
}

teardown()
{
	if [ -n "${guest:-}" ]; then
		kill -KILL "$guest" 2>/dev/null || true
	fi
}

# field <file> <python expression over d>
field()
{
	python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$@"
}

# start_guest <arguments>: in the background, until it has described itself
start_guest()
{
	"$KAGE" guest "$@" --describe guest.json 2>messages 3>&- &
	guest=$!
	for _ in $(seq 1200); do
		[ -e guest.json ] && return
		sleep 0.05
	done
	cat messages
	return 1
}

@test "guest --list names programs and their parameters" {
	run -0 "$KAGE" guest --list
	[[ $output == *hotcold*hot_access=write* ]]
}

@test "guest refuses what it does not know" {
	run -2 "$KAGE" guest
	run -2 "$KAGE" guest nosuch
	[[ $output == *"no guest program 'nosuch'; there are: chase"* ]]
	run -2 "$KAGE" guest scan --params speed=1
	[[ $output == *"scan has no parameter 'speed'"* ]]
	run -2 "$KAGE" guest scan --backing tape
	run -2 "$KAGE" guest scan --rounds 0
}

@test "guest ends after its rounds" {
	needs_kvm
	run -0 "$KAGE" guest scan --pages 64 --rounds 5
	[[ $output == *"guest scan: 5 rounds"* ]]
}

@test "guest refuses more than fits" {
	needs_kvm
	run -2 "$KAGE" guest scan --vcpus 17
	run -2 "$KAGE" guest scan --pages 1 --vcpus 2
}

@test "the description is of this process, and of these pages" {
	needs_kvm
	start_guest hotcold --pages 128 --vcpus 2 --backing memfd --pace 5ms \
		--params hot=250,hot_access=read,cold=1000,cold_access=write
	[ "$(field guest.json 'd["pid"]')" = "$guest" ]
	for tid in $(field guest.json '*d["tids"]' | tr -d '(),'); do
		[ -d "/proc/$guest/task/$tid" ]
	done
	[ "$(field guest.json 'len(d["tids"])')" = 2 ]
	[ "$(field guest.json '[s["npages"] for s in d["slots"] if s["use"] == "data"]')" = "[128]" ]
	hva=$(field guest.json '"%x" % [s["hva"] for s in d["slots"] if s["use"] == "data"][0]')
	grep -q "^0*$hva-.*memfd:kage-guest" "/proc/$guest/maps"
	[ "$(field guest.json 'd["is_steady"]')" = True ]
	# Each of the two shares of 64 pages begins with its 16 hot ones.
	[ "$(field guest.json 'd["truth"][0]["written"]')" = "[[1048576, 128]]" ]
	[ "$(field guest.json 'd["truth"][1]["read"]')" = "[[1048576, 16], [1048640, 16]]" ]
	[ "$(field guest.json 'd["truth"][1]["written"]')" = "[[1048592, 48], [1048656, 48]]" ]
}

@test "signals end a guest, also in mid-round" {
	needs_kvm
	for signal in INT TERM; do
		rm -f guest.json
		start_guest zipf --pages 64 --truth 1 --params draws=1000000000
		kill -s "$signal" "$guest"
		code=0
		wait "$guest" || code=$?
		[ "$code" = 130 ]
		grep -q "guest zipf: 1 rounds" messages
	done
}

@test "a description that cannot be written ends the guest" {
	needs_kvm
	run "$KAGE" guest scan --pages 64 --describe nowhere/guest.json
	[ "$status" -ne 0 ]
	[[ $output == *nowhere/guest.json* ]]
	[ "${#lines[@]}" = 1 ]
}

@test "guest says what is missing without /dev/kvm" {
	unshare -m true 2>/dev/null || skip "not allowed to unshare -m"
	run -4 unshare -m sh -c 'mount -t tmpfs none /dev && exec "$0" guest scan' "$KAGE"
	[ "${#lines[@]}" = 1 ]
	[[ $output == *"/dev/kvm: No such file or directory"* ]]
}
