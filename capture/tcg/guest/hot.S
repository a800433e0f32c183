/* SPDX-License-Identifier: MIT */
/*
 * A guest that writes 4,000 pages once and then reads them in turn for ever, and
 * with them some pages that it never wrote.  32-bit code, no paging.
 */
#include "multiboot.inc"

#define HOT	  0x1000000
#define HOT_END	  (HOT + 4000 * 4096)
#define UNWRITTEN 0x2000000
#define END	  (UNWRITTEN + 100 * 4096)

	.text
	.globl	_start
	.code32
_start:
	movl	$HOT, %edi
2:	movl	%edi, (%edi)
	addl	$4096, %edi
	cmpl	$HOT_END, %edi
	jne	2b
3:	movl	$HOT, %edi
4:	movl	(%edi), %eax
	addl	$4096, %edi
	cmpl	$HOT_END, %edi
	jne	4b
	movl	$UNWRITTEN, %edi
5:	movl	(%edi), %eax
	addl	$4096, %edi
	cmpl	$END, %edi
	jne	5b
	jmp	3b
	.section .note.GNU-stack, "", @progbits
