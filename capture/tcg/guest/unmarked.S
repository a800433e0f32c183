/* SPDX-License-Identifier: MIT */
/* A guest that ends at once and never says that a measured part starts. */
#include "multiboot.inc"

	.text
	.globl	_start
	.code32
_start:
	exit_qemu
	.section .note.GNU-stack, "", @progbits
