#!/usr/bin/env bats
# Backend mglru on real kernels, against guests whose accesses are known: lab/mglru.sh
# does it, here is what must come out.  Figures are printed.
bats_require_minimum_version 1.5.0
load lab.bash

setup()
{
	cd "$BATS_TEST_TMPDIR" || return 1
}

# mglru <kernel> [OPTION...] -- <arg>...: what is seen is printed, and all if it fails
mglru()
{
	local kernel=$1 options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	in_lab 0 "$kernel" --timeout 400 "${options[@]}" -- \
		"$BATS_TEST_DIRNAME/lab/mglru.sh" "$@" || {
		echo "$output"
		return 1
	}
	grep -E '^    +(precision|recall|scans|leaves|.* events in|.* epochs have)' <<<"$output" |
		sed "s/^ */# $kernel: /" >&3
}

@test "6.12: the hot set is found, losses are counted, refusals have reasons" {
	mglru 6.12 -- samples
}

@test "7.2: the hot set is found, losses are counted, refusals have reasons" {
	mglru 7.2 -- samples
}

# qemu_parts: options that put a QEMU and its firmware into the machine; Debian's
# places
qemu_parts()
{
	local name file
	printf '%s\n' --memory 3G --append transparent_hugepage=never
	printf '%s\n' --tool "$(command -v qemu-system-x86_64)" --tool "$GUEST"
	for name in bios-256k.bin kvmvapic.bin multiboot.bin multiboot_dma.bin; do
		for file in /usr/share/seabios/$name /usr/share/qemu/$name; do
			[ ! -f "$file" ] || printf '%s\n' --tool "$file"
		done
	done
}

# in_qemu <kernel>
in_qemu()
{
	local options
	GUEST=$(dirname "$KAGE")/capture/tcg/hot.elf
	mapfile -t options < <(qemu_parts)
	mglru "$1" "${options[@]}" -- qemu /lab/bin/hot.elf
}

@test "6.12: the guest of a real QEMU" {
	in_qemu 6.12
}

@test "7.2: the guest of a real QEMU" {
	in_qemu 7.2
}

@test "6.1 is refused: aging does not touch SPTEs there" {
	mglru 6.1 -- refuses "aging does not touch SPTEs"
}

@test "a host without the TDP MMU is refused" {
	mglru 7.2 --append kvm.tdp_mmu=0 -- refuses "TDP MMU is off"
}
