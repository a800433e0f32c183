/* SPDX-License-Identifier: MIT */
/*
 * The few x86 instructions that the tracer must notice, told apart by their
 * bytes: those after which a virtual page may lie elsewhere, and our marks.
 */
#ifndef CAPTURE_TCG_INSN_H
#define CAPTURE_TCG_INSN_H

#include <stddef.h>
#include <stdint.h>

enum insn_class {
	INSN_PLAIN,
	INSN_REMAPS, /* the guest gives up cached translations with it */
	INSN_MARK_START,
	INSN_MARK_STOP,
};

/*
 * A mark is the long no-op `nopl disp32(%rax)` (0f 1f 80): any program may run
 * it, no CPU does anything.  The displacement says which mark it is.
 */
enum {
	INSN_START_DISPLACEMENT = 0x6b616731, /* "1gak" in memory */
	INSN_STOP_DISPLACEMENT = 0x6b616732,
};

enum insn_class insn_classify(const uint8_t *bytes, size_t size);

#endif
