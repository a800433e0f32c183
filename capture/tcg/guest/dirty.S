/* SPDX-License-Identifier: MIT */
/*
 * A guest without a kernel that writes to known pages in turn and never ends; the
 * list below is what capture/qemu/qemu_dirty_ring_test.c expects.  The page before each
 * of them is only read.  It uses no stack, and writes slowly: where KVM emulates
 * whole runs of instructions, a faster one overruns its dirty ring and stands still
 * for good.
 *
 * Long mode, 8 GiB mapped one to one with 2 MiB pages.
 */
#include "multiboot.inc"
#include "long_mode.inc"

#define PAUSE	100		/* instructions between two writes, at least */

	.text
	.globl	_start
	.code32
_start:
	map_one_to_one
	enter_long_mode write

	.section .text.write, "ax"
	.code64
write:
	movb	$'w', %al		/* -debugcon: the writing begins */
	outb	%al, $0xe9
next:
	movl	$pages, %esi
1:	movq	(%rsi), %rdi
	testq	%rdi, %rdi
	jz	next
	movl	-4096(%rdi), %eax	/* read */
	movl	%esi, (%rdi)		/* write */
	addq	$8, %rsi
	movl	$PAUSE / 2, %ecx
2:	decl	%ecx
	jnz	2b
	jmp	1b

	.align	8
pages:
	.irp	page, 0x200, 0x202, 0x204, 0x206, 0x3ff, 0x401, 0x7f000, 0x7f003
	.quad	\page << 12
	.endr
	.irp	page, 0x100001, 0x100003, 0x100200, 0x123456, 0x13ffff
	.quad	\page << 12
	.endr
	.quad	0
	.section .note.GNU-stack, "", @progbits
