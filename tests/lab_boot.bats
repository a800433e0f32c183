#!/usr/bin/env bats
# scripts/kage-lab from outside: a real kernel boots as capture needs it, and each way
# in which a machine can end is told apart.
bats_require_minimum_version 1.5.0
load lab.bash

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
}

# checks: the state of the machine that all backends rely on
checks()
{
	cat >checks.sh <<-'END'
	#!/bin/sh
	fail() { echo "not so: $1"; failed=1; }
	test -c /dev/kvm || fail "/dev/kvm is there"
	test "$(cat /sys/module/kvm_amd/parameters/npt)" = Y || fail "nested paging"
	test "$(cat /sys/module/kvm/parameters/tdp_mmu)" = Y || fail "TDP MMU"
	test $(($(cat /sys/kernel/mm/lru_gen/enabled))) -ne 0 || fail "MGLRU is on"
	test -e /sys/kernel/debug/lru_gen || fail "debugfs"
	test -e /sys/kernel/tracing/events/kvmmmu/kvm_tdp_mmu_spte_changed || fail "tracefs"
	grep -qw memory /sys/fs/cgroup/cgroup.subtree_control || fail "memory controller"
	test "$(cat /proc/sys/vm/page-cluster)" = 0 || fail "page-cluster"
	grep -q zram0 /proc/swaps || fail "swap"
	for file; do test -e "$file" || fail "$file"; done
	exit ${failed:-0}
	END
}

@test "6.12 boots with what capture needs" {
	checks
	in_lab 0 6.12 --swap 64M -- checks.sh /sys/kernel/mm/damon/admin
}

@test "7.2 boots with what capture needs" {
	checks
	in_lab 0 7.2 --swap 64M -- checks.sh /sys/kernel/mm/damon/admin
}

@test "6.1 boots with what capture needs" {
	checks
	in_lab 0 6.1 --swap 64M -- checks.sh
}

@test "the idle kernel has idle page tracking and DAMON" {
	checks
	in_lab 0 idle --swap 64M -- checks.sh /sys/kernel/mm/page_idle/bitmap \
		/sys/kernel/mm/damon/admin /proc/kpageflags
}

@test "kage runs in the lab" {
	in_lab 0 6.12 -- kage --version
	[[ "$output" == *"kage "* ]]
}

@test "code, arguments and files come back as they are" {
	cat >script.sh <<-'END'
	#!/bin/sh
	mkdir folder && printf '%s|' "$@" >folder/args
	dd if=/dev/urandom of=blob bs=64k count=40 2>/dev/null && sha256sum blob >sum
	exit 7
	END
	in_lab 7 6.12 -- script.sh 'a b' "it's" '*' ''
	[ "$(cat out/folder/args)" = "a b|it's|*||" ]
	(cd out && sha256sum -c sum)
	[ "$(outcome)" = exit ]
	grep -q '"release": "6.12' out/lab.json
	grep -qE '"accel": "(tcg|kvm)"' out/lab.json
}

@test "a panic is told as one, with its reason" {
	in_lab 121 6.12 -- sh -c 'echo c >/proc/sysrq-trigger'
	[ "$(outcome)" = panic ]
	[[ "$output" == *"sysrq triggered crash"* ]]
}

@test "a script past its time is ended, and its files come back" {
	in_lab 124 6.12 --timeout 2 -- sh -c 'echo kept >kept; sleep 1000'
	[ "$(outcome)" = timeout ]
	[ "$(cat out/kept)" = kept ]
}

@test "a kernel that gives nobody else the CPU is told as a hang" {
	cat >hog.sh <<-'END'
	#!/bin/sh
	echo -1 >/proc/sys/kernel/sched_rt_runtime_us
	echo 0 >/sys/kernel/debug/sched/fair_server/cpu0/runtime
	exec chrt -f 99 sh -c 'while :; do :; done'
	END
	in_lab 123 6.12 --timeout 2 --grace 18 --tool "$(command -v chrt)" -- hog.sh
	[ "$(outcome)" = hang ]
	grep -q '"booted": true' out/lab.json
}

@test "an oops is told from other panics, with its reason" {
	in_lab 122 idle -- sh -c 'echo EXCEPTION >/sys/kernel/debug/provoke-crash/DIRECT'
	[ "$(outcome)" = oops ]
	[[ "$output" == *"BUG: kernel NULL pointer dereference"* ]]
}

@test "a machine that ends itself is told as lost" {
	in_lab 120 6.12 -- reboot -f
	[ "$(outcome)" = lost ]
}

@test "swap that cannot be had is no machine" {
	in_lab 125 6.12 --swap nonsense -- true
	[[ "$output" == *"no swap of nonsense"* ]]
}

@test "wrong arguments are refused with the reason" {
	run -2 "$LAB" run --kernel 6.12 -- true
	run -2 "$LAB" run --kernel no-such-kernel -o out -- true
	[[ "$output" == *"6.1 6.12 7.2 idle"* ]]
	run -2 "$LAB" fetch no-such-kernel
	KAGE_CACHE=$PWD/empty run -125 "$LAB" run --kernel 6.12 -o out -- true
	[[ "$output" == *"kage-lab fetch 6.12"* ]]
}

@test "kernels that cannot be reached leave no half of one" {
	KAGE_CACHE=$PWD/empty KAGE_DEBIAN_MIRROR=file:///nonexistent \
		KAGE_DEBIAN_SECURITY_MIRROR=file:///nonexistent run -3 "$LAB" fetch 6.12
	[[ "$output" == *"cannot get 6.12"* ]]
	[ -z "$(ls -A empty/kernels)" ]
}
