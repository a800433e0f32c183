#!/usr/bin/env bats
# Backend kvm-fault against guests whose accesses are known, on real kernels with
# nested paging.  The guest's memory is taken away in the pause between two rounds;
# the pages that fault then are those that the program touches.
bats_require_minimum_version 1.5.0
load lab.bash

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
	cat >guest.sh <<-'END'
	# start <program parameters>: a guest in a cgroup of its own, in $pid
	start()
	{
		mkdir -p /sys/fs/cgroup/vm
		sh -c "echo \$\$ >/sys/fs/cgroup/vm/cgroup.procs
			exec kage guest hotcold -p $1 --pages 2K --pace 2s --describe /out/guest.json" &
		pid=$!
		until [ -s /out/guest.json ]; do sleep 0.1; done
	}

	# take_away: all memory of the guest, as far as the kernel manages at once
	take_away()
	{
		echo 3 >/proc/sys/vm/drop_caches
		echo 32M >/sys/fs/cgroup/vm/memory.reclaim
		grep -w anon /sys/fs/cgroup/vm/memory.stat
	} 2>/dev/null

	record()
	{
		kage record -b kvm-fault --pid $pid --slots /out/guest.json "$@"
	}
	END
}

# faults_are_the_truth <kernel> <program parameters>
faults_are_the_truth()
{
	cat >script.sh <<-'END'
	#!/bin/sh
	. /lab/bin/guest.sh
	start "$1"
	record --duration 8s -o stream.kgt & recorder=$!
	sleep 2
	take_away
	wait $recorder || exit 1
	record --duration 2s -o quiet.kgt
	kage trace info stream.kgt
	kage trace coarsen --period 3600s -o all.kgt stream.kgt
	kage trace truth --min-precision 1 --min-recall 1 all.kgt guest.json
	END
	in_lab 0 "$1" --swap 64M --memory 1G --tool guest.sh -- script.sh "$2"
	[[ "$output" == *"anon 0"* ]]
	[[ "$output" == *"lost      0 events"* ]]
	[[ "$output" == *"false dirty  0 page-epochs"* ]]
	[[ "$output" == *"nothing was recorded: KVM has mapped all that the guest uses"* ]]
}

@test "6.12: the pages that fault are those that are written" {
	faults_are_the_truth 6.12 hot=500,hot_access=write
}

@test "7.2: the pages that fault are those that are read" {
	faults_are_the_truth 7.2 hot=500,hot_access=read,scatter=1
}

@test "6.1: the pages that fault are those that are written" {
	faults_are_the_truth 6.1 hot=500,hot_access=write
}

@test "what does not fit into the buffer is counted, and a killed capture leaves nothing on the host" {
	cat >script.sh <<-'END'
	#!/bin/sh
	. /lab/bin/guest.sh
	tracing() { (cd /sys/kernel/tracing && cat tracing_on set_event events/enable events/kvm/enable); }
	# pages are invalidated 2,048 times at least, and 1,024 fault
	all_counted() { tr -d , | awk '/^stream/ { print; exit !($6 > 0 && $2 + $6 >= 3072 && $2 + $6 < 4000) }'; }

	start hot=500
	tracing >before
	record --duration 6s --params ring_bytes=4096 -o small.kgt & recorder=$!
	sleep 2
	take_away
	wait $recorder
	[ $? -eq 5 ] && kage trace info small.kgt | all_counted && echo counted
	record -o killed.kgt & recorder=$!
	sleep 1
	take_away
	sleep 4
	kill -KILL $recorder
	wait $recorder
	tracing >after
	kage trace recover killed.kgt.part
	kage trace info killed.kgt | grep '^stream .*,.* records' && echo readable
	cmp before after && echo same
	END
	in_lab 0 6.12 --swap 64M --memory 1G --tool guest.sh -- script.sh
	[[ "$output" == *counted*readable*same* ]]
}
