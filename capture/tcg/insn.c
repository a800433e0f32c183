/* SPDX-License-Identifier: MIT */
/* x86 instructions of interest; see insn.h.  Runs inside QEMU: libc only. */
#include "capture/tcg/insn.h"

#include <stdbool.h>
#include <string.h>

static bool is_prefix(uint8_t byte)
{
	/* Legacy prefixes; 40..4f is REX in 64-bit code and, in other code, a
	 * whole instruction, so nothing follows it there. */
	return (byte & 0xf0) == 0x40 || byte == 0x66 || byte == 0x67 ||
	       byte == 0xf0 || byte == 0xf2 || byte == 0xf3 || byte == 0x26 ||
	       byte == 0x2e || byte == 0x36 || byte == 0x3e || byte == 0x64 ||
	       byte == 0x65;
}

static enum insn_class mark(const uint8_t *displacement)
{
	uint32_t value;

	memcpy(&value, displacement, sizeof(value));
	switch (value) {
	case INSN_START_DISPLACEMENT:
		return INSN_MARK_START;
	case INSN_STOP_DISPLACEMENT:
		return INSN_MARK_STOP;
	}
	return INSN_PLAIN;
}

/* Group 0f 01: invlpg is /7 on memory; the SVM world switches are 0f 01 d8..df. */
static bool group7_remaps(uint8_t modrm)
{
	unsigned int reg = (modrm >> 3) & 7;

	return modrm >= 0xc0 ? reg == 3 : reg == 7;
}

enum insn_class insn_classify(const uint8_t *bytes, size_t size)
{
	while (size && is_prefix(*bytes)) {
		bytes++;
		size--;
	}
	if (size < 2 || bytes[0] != 0x0f)
		return INSN_PLAIN;
	if (bytes[1] == 0x1f && size == 7 && bytes[2] == 0x80)
		return mark(bytes + 3);
	if (bytes[1] == 0x22 || bytes[1] == 0xaa) /* mov to CRn, rsm */
		return INSN_REMAPS;
	if (bytes[1] == 0x01 && size >= 3 && group7_remaps(bytes[2]))
		return INSN_REMAPS;
	if (bytes[1] == 0x38 && size >= 3 && bytes[2] == 0x82) /* invpcid */
		return INSN_REMAPS;
	return INSN_PLAIN;
}
