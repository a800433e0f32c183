/* SPDX-License-Identifier: MIT */
/*
 * The code inside the guest: runs the program's rounds.  Entered in 64-bit mode
 * with a stack, the boot page and the vCPU's number; interrupts never come.
 */
#include "capture/vmm/guest_abi.h"

void guest_main(const struct guest_boot *boot, uint64_t vcpu);

/* The memory of a struct program_run. */
struct guest_memory {
	char *first; /* page of the vCPU's share */
	uint64_t breath;
	uint64_t writes; /* since the last breath */
};

static void tell_host(uint16_t port)
{
	__asm__ volatile("outl %0, %1" : : "a"(0), "Nd"(port) : "memory");
}

static volatile uint64_t *word_of(const struct guest_memory *memory,
				  uint64_t page)
{
	return (volatile uint64_t *)(memory->first + page * GUEST_PAGE);
}

uint64_t touch_read(struct program_run *run, uint64_t page)
{
	return *word_of(run->memory, page);
}

void touch_write(struct program_run *run, uint64_t page, uint64_t value)
{
	struct guest_memory *memory = run->memory;

	*word_of(memory, page) = value;
	if (memory->breath && ++memory->writes == memory->breath) {
		memory->writes = 0;
		tell_host(GUEST_PORT_BREATH);
	}
}

__attribute__((section(".entry"))) void
guest_main(const struct guest_boot *boot, uint64_t vcpu)
{
	uint64_t first = GUEST_DATA + vcpu * boot->share * GUEST_PAGE;
	struct guest_memory memory = {.first = (char *)first,
				      .breath = boot->breath};
	struct program_run run = {
		.params = boot->params,
		.npages = boot->share,
		.vcpu = (uint32_t)vcpu,
		.memory = &memory,
	};

	for (; run.round < boot->rounds; run.round++) {
		program_round(guest_programs[boot->program].program, &run);
		tell_host(GUEST_PORT_ROUND);
	}
	tell_host(GUEST_PORT_END);
	for (;;)
		__asm__ volatile("hlt");
}
