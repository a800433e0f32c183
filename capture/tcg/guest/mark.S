/* SPDX-License-Identifier: MIT */
/*
 * A Linux program that executes one mark and exits: how a guest says that the
 * part to record starts or stops.  Build it with -DMARK=... of capture/tcg/insn.h:
 *   gcc -nostdlib -static -DMARK=0x6b616731 -o kage-start mark.S
 */
	.globl _start
_start:
	nopl	MARK(%rax)
	movl	$60, %eax	/* exit */
	xorl	%edi, %edi
	syscall
	.section .note.GNU-stack, "", @progbits
