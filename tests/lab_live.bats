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

# write_reclaim <file> [LINE...]: comments before the scenario of many tests
write_reclaim()
{
	local file=$1
	shift
	printf '%s\n' "$@" >"$file"
	cat >>"$file" <<-'END'
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

write_limit()
{
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
}

# play <kernel> <folder>: all scenarios in one boot
play()
{
	lab_kernel "$1"
	run -0 "$LAB" run --kernel "$1" -o "$2" --trace t.kgt --scenario small.scn \
		--trace t.kgt --scenario limit.scn --trace t.kgt --scenario huge.scn \
		--trace t.kgt --scenario memfd.scn
}

# twice <kernel>: two boots come to the same
twice()
{
	write_reclaim small.scn
	write_limit
	write_reclaim huge.scn "# live: --thp"
	write_reclaim memfd.scn "# live: --backing memfd"
	play "$1" a
	play "$1" b
	for name in small limit huge memfd; do
		run -0 "$SAME_RUNS" a/$name.json b/$name.json
		echo "# live, $1 $name: $output" >&3
		[ "$(jq .details.lost a/$name.json)" = 0 ]
		[ "$(jq -r .details.lab.version a/$name.json)" = \
			"$(cat "${KAGE_CACHE:-$HOME/.cache/kage}/kernels/$1/version")" ]
	done
}

# reclaimed <file>: what holds on every kernel
reclaimed()
{
	[ "$(jq -c '[.steps[] | select(.word == "age").passes]' "$1")" = "[1,1,1]" ]
	[ "$(jq -c '[.steps[] | select(.word == "reclaim") | .asked, .requests, .epochs]' "$1")" = "[4000,4,3]" ]
	[ "$(number "$1" swept pgmajfault)" -gt "$(number "$1" reclaimed pgmajfault)" ]
	footprint=$(jq .footprint_pages "$1")
}

# all_seen <file>: each page that the kernel counts as reclaimed was seen to go
all_seen()
{
	[ "$(number "$1" reclaimed pgsteal)" = \
		$(($(evicted "$1") + $(jq .details.unused_evicted "$1"))) ]
}

# of_small_pages <file> <aging passes that ask KVM for each page>
of_small_pages()
{
	local faults
	reclaimed "$1"
	all_seen "$1"
	[ "$(jq .details.unused_evicted "$1")" = 0 ]
	faults=$(number "$1" populated guest_faults)
	[ "$faults" -ge "$footprint" ] && [ "$faults" -le $((footprint + 8)) ]
	[ "$(number "$1" reclaimed kvm_unmap_hva_range)" = "$(evicted "$1")" ]
	[ "$(jq '[.snapshots[0].generations[].anon] | add' "$1")" -ge $((footprint - 8)) ]
	[ "$(number "$1" aged kvm_age_hva)" = $(($2 * footprint)) ]
}

# of_huge_pages <file> <whether aging asks KVM>: the model's, too
of_huge_pages()
{
	local aged
	"$KAGE" validate "$1" --trace t.kgt --scenario huge.scn --tolerance 0.2% \
		--min-jaccard 0.99 --min-tau 0.95 --max-misplaced 1% >/dev/null
	reclaimed "$1"
	all_seen "$1"
	aged=$(number "$1" aged kvm_age_hva)
	[ $((aged > 0)) = "$2" ] && [ "$aged" -lt "$footprint" ]
	[ "$(jq .details.moments.populated.memory.anon_thp "$1")" -gt 0 ]
}

# limited <file>: a limit evicts at once and in steps of the guest; generations go whole
limited()
{
	for name in limited swept evicted end; do
		[ "$(jq "(.snapshots[] | select(.name == \"$name\").step) as \$s |
			[.steps[:\$s][].evicted_pages // 0] | add" "$1")" = \
			"$(number "$1" $name pgsteal)" ]
	done
	[ "$(jq '[.steps[] | select(.word == "sweep").evicted_pages] | add' "$1")" -gt 0 ]
	[ "$(jq '[.steps[] | select(.word == "evict-gen").evicted_pages] | add' "$1")" -gt 0 ]
}

@test "6.1: aging does not ask KVM; two boots are alike" {
	twice 6.1
	of_small_pages a/small.json 0
	of_small_pages a/memfd.json 0
	of_huge_pages a/huge.json 0
	[ "$(jq .details.repeated_unmaps a/huge.json)" -ge 512 ]
	limited a/limit.json
}

@test "6.12: aging asks KVM for each page; two boots are alike" {
	twice 6.12
	of_small_pages a/small.json 3
	of_small_pages a/memfd.json 3
	of_huge_pages a/huge.json 1
	[ "$(jq .details.repeated_unmaps a/huge.json)" = 0 ]
	limited a/limit.json
	# with four generations there is no pass without force
	[ "$(jq -c '[.steps[] | select(.word == "age").passes]' a/limit.json)" = "[0,1,1]" ]
}

@test "7.2: aging asks KVM for each page; two boots are alike" {
	twice 7.2
	of_small_pages a/small.json 3
	of_small_pages a/memfd.json 3
	of_huge_pages a/huge.json 1
	limited a/limit.json
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
		for i in $(seq 100); do
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

# step <file> <key>: of the one reclaim
step()
{
	jq ".steps[] | select(.word == \"reclaim\").$2" "$1"
}

@test "6.1 takes the hot set of a guest that stands still, and leaves that of one that goes on" {
	local scenarios=$BATS_TEST_DIRNAME/../scripts/lab/scenarios
	lab_kernel 6.1
	cp "$scenarios"/beside.scn .
	sed '/^# live:/d' beside.scn >stopped.scn
	run -0 "$LAB" run --kernel 6.1 -o out --scenario stopped.scn --scenario beside.scn \
		--scenario "$scenarios/beside-tight.scn"
	[ "$(jq .details.meanwhile out/stopped.json)" = 0 ]
	[ "$(jq .details.meanwhile out/beside.json)" -gt 0 ]
	[ "$(number out/beside.json reclaimed pgsteal)" = "$(evicted out/beside.json)" ]
	[ "$(step out/stopped.json hot_pages)" -gt 1900 ]
	[ "$(step out/stopped.json hot_kept)" = 0 ]
	# whatever the machine's pace: the model is given it, and decides alike
	mkdir traces
	for name in beside beside-tight; do
		"$scenarios/make_trace" "$scenarios/$name.scn" traces/$name.kgt
	done
	echo "# kept beside the guest: $(step out/beside.json hot_kept) of" \
		"$(step out/beside.json hot_pages)," \
		"tight: $(step out/beside-tight.json hot_kept) of $(step out/beside-tight.json hot_pages)" >&3
	run -0 "$KAGE" validate out/stopped.json out/beside.json out/beside-tight.json \
		--trace traces --scenario "$scenarios" --tolerance 0.2% --min-jaccard 0.99 \
		--min-tau 0.95 --max-misplaced 1% --max-survivors 5
	run -1 "$KAGE" validate out/beside.json --trace traces --scenario "$scenarios" \
		--policy none --max-survivors 5
}
