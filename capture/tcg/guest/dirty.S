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

#define TABLES	0x10000		/* PML4, PDPT, 8 directories: firmware's range */
#define PDPT	(TABLES + 0x1000)
#define DIRS	(TABLES + 0x2000)
#define PAUSE	100		/* instructions between two writes, at least */

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
	ljmp	$8, $write

	.align	8
gdt:	.quad	0, 0x00af9a000000ffff
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt

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
