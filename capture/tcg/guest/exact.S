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

#define TABLES	0x10000		/* PML4, PDPT, 8 directories, one table */
#define PDPT	(TABLES + 0x1000)
#define DIRS	(TABLES + 0x2000)
#define TABLE	0x300000	/* page table of WINDOW */
#define WINDOW	0x40000000
#define DATA	0x200000
#define HIGH	0x100005000

	.text
	.globl	_start
	.code32
_start:
	/* directories: 4096 entries of 2 MiB: present, writable, large */
	xorl	%ecx, %ecx
1:	movl	%ecx, %eax
	shll	$21, %eax
	orl	$0x83, %eax
	movl	%eax, DIRS(,%ecx,8)
	movl	%ecx, %eax
	shrl	$11, %eax
	movl	%eax, DIRS + 4(,%ecx,8)
	incl	%ecx
	cmpl	$4096, %ecx
	jne	1b
	movl	$PDPT + 3, TABLES
	xorl	%ecx, %ecx
2:	movl	%ecx, %eax
	shll	$12, %eax
	addl	$DIRS + 3, %eax
	movl	%eax, PDPT(,%ecx,8)
	incl	%ecx
	cmpl	$8, %ecx
	jne	2b
	movl	$TABLE + 3, DIRS + (WINDOW >> 21) * 8
	movl	$DATA + 0x5000 + 3, TABLE

	/* long mode: PAE, CR3, EFER.LME, paging */
	movl	%cr4, %eax
	orl	$0x20, %eax
	movl	%eax, %cr4
	movl	$TABLES, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx
	rdmsr
	orl	$0x100, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$0x80000000, %eax
	movl	%eax, %cr0
	lgdt	gdt_pointer
	ljmp	$8, $measured

	.align	8
gdt:	.quad	0, 0x00af9a000000ffff
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt

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
