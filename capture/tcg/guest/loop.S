/* SPDX-License-Identifier: MIT */
/* A guest that writes to 256 pages in turn and never ends. */
#include "multiboot.inc"

#define DATA 0x200000

	.text
	.globl	_start
	.code32
_start:
	mark_start
1:	movl	$DATA, %edi
2:	movl	%edi, (%edi)
	addl	$4096, %edi
	cmpl	$DATA + 256 * 4096, %edi
	jne	2b
	jmp	1b
	.section .note.GNU-stack, "", @progbits
