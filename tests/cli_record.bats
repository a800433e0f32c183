#!/usr/bin/env bats
# kage probe and kage record from outside: what they say, which exit codes they
# end with, and what is left on disk.  KAGE comes from ctest.
bats_require_minimum_version 1.5.0

setup()
{
	GUESTS=$(dirname "$KAGE")/capture/tcg
	cd "$BATS_TEST_TMPDIR" || return 1
	command -v qemu-system-x86_64 >/dev/null ||
		skip "qemu-system-x86_64 is not installed (apt-get install qemu-system-x86)"
}

teardown()
{
	if [ -n "${recorder:-}" ]; then
		kill -KILL "$recorder" 2>/dev/null || true # QEMU follows
	fi
}

# start_loop: record a guest that never ends, in the background, up to its first
# records on disk.
start_loop()
{
	"$KAGE" record -b tcg -o loop.kgt --params span=marked,fold=100us -- \
		qemu-system-x86_64 -m 64M -nodefaults -display none \
		-kernel "$GUESTS/loop.elf" 2>messages 3>&- &
	recorder=$!
	for _ in $(seq 600); do
		[ "$(stat -c %s loop.kgt.part 2>/dev/null || echo 0)" -gt 4096 ] && return
		sleep 0.1
	done
	cat messages
	return 1
}

# runs <pid>: it exists and is no zombie, whose command line is empty
runs()
{
	[ -n "$(tr -d '\0' <"/proc/$1/cmdline")" ] 2>/dev/null
}

# ends_with <code>: the recorder ends with it
ends_with()
{
	local code=0
	wait "$recorder" || code=$?
	[ "$code" -eq "$1" ] || { echo "exit code $code"; cat messages; return 1; }
}

@test "probe names QEMU's version and what the backend was verified on" {
	run -0 "$KAGE" probe tcg
	[[ "$output" == *"tcg: usable, QEMU "* ]]
	[[ "$output" == *"verified: QEMU"* ]]
}

@test "probe --json says that tcg is usable" {
	run -0 "$KAGE" probe --json tcg
	[[ "$output" == *'"backend": "tcg"'*'"usable": true'* ]]
}

@test "probe without QEMU gives the reason, the fix and exit code 4" {
	run -4 env PATH=/nowhere "$KAGE" probe tcg
	[[ "$output" == *"because:"*"cannot run qemu-system-x86_64"* ]]
	[[ "$output" == *"fix:      apt-get install qemu-system-x86"* ]]
	run -4 env PATH=/nowhere "$KAGE" probe --json tcg
	[[ "$output" == *'"usable": false'*'"fix": "apt-get install'* ]]
}

@test "record refuses options it cannot use, and names the backends" {
	run -2 "$KAGE" record -b nothing -o a.kgt -- true
	[[ "$output" == *"no backend 'nothing'; there are: "*" tcg"* ]]
	run -2 "$KAGE" record -b tcg -o a.kgt
	run -2 "$KAGE" record -b tcg -o a.kgt --params nothing=1 -- true
	run -2 "$KAGE" record -b tcg -o a.kgt --ns-per-insn 0 -- true
}

@test "record refuses times without a unit, and epochs that a stream never has" {
	run -2 "$KAGE" record -b tcg -o a.kgt --epoch 2 -- true
	[[ "$output" == *"--epoch: 2 ns is too short; a time without a unit is in ns"* ]]
	run -2 "$KAGE" record -b tcg -o a.kgt --duration 5 -- true
	[[ "$output" == *"--duration: 5 ns is too short"* ]]
	run -2 "$KAGE" record -b tcg -o a.kgt --epochs 5 -- true
	[[ "$output" == *"--epochs: tcg records a stream without --epoch; --duration ends it"* ]]
}

@test "what does not work here is said before a memory map is asked for" {
	[[ "$("$KAGE" probe page-idle)" == *"not here"* ]] || skip "page-idle works here"
	run -4 "$KAGE" record -b page-idle -o a.kgt --pid $$
	[[ "$output" == *"page-idle does not work here: "*"(what helps: "* ]]
}

@test "qemu-dirty-ring refuses sockets that lead nowhere, and what QEMU cannot measure" {
	run -2 "$KAGE" record -b qemu-dirty-ring -o a.kgt
	[[ "$output" == *"--qmp SOCKET is needed"* ]]
	run -2 "$KAGE" record -b qemu-dirty-ring -o a.kgt --qmp absent -- true
	run -3 "$KAGE" record -b qemu-dirty-ring -o a.kgt --qmp absent
	[[ "$output" == *"--qmp: absent: No such file or directory"* ]]
	touch file
	run -4 "$KAGE" record -b qemu-dirty-ring -o a.kgt --qmp file
	[[ "$output" == *"--qmp: file: Connection refused"* ]]
	rm file
	[ -z "$(ls)" ]
}

@test "qemu-dirty-ring says which epochs QEMU can measure" {
	[ -w /dev/kvm ] || skip "/dev/kvm cannot be used"
	qemu-system-x86_64 -accel kvm,dirty-ring-size=4096 -S -display none \
		-qmp unix:qmp,server=on,wait=off 3>&- &
	recorder=$!
	for _ in $(seq 600); do
		[ -S qmp ] && break
		sleep 0.1
	done
	run -2 "$KAGE" record -b qemu-dirty-ring -o a.kgt --qmp qmp --epoch 1ms
	[[ "$output" == *"--epoch: QEMU measures 50 ms to 60 s"* ]]
	run -2 "$KAGE" record -b qemu-dirty-ring -o a.kgt --qmp qmp --epoch 2min
	[ ! -e a.kgt ]
}

@test "record refuses what the backend would ignore" {
	run -2 --separate-stderr "$KAGE" record -b tcg -o x.kgt -e cycles -- qemu-system-x86_64
	[[ "$stderr" == *"tcg takes no --event"* ]]
	run -2 --separate-stderr "$KAGE" record -b dirty-log -o x.kgt --ns-per-insn 1 -- zipf
	[[ "$stderr" == *"--ns-per-insn is not for it"* ]]
	echo '{"system": "mine"}' >about.json
	run -3 --separate-stderr "$KAGE" record -b tcg -o x.kgt --about about.json -- qemu-system-x86_64
	[[ "$stderr" == *"is the capture's to say"* ]]
}

@test "record refuses a description that is not a JSON object" {
	echo "[1]" >list.json
	run -3 "$KAGE" record -b tcg -o a.kgt --about list.json -- true
	[[ "$output" == *"list.json: not a JSON object"* ]]
	run -3 "$KAGE" record -b tcg -o a.kgt --about absent.json -- true
}

@test "record leaves no file when QEMU refuses its command line" {
	run -4 "$KAGE" record -b tcg -o a.kgt -- qemu-system-x86_64 -no-such-option
	[[ "$output" == *"qemu-system-x86_64 ended before the guest ran"* ]]
	[ -z "$(ls)" ]
}

@test "record leaves no file when the guest never starts the measured part" {
	run -4 "$KAGE" record -b tcg -o a.kgt --params span=marked -- \
		qemu-system-x86_64 -m 64M -nodefaults -display none \
		-device isa-debug-exit,iobase=0xf4 -kernel "$GUESTS/unmarked.elf"
	[[ "$output" == *"never executed the start mark"* ]]
	[ -z "$(ls)" ]
}

@test "a QEMU that is killed leaves a whole trace, a message and exit code 5" {
	start_loop
	kill -KILL $(cat "/proc/$recorder/task/$recorder/children")
	ends_with 5
	grep "QEMU was killed by signal 9: the trace is finished" messages
	"$KAGE" trace check loop.kgt
}

@test "QEMU ends by itself when kage is killed, and the trace can be recovered" {
	start_loop
	qemu=$(cat "/proc/$recorder/task/$recorder/children")
	kill -KILL "$recorder"
	ends_with 137
	for _ in $(seq 600); do
		runs "${qemu% }" || break
		sleep 0.1
	done
	run ! runs "${qemu% }"
	"$KAGE" trace recover loop.kgt.part
	"$KAGE" trace check loop.kgt
}

@test "an interrupt finishes the trace with exit code 130" {
	start_loop
	kill -TERM "$recorder"
	ends_with 130
	grep "loop.kgt is complete up to then" messages
	"$KAGE" trace check loop.kgt
	[ ! -e loop.kgt.part ]
}

@test "the header says what was not seen and how accesses were folded" {
	"$KAGE" record -b tcg -o a.kgt --params span=marked,fold=1ms -- \
		qemu-system-x86_64 -m 64M -nodefaults -display none -smp 2 \
		-device isa-debug-exit,iobase=0xf4 -kernel "$GUESTS/smp.elf"
	run -0 "$KAGE" trace info --json a.kgt
	[[ "$output" == *'"dma":'*'"unseen"'* ]]
	[[ "$output" == *'"fold_ticks":'*2000000* ]]
}

@test "epochs are counted from the mark that starts the capture" {
	run -0 --separate-stderr timeout 300 "$KAGE" record -b tcg -o m.kgt --epoch 1ms --epochs 20 --params span=marked -- \
		qemu-system-x86_64 -m 64M -nodefaults -display none -kernel "$GUESTS/loop.elf"
	run -0 "$KAGE" trace info m.kgt
	[[ "$output" == *epoch* ]]
}
