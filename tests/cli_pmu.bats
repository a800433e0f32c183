#!/usr/bin/env bats
# kage probe and kage record of the pmu backend: with no PMU, as on most virtual
# machines, and with the kernel's clock in the place of IBS, which tries everything
# but the hardware.  KAGE comes from ctest.
bats_require_minimum_version 1.5.0

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
	unshare -m true 2>/dev/null || skip "no mount namespace of our own (not root?)"
}

teardown()
{
	if [ -n "${guest:-}" ]; then
		kill -KILL "$guest" 2>/dev/null || true
	fi
}

# with_pmus <name>=<type>... -- <command>: runs it where sysfs has these PMUs only
with_pmus()
{
	unshare -m bash -c '
		dir=/sys/bus/event_source/devices
		mount -t tmpfs none $dir || exit 99
		while [ "$1" != -- ]; do
			mkdir $dir/${1%=*} && echo ${1#*=} >$dir/${1%=*}/type
			shift
		done
		shift
		exec "$@"' with_pmus "$@"
}

start_guest()
{
	[ -w /dev/kvm ] || skip "/dev/kvm cannot be opened"
	"$KAGE" guest hotcold --vcpus 2 --pages 256 --pace 1ms --describe guest.json 2>messages 3>&- &
	guest=$!
	for _ in $(seq 1200); do
		[ -e guest.json ] && return
		sleep 0.05
	done
	cat messages
	return 1
}

@test "probe says that there is no PMU, and that no hardware has run it" {
	run with_pmus -- "$KAGE" probe
	[[ $output == *"pmu: not here"*"never run on hardware"*"because:  no hardware PMU for 'ibs_op': "* ]]
}

@test "probe says why PEBS is of no use" {
	run with_pmus cpu=4 -- bash -c 'mkdir /sys/bus/event_source/devices/cpu/events
		touch /sys/bus/event_source/devices/cpu/events/mem-loads; exec "$0" probe' "$KAGE"
	[[ $output == *"because:  PEBS cannot sample a guest"* ]]
}

@test "record refuses events without a reason to accept them" {
	start_guest
	pmu="$KAGE record -b pmu --pid $guest --slots guest.json -o x.kgt"
	run -4 with_pmus -- $pmu
	[[ $output == *"no hardware PMU for 'ibs_op:uops': "* ]]
	run -4 with_pmus -- $pmu --event no_such_event
	[[ $output == *"no hardware PMU for 'no_such_event'"* ]]
	run -4 with_pmus -- $pmu --event page-faults
	[[ $output == *"'page-faults' has no data address"* ]]
	run -4 with_pmus cpu=4 -- $pmu --event cycles
	[[ $output == *"'cycles': only ibs_op has data addresses"* ]]
	run -2 with_pmus ibs_op=1 -- $pmu --event ibs_op:cycles
	[[ $output == *"expected ibs_op or ibs_op:uops"* ]]
	[ ! -e x.kgt ] && [ ! -e x.kgt.part ]
}

# PMU type 1 is software, and its event 0 is the CPU's clock
@test "samples of a running guest are taken, judged and counted" {
	start_guest
	run -0 with_pmus ibs_op=1 -- "$KAGE" record -b pmu --event ibs_op --pid "$guest" \
		--slots guest.json --duration 1s --params period=1000000 -o t.kgt
	[[ $output == *"lost      0 events"* ]]
	run -0 "$KAGE" trace info t.kgt
	[[ $output == *"pmu, sampled-address"* ]]
	[[ $output == *'"event":"ibs_op","period":1000000'* ]]
	run -0 "$KAGE" trace dump t.kgt
	[[ $output =~ "note pmu: "([0-9]+)" samples: 0 accesses" ]]
	echo "# ${BASH_REMATCH[1]} samples in 1 s" >&3
	[ "${BASH_REMATCH[1]}" -gt 0 ]
}
