/* SPDX-License-Identifier: MIT */
/*
 * A guest without a kernel that touches known pages in a known order; the table
 * in capture/tcg/record_test.c is what a trace of it must hold.  The measured
 * part uses no stack, so that nothing else is touched.
 *
 * Address space in long mode: 8 GiB mapped one to one with 2 MiB pages, and one
 * 4 KiB page at WINDOW that is mapped to different pages in turn.
 */
#include "multiboot.inc"
#include "long_mode.inc"

#define TABLE	0x300000	/* page table of WINDOW */
#define WINDOW	0x40000000
#define DATA	0x200000
#define HIGH	0x100005000

	.text
	.globl	_start
	.code32
_start:
	map_one_to_one
	movl	$TABLE + 3, DIRS + (WINDOW >> 21) * 8
	movl	$DATA + 0x5000 + 3, TABLE

	enter_long_mode measured

	/* The measured part: alone on its page. */
	.section .text.measured, "ax"
	.code64
	.align	4096
measured:
	movl	$0, %ebx
	mark_start
	jmp	1f
1:	movl	%ebx, DATA			/* write */
	movl	DATA + 0x1000, %eax		/* read */
	movl	DATA + 0x2000, %eax		/* read, then write */
	movl	%ebx, DATA + 0x2000
	movq	%rbx, DATA + 0x3ffc		/* a write to two pages */
	jmp	elsewhere
back:	movabsq	$HIGH, %rdi
	movl	%ebx, (%rdi)			/* write above 4 GiB */
	movl	0x7000(%rdi), %eax		/* read above 4 GiB */
	movl	$WINDOW, %edi
	movl	%ebx, (%rdi)			/* write DATA + 5 pages */
	movl	$DATA + 0x6000 + 3, TABLE
	invlpg	(%rdi)
	movl	(%rdi), %eax			/* read DATA + 6 pages */
	movl	$DATA + 0x7000 + 3, TABLE
	movq	%cr3, %rax
	movq	%rax, %cr3
	movl	%ebx, (%rdi)			/* write DATA + 7 pages */
	lock addl $1, DATA + 0x8000		/* both: a write */
	mark_stop
	exit_qemu

	.align	4096
elsewhere:
	jmp	back
	.section .note.GNU-stack, "", @progbits
