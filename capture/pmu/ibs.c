/* SPDX-License-Identifier: MIT */
/* Registers of instruction-based sampling; see ibs.h. */
#include "capture/pmu/ibs.h"

#include <string.h>

enum ibs_register {
	IBS_OP_CTL,
	IBS_OP_RIP,
	IBS_OP_DATA,
	IBS_OP_DATA2,
	IBS_OP_DATA3,
	IBS_DC_LIN_AD,
	IBS_DC_PHYS_AD,
	IBS_NR_REGISTERS,
};

/* IbsOpData3 */
enum {
	LOAD = 1 << 0,
	STORE = 1 << 1,
	UNCACHED = 1 << 14,
	LINEAR_VALID = 1 << 17,
	PHYSICAL_VALID = 1 << 18,
};

bool ibs_parse(const void *raw, size_t size, struct ibs_access *access)
{
	uint64_t registers[IBS_NR_REGISTERS];
	uint64_t what;

	if (size < sizeof(uint32_t) + sizeof(registers))
		return false;
	memcpy(registers, (const char *)raw + sizeof(uint32_t),
	       sizeof(registers));
	what = registers[IBS_OP_DATA3];
	if (!(what & (LOAD | STORE)) || !(what & PHYSICAL_VALID) ||
	    what & UNCACHED)
		return false;
	*access = (struct ibs_access){
		.physical = registers[IBS_DC_PHYS_AD],
		.linear = what & LINEAR_VALID ? registers[IBS_DC_LIN_AD] : 0,
		.is_store = what & STORE,
	};
	return true;
}
