#!/usr/bin/env bats
# kage-lab run --scenario: what comes out, of what machine, and how it fails.
bats_require_minimum_version 1.5.0
load lab.bash

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
	cat >s.scn <<-'END'
	# trace: kage trace synth hotcold --pages 8K -n 100K --epoch 1ms -p hot=0.1,bias=0.98
	populate
	repeat 2
		epochs 1
		age force
	end
	reclaim 2000 pages chunk 500 pages
	snapshot reclaimed
	END
	cache=${KAGE_CACHE:-$HOME/.cache/kage}/kernels
}

# play <code> <kernel> [OPTION...]
play()
{
	local code=$1 kernel=$2
	shift 2
	run -"$code" "$LAB" run --kernel "$kernel" "$@"
}

# of_machine <file> <key>
of_machine()
{
	jq -r ".details.lab.$2" "$1"
}

# number <file> <counter>
number()
{
	jq -e ".snapshots[-1].counters.$2" "$1"
}

@test "one command for a scenario; the shadow MMU asks the same of the same pages" {
	lab_kernel 6.12
	play 0 6.12 --scenario s.scn -o tdp.json
	[ ! -e tdp.lab ]
	play 0 6.12 --scenario s.scn --mmu shadow -o shadow.json
	[ "$(of_machine tdp.json mmu)" = tdp ]
	[ "$(of_machine shadow.json mmu)" = shadow ]
	[[ $(of_machine tdp.json release) = 6.12.* ]]
	[ "$(of_machine tdp.json version)" = "$(cat "$cache/6.12/version")" ]
	[[ $(of_machine tdp.json accel) =~ ^(tcg|kvm)$ ]]
	[[ $(of_machine tdp.json qemu) = "QEMU emulator version "* ]]
	[ "$(number tdp.json kvm_tdp_mmu_spte_changed)" -gt 0 ]
	[ "$(number shadow.json kvm_tdp_mmu_spte_changed)" -eq 0 ]
	[ "$(number shadow.json kvm_age_hva)" -eq "$(number tdp.json kvm_age_hva)" ]
	[ "$(of_machine tdp.json append)" = "cgroup.memory=nokmem" ]
	[ "$(jq -c '[.steps[].evicted]' shadow.json)" = "$(jq -c '[.steps[].evicted]' tdp.json)" ]
}

@test "a kernel of one's own by its path: all built in, and with modules" {
	lab_kernel idle
	lab_kernel 7.2
	cp "$cache/idle/bzImage" mine
	play 0 mine --scenario s.scn -o mine.json
	[ "$(of_machine mine.json kernel)" = mine ]
	[ "$(of_machine mine.json release)" = "$(cat "$cache/idle/release")" ]
	[ "$(of_machine mine.json version)" = "" ]
	mkdir tree && cp -r "$cache/7.2/lib" tree
	cp "$cache/7.2/bzImage" other
	play 0 "$PWD/other" --modules tree --scenario s.scn -o other.json --append cgroup.memory=nosocket
	[ "$(of_machine other.json append)" = cgroup.memory=nosocket ]
	[ "$(jq -r .kernel other.json)" = "$(cat "$cache/7.2/release")" ]
	run -0 "$BATS_TEST_DIRNAME/../scripts/lab/table" mine.json other.json
	[[ "$output" == *"| s | mine | "*"| s | other | "* ]]
}

@test "when one scenario fails the others' results are there, and the code is its" {
	lab_kernel 6.12
	printf 'populate\nlimit 1%%\nepochs all\nsnapshot end\n' >low.scn
	"$KAGE" trace synth hotcold --pages 8K -n 100K --epoch 1ms -o t.kgt
	play 4 6.12 --swap 8M -o out --trace t.kgt --scenario low.scn --trace t.kgt --scenario s.scn
	[[ "$output" == *"low.json: kage live ended with code 4"* ]]
	[ ! -e out/low.json ]
	[ "$(jq .exit out/lab.json)" = 4 ]
	[ "$(number out/s.json pgsteal)" -gt 0 ]
}

@test "a panic leaves no result, but the console" {
	lab_kernel 6.12
	: >s.json
	play 121 6.12 --scenario s.scn -o s.json --append rdinit=/none
	[[ "$output" == *"the kernel panicked: VFS"* ]]
	[ ! -e s.json ]
	grep -q 'Kernel panic' s.lab/lab.console
	[ "$(jq -r .outcome s.lab/lab.json)" = panic ]
}

@test "an MMU that is not there is told, not replaced" {
	lab_kernel 6.12
	play 125 6.12 --scenario s.scn -o s.json --append kvm_amd.npt=0
	[[ "$output" == *"KVM's MMU here is 'shadow-paging', not 'tdp'"* ]]
	[ ! -e s.json ]
}
