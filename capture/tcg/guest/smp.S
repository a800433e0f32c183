/* SPDX-License-Identifier: MIT */
/*
 * A guest without a kernel whose second CPU touches a page and answers the first
 * one through another.  32-bit code, no paging.
 */
#include "multiboot.inc"

#define TRAMPOLINE 0x8000	/* where the second CPU starts, in real mode */
#define OWN	   0x9000	/* touched by the second CPU only */
#define ANSWER	   0xa000	/* the first CPU waits for it */
#define APIC_ICR   0xfee00300

	.text
	.globl	_start
	.code32
_start:
	movl	$second, %esi
	movl	$TRAMPOLINE, %edi
	movl	$second_end - second, %ecx
	cld
	rep movsb
	movl	$0, ANSWER
	mark_start
	jmp	1f
1:	movl	$0xc4500, APIC_ICR	/* INIT to all but self */
	movl	$100000, %ecx
2:	loop	2b
	movl	$0xc4600 + TRAMPOLINE / 0x1000, APIC_ICR	/* start-up */
3:	cmpl	$0, ANSWER
	je	3b
	mark_stop
	exit_qemu

	.code16
second:
	xorw	%ax, %ax
	movw	%ax, %ds
	movl	$1, OWN
	movl	$1, ANSWER
4:	hlt
	jmp	4b
second_end:
	.section .note.GNU-stack, "", @progbits
