#!/usr/bin/env bats
# kage calibrate: where it is refused, and what its profiles are good for.  No figure is
# judged here: machines that run tests are busy.
bats_require_minimum_version 1.5.0

names="faults lock_read_fault lock_write_fault lock_write_unmap stale_faults refaults calls_unmap zap flushes flush_vcpu calls_aging calls_window calls_victim aging_ptes
	promoted passes retouch lock_write_young lock_handover"

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
}

need_kvm()
{
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	"$KAGE" probe dirty-ring dirty-log >/dev/null || skip "no usable /dev/kvm (kage probe dirty-log)"
}

# is_emulated: times mean nothing here (TCG cannot be told from outside of kage)
is_emulated()
{
	[ -d /sys/module/kvm_pvm ]
}

@test "calibrate refuses hosts on which times mean nothing, and writes no file" {
	is_emulated || skip "this host is not of the PVM kind"
	run -4 --separate-stderr "$KAGE" calibrate -o mine.costs
	[ -z "$output" ]
	[[ $stderr == "kage: KVM is of the PVM kind"*"--force"* ]]
	[ ! -e mine.costs ]
}

@test "calibrate refuses wrong usage" {
	for args in "--rounds 14" "--rounds 1001" "--rounds x" "--profile a/b" "operand"; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr "$KAGE" calibrate --force $args
		[ -z "$output" ]
		[[ $stderr == "kage: "* ]]
	done
}

@test "each cost has a value with its interval, or is missing with the reason" {
	need_kvm
	run -0 --separate-stderr "$KAGE" calibrate --force --profile mine -o mine.costs
	[ -z "$output" ]
	kind=measured
	if is_emulated; then
		kind=not-for-citing
		[[ $stderr == "kage: not for citing: "* ]]
	fi
	python3 - mine.costs "$kind" <<-'END'
	import csv, sys
	lines = [l for l in open(sys.argv[1]) if not l.startswith("#")]
	rows = {r["name"]: r for r in csv.DictReader(lines[3:], delimiter="\t", quoting=csv.QUOTE_NONE)}
	for r in rows.values():
	    assert "Linux " in r["source"] and "kage calibrate" in r["source"], r
	    if r["kind"] == "missing":
	        assert r["value"] == r["low"] == "-" and len(r["how"]) > 10, r
	        continue
	    if r["kind"] == "derived":
	        assert r["value"] == "0" and "which was measured with it" in r["how"], r
	        continue
	    assert r["kind"] == sys.argv[2], r
	    assert 0 < float(r["low"]) <= float(r["value"]) <= float(r["high"]), r
	    assert "15 rounds" in r["how"], r
	END
	for name in $names; do
		[ "$(grep -c "^$name	" mine.costs)" -eq 1 ]
	done
	[ "$(grep -c '	ns	' mine.costs)" -eq "$(wc -w <<<"$names")" ]
	run -0 "$KAGE" list -v --costs mine.costs
	# and runs are priced by it
	"$KAGE" trace synth hotcold --pages 600 -n 20000 -o t.kgt
	run -0 "$KAGE" replay -p none,batched -l 50% --costs mine.costs t.kgt -o r.db
	run -0 "$KAGE" report r.db
	if is_emulated && grep -q not-for-citing mine.costs; then
		[[ $output == *"costs mine (not for citing)"* ]]
	fi
}

@test "an interrupted calibration ends in order, without a file" {
	need_kvm
	"$KAGE" calibrate --force --rounds 1000 -o mine.costs 2>err 3>&- &
	pid=$!
	sleep 1
	kill -INT $pid
	code=0
	wait $pid || code=$?
	cat err
	[ "$code" -eq 130 ]
	[ ! -e mine.costs ]
}
