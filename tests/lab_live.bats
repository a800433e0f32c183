#!/usr/bin/env bats
# kage live on real kernels: what it counts is what is known of each, and two boots
# come to the same.
bats_require_minimum_version 1.5.0
load lab.bash

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
	"$KAGE" trace synth hotcold --pages 16K -n 400K --epoch 4ms -p hot=0.1,bias=0.98 -o t.kgt
}

# live <code> <kernel> <folder> <scenario> [OPTION...]: one boot; results in <folder>
live()
{
	local code=$1 kernel=$2 folder=$3 scenario=$4
	shift 4
	in_lab "$code" "$kernel" --swap 256M --tool "$PWD/t.kgt" --tool "$PWD/$scenario" -- \
		kage live /lab/bin/t.kgt --scenario "/lab/bin/$scenario" -o out.json "$@"
	rm -rf "$folder" && mv out "$folder"
}

# number <file> <snapshot> <counter>
number()
{
	jq -r "[.snapshots[] | select(.name == \"$2\")][0].counters.$3 // \"absent\"" "$1"
}

# evicted <file>: pages of all steps
evicted()
{
	jq '[.steps[].evicted_pages // 0] | add' "$1"
}

reclaim_scenario()
{
	cat >reclaim.scn <<-'END'
	populate
	snapshot populated
	repeat 3
		epochs 2
		age force
	end
	snapshot aged
	reclaim 4000 pages chunk 1000 pages
	snapshot reclaimed
	sweep 0-3999
	snapshot swept
	END
}

# twice <kernel> [OPTION...]: two boots, and what holds on every kernel
twice()
{
	local kernel=$1 pages
	shift
	reclaim_scenario
	live 0 "$kernel" a reclaim.scn "$@"
	live 0 "$kernel" b reclaim.scn "$@"
	run -0 "$SAME_RUNS" a/out.json b/out.json
	echo "# live, $kernel $*: $output" >&3
	pages=$(jq .footprint_pages a/out.json)
	[ "$(jq .details.lost a/out.json)" = 0 ]
	[ "$(jq -c '[.steps[] | select(.word == "age").passes]' a/out.json)" = "[1,1,1]" ]
	[ "$(jq -c '[.steps[] | select(.word == "reclaim") | .asked, .requests, .epochs]' a/out.json)" = "[4000,4,3]" ]
	[ "$(number a/out.json reclaimed pgsteal)" = \
		$(($(evicted a/out.json) + $(jq .details.unused_evicted a/out.json))) ]
	[ "$(number a/out.json swept pgmajfault)" -gt "$(number a/out.json reclaimed pgmajfault)" ]
	aged=$(number a/out.json aged kvm_age_hva)
	footprint=$pages
}

# of 4 KiB pages
small()
{
	local faults
	[ "$(jq .details.unused_evicted a/out.json)" = 0 ]
	faults=$(number a/out.json populated guest_faults)
	[ "$faults" -ge "$footprint" ] && [ "$faults" -le $((footprint + 8)) ]
	[ "$(number a/out.json reclaimed kvm_unmap_hva_range)" = "$(evicted a/out.json)" ]
	[ "$(jq '[.snapshots[0].generations[].anon] | add' a/out.json)" -ge $((footprint - 8)) ]
}

@test "6.1: aging does not ask KVM; two boots are alike" {
	twice 6.1
	small
	[ "$aged" = 0 ]
}

@test "6.12: aging asks KVM for each page; two boots are alike" {
	twice 6.12
	small
	[ "$aged" = $((3 * footprint)) ]
}

@test "7.2: aging asks KVM for each page; two boots are alike" {
	twice 7.2
	small
	[ "$aged" = $((3 * footprint)) ]
}

@test "memory of a memfd is evicted alike in two boots" {
	twice 6.12 --backing memfd
	small
	[ "$aged" = $((3 * footprint)) ]
}

@test "huge pages are evicted once on a kernel that tells them twice" {
	twice 6.1 --thp
	[ "$(jq .details.repeated_unmaps a/out.json)" -ge 512 ]
}

@test "huge pages are aged as such; two boots are alike" {
	twice 6.12 --thp
	[ "$(jq .details.repeated_unmaps a/out.json)" = 0 ]
	[ "$aged" -gt 0 ] && [ "$aged" -lt "$footprint" ]
	[ "$(jq .details.moments.populated.memory.anon_thp a/out.json)" -gt 0 ]
}

@test "a limit evicts at once and in steps of the guest; generations are evicted whole" {
	cat >limit.scn <<-'END'
	populate
	epochs 2
	age
	limit 75%
	snapshot limited
	epochs 2
	sweep 0-3999
	snapshot swept
	limit none
	age force
	age force
	frozen
		evict-gen 2
	end
	snapshot evicted
	epochs all
	snapshot end
	END
	for kernel in 6.1 6.12 7.2; do
		live 0 $kernel $kernel limit.scn
		for name in limited swept evicted end; do
			[ "$(jq "(.snapshots[] | select(.name == \"$name\").step) as \$s |
				[.steps[:\$s][].evicted_pages // 0] | add" $kernel/out.json)" = \
				"$(number $kernel/out.json $name pgsteal)" ]
		done
		[ "$(jq '[.steps[] | select(.word == "sweep").evicted_pages] | add' $kernel/out.json)" -gt 0 ]
		[ "$(jq '[.steps[] | select(.word == "evict-gen").evicted_pages] | add' $kernel/out.json)" -gt 0 ]
	done
	# with four generations there is no pass without force
	[ "$(jq -c '[.steps[] | select(.word == "age").passes]' 6.12/out.json)" = "[0,1,1]" ]
}

@test "a limit that cannot be kept ends the run with the reason" {
	printf 'populate\nlimit 1%%\nepochs all\nsnapshot end\n' >low.scn
	in_lab 4 6.12 --swap 8M --tool "$PWD/t.kgt" --tool "$PWD/low.scn" -- \
		kage live /lab/bin/t.kgt --scenario /lab/bin/low.scn -o out.json
	[[ "$output" == *"the guest's process was killed"* ]]
	[ ! -e out/out.json ]
}

@test "without swap or MGLRU it says so" {
	printf 'populate\nsnapshot end\n' >t.scn
	in_lab 4 6.12 --tool "$PWD/t.kgt" --tool "$PWD/t.scn" -- \
		sh -c 'echo n >/sys/kernel/mm/lru_gen/enabled; exec kage live /lab/bin/t.kgt -s /lab/bin/t.scn -o out.json'
	[[ "$output" == *"MGLRU is off"*"there is no swap"* ]]
}

@test "killed or interrupted, it leaves no cgroup and no guest" {
	printf 'populate\nrepeat 400\n\tage force\nend\nsnapshot end\n' >long.scn
	cat >kill.sh <<-'END'
	#!/bin/sh
	gone()
	{
		for i in $(seq 600); do
			[ -z "$(ls -d /sys/fs/cgroup/kage-live-* 2>/dev/null)" ] && return
			sleep 0.1
		done
		echo "a cgroup is left"
		exit 1
	}
	for signal in KILL TERM; do
		kage live /lab/bin/t.kgt --scenario /lab/bin/long.scn -o out.json &
		pid=$!
		until ls -d /sys/fs/cgroup/kage-live-* 2>/dev/null; do sleep 0.1; done
		sleep 1
		kill -$signal $pid
		wait $pid
		echo "code $?"
		gone
		[ -z "$(pidof kage)" ] || { echo "a process is left"; exit 1; }
	done
	[ ! -e out.json ]
	END
	in_lab 0 6.12 --swap 64M --tool "$PWD/t.kgt" --tool "$PWD/long.scn" -- kill.sh
	[[ "$output" == *"code 137"*"code 130"* ]]
}

@test "6.1 scans more when a concurrent guest sets its bits again" {
	cat >hot.scn <<-'END'
	populate
	epochs 2
	repeat 3
		epochs 1
		age force
	end
	reclaim 6000 pages
	snapshot end
	END
	live 0 6.1 stopped hot.scn
	live 0 6.1 running hot.scn --concurrent --vcpus 2
	[ "$(jq .details.meanwhile stopped/out.json)" = 0 ]
	[ "$(jq .details.meanwhile running/out.json)" -gt 0 ]
	[ "$(number running/out.json end pgsteal)" = "$(evicted running/out.json)" ]
	[ "$(number running/out.json end pgscan)" -gt "$(number stopped/out.json end pgscan)" ]
	echo "# evicted $(evicted stopped/out.json) and $(evicted running/out.json)," \
		"scanned $(number stopped/out.json end pgscan) and $(number running/out.json end pgscan)," \
		"refaulted $(number running/out.json end workingset_refault_anon)" >&3
}
