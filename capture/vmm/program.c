/* SPDX-License-Identifier: MIT */
/* What all programs share; compiled for the guest and for the host. */
#include "capture/vmm/program.h"

#define ENTRY(name) extern const struct guest_program program_##name;
#include "capture/vmm/programs.def"
#undef ENTRY

#define ENTRY(name) {#name, &program_##name},
const struct program_entry guest_programs[] = {
#include "capture/vmm/programs.def"
	{NULL, NULL},
};
#undef ENTRY

const char *const program_access_names[] = {"read", "write", NULL};

static void write_every_page(struct program_run *run)
{
	for (uint64_t page = 0; page < run->npages; page++)
		touch_write(run, page, 0);
}

void program_round(const struct guest_program *program, struct program_run *run)
{
	if (run->round)
		program->round(run);
	else if (program->setup)
		program->setup(run);
	else
		write_every_page(run);
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* About 0.618 of the memory: neighbours end up far apart. */
uint64_t program_stride(uint64_t npages, uint64_t is_scattered)
{
	uint64_t stride = is_scattered ? npages * 618 / 1000 : 1;

	if (!stride)
		stride = 1;
	while (common_divisor(stride, npages) != 1)
		stride++;
	return stride;
}
