#!/usr/bin/env bats
# kage record with the two dirty-log backends on /dev/kvm, held against what the
# guest program is known to write.
bats_require_minimum_version 1.5.0

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
	"$KAGE" probe | grep -q '^dirty-ring: usable' ||
		skip "/dev/kvm has no dirty ring here (kage probe says why)"
}

# judge <backend> <program> <parameters>: five rounds, each an epoch, are exact
judge()
{
	"$KAGE" guest "$2" --pages 512 --rounds 6 --truth 6 --params "$3" --describe truth.json 2>/dev/null
	"$KAGE" record -b "$1" -o trace.kgt --params pages=512,sync=round,rounds=5 -- "$2" "$3" 2>/dev/null
	"$KAGE" trace truth trace.kgt truth.json --by-round --json >score.json
	echo "# $1, $2: $(tr -d ' \n' <score.json)" >&3
	[ "$(jq_field epochs)" = 5 ]
	[ "$(jq_field recorded)" -gt 100 ]
	[ "$(grep -c '1.0' score.json)" -eq 4 ] # both medians, both leasts
	[ "$(jq_field false_dirty)" = 0 ]
}

# jq_field <name>: of score.json
jq_field()
{
	sed -n "s/^ *\"$1\": \([0-9]*\),\{0,1\}$/\1/p" score.json
}

@test "each program's writes are recorded exactly, by ring and by log" {
	for backend in dirty-ring dirty-log; do
		judge $backend hotcold cold=100,cold_access=write
		judge $backend scan access=write
		judge $backend zipf writes=300
		judge $backend chase writes=200
	done
}

@test "a program that only reads gives empty epochs and a warning with the cause" {
	run -0 --separate-stderr "$KAGE" record -b dirty-ring -o r.kgt --epoch 20ms --epochs 5 \
		--params pages=128 -- hotcold hot_access=read
	[ -z "$output" ]
	[[ "$stderr" == *"every epoch is empty: the program only reads"* ]]
	run -0 "$KAGE" trace info r.kgt
	[[ "$output" == *"dirty (what was only read is not known)"* ]]
}

@test "a ring smaller than what is written holds the guest and loses nothing" {
	"$KAGE" guest scan --pages 2000 --rounds 4 --truth 4 --params part=1000,access=write --describe truth.json
	run -0 --separate-stderr "$KAGE" record -b dirty-ring -o w.kgt \
		--params pages=2000,ring=256,sync=round,rounds=3 -- scan part=1000,access=write
	[[ "$stderr" == *"lost      0 events"* ]]
	run -0 "$KAGE" trace truth w.kgt truth.json --by-round --min-recall 1 --min-precision 1
	run -0 "$KAGE" trace dump w.kgt
	[[ "$output" =~ "a full ring held a vCPU "([0-9]+)" times" ]]
	[ "${BASH_REMATCH[1]}" -gt 0 ]
}

# epochs_of <file>
epochs_of()
{
	"$KAGE" trace info --json "$1" | sed -n 's/.*"epochs": \([0-9][0-9]*\).*/\1/p' | head -1
}

# until_written <epochs> <file>: wait until that many could be recovered, if now it ended
until_written()
{
	local epochs
	for _ in $(seq 600); do
		rm -f copy.kgt copy.kgt.part
		epochs=$(cp "$2.part" copy.kgt.part && "$KAGE" trace recover copy.kgt.part >&2 && epochs_of copy.kgt) 2>/dev/null || true
		[ "${epochs:-0}" -ge "$1" ] && return
		sleep 0.1
	done
	echo "no $1 epochs in a minute"
	return 1
}

@test "an interrupt finishes the trace with exit code 130" {
	"$KAGE" record -b dirty-ring -o i.kgt --epoch 20ms --params pages=128 -- zipf 2>messages &
	recorder=$!
	until_written 1 i.kgt
	kill -INT "$recorder"
	code=0
	wait "$recorder" || code=$?
	[ "$code" -eq 130 ]
	run -0 "$KAGE" trace check i.kgt
	grep -q "interrupted; i.kgt is complete up to then" messages
}

@test "after SIGKILL the trace is readable up to the last epochs" {
	"$KAGE" record -b dirty-log -o k.kgt --epoch 20ms --params pages=128 -- zipf 2>messages &
	recorder=$!
	until_written 21 k.kgt
	kill -KILL "$recorder"
	wait "$recorder" || true
	run -0 "$KAGE" trace recover k.kgt.part
	[ "$(epochs_of k.kgt)" -gt 20 ]
}

@test "words that do not fit are refused before anything runs" {
	run -2 --separate-stderr "$KAGE" record -b dirty-ring -o x.kgt
	[[ "$stderr" == *"needs a command line after --"* ]]
	run -2 --separate-stderr "$KAGE" record -b dirty-ring -o x.kgt -- nothing
	[[ "$stderr" == *"hotcold"* ]]
	run -2 --separate-stderr "$KAGE" record -b dirty-ring -o x.kgt -- zipf a=b
	run -2 --separate-stderr "$KAGE" record -b dirty-ring -o x.kgt -- zipf draws=1 more
	run -2 --separate-stderr "$KAGE" record -b dirty-ring -o x.kgt --pid 1 -- zipf
	[[ "$stderr" == *"starts its own guest"* ]]
	run -2 --separate-stderr "$KAGE" record -b dirty-ring -o x.kgt --params ring=300 -- zipf
	[ -z "$(ls x.kgt* 2>/dev/null)" ]
}

@test "an interrupt is heard while the guest still fills its memory" {
	"$KAGE" record -b dirty-ring -o i.kgt --params pages=4000000 -- hotcold 2>messages 3>&- &
	recorder=$!
	for _ in $(seq 600); do
		[ -e i.kgt.part ] && break
		sleep 0.1
	done
	sleep 0.5
	kill -INT "$recorder"
	code=0
	wait "$recorder" || code=$?
	cat messages
	[ "$code" -eq 130 ]
	[ "$(cat messages)" = "kage: interrupted before the capture began" ]
	[ ! -e i.kgt.part ]
}

@test "a reader that goes away ends a capture to standard output with a message" {
	set +o pipefail
	{ code=0; "$KAGE" record -b dirty-ring -o - --epoch 5ms --duration 20s -- zipf 2>messages || code=$?; echo "$code" >code; } | head -c 1 >/dev/null
	[ "$(cat code)" -eq 4 ]
	[[ "$(cat messages)" == *"cannot write: Broken pipe" ]]
}

@test "pages that the guest does not have are refused, and no octal is understood" {
	run -2 "$KAGE" record -b dirty-ring -o p.kgt --pages 0-15 --epochs 1 -- hotcold
	[[ "$output" == *"--pages: the guest has no memory there" ]]
	for pages in 5 "5- 6" 0x5-0x4 -1-5 0x-0x5 "5-6 " 0-1099511627776; do
		run -2 "$KAGE" record -b dirty-ring -o p.kgt --pages "$pages" --epochs 1 -- hotcold
		[ "$output" = "kage: --pages: '$pages' is not GFN-GFN" ]
	done
	run -0 "$KAGE" record -b dirty-ring -o p.kgt --pages 0001048576-0x10000f --epoch 20ms --epochs 2 -- hotcold
	[ -e p.kgt ] && [ ! -e p.kgt.part ]
}

@test "no file gets the number of a closed standard stream" {
	"$KAGE" record -b dirty-ring -o e.kgt --duration 2s -- hotcold <&- 2>&- 3>&- &
	recorder=$!
	for _ in $(seq 600); do
		[ -e e.kgt.part ] && break
		sleep 0.1
	done
	[ "$(readlink "/proc/$recorder/fd/0")" = /dev/null ]
	[ "$(readlink "/proc/$recorder/fd/2")" = /dev/null ]
	wait "$recorder"
	run -0 "$KAGE" trace info e.kgt
}

@test "a capture that misses its goal gives exit code 1 and one message" {
	"$KAGE" guest hotcold --pages 128 --rounds 2 --describe truth.json
	"$KAGE" record -b dirty-ring -o g.kgt --epoch 50ms --epochs 2 --params pages=128 -- hotcold hot_access=read 2>/dev/null
	run -1 --separate-stderr "$KAGE" trace truth g.kgt truth.json --min-recall 0.9
	[ "$stderr" = "kage: recall 0.0000 is below 0.9" ]
}

# capabilities_while_recording <file>: of all threads, without repetition
capabilities_while_recording()
{
	"$KAGE" record -b dirty-ring -o "$1" --duration 2s -- hotcold 2>/dev/null 3>&- &
	recorder=$!
	for _ in $(seq 600); do
		[ "$(ls "/proc/$recorder/task" | wc -l)" -gt 1 ] && break
		sleep 0.1
	done
	cat /proc/"$recorder"/task/*/status | grep -E '^(CapPrm|CapEff|NoNewPrivs)' | sort -u | tr -d '\t\n'
	wait "$recorder"
}

@test "no thread keeps a privilege, but to write into the folder of somebody else" {
	[ "$(id -u)" = 0 ] || skip "not root: there are no privileges"
	none=0000000000000000
	run -0 capabilities_while_recording q.kgt
	[ "$output" = "CapEff:${none}CapPrm:${none}NoNewPrivs:1" ]
	mkdir theirs
	chown nobody theirs
	run -0 capabilities_while_recording theirs/q.kgt
	dac_override=0000000000000002
	[ "$output" = "CapEff:${dac_override}CapPrm:${dac_override}NoNewPrivs:1" ]
	[ "$(stat -c %a theirs/q.kgt)" = 600 ]
}

@test "a full disk leaves what was written, one message and exit code 4" {
	mkdir tiny
	mount -t tmpfs -o size=32k tmpfs tiny 2>/dev/null || skip "cannot mount a tmpfs"
	code=0
	"$KAGE" record -b dirty-ring -o tiny/f.kgt --epoch 5ms --duration 60s \
		--params pages=20000 -- zipf draws=20000 2>messages || code=$?
	run "$KAGE" trace info tiny/f.kgt.part
	umount tiny
	[ "$code" -eq 4 ]
	[ "$(cat messages)" = "kage: tiny/f.kgt.part: cannot write: No space left on device;\
 kage trace recover finishes tiny/f.kgt.part, once there is room" ]
	[[ "$output" == *"unfinished"*"dirty-ring"* ]]
}
