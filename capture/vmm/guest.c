/* SPDX-License-Identifier: MIT */
/*
 * The code inside the guest: runs the program's rounds, or without a program what
 * the host orders.  Entered in 64-bit mode with a stack, the boot page and the
 * vCPU's number; interrupts never come.
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

/* Orders name pages of the whole slot, not of the vCPU's share. */
static void follow_orders(struct program_run *run)
{
	const struct guest_orders *orders =
		(const void *)(GUEST_ORDERS +
			       (uint64_t)run->vcpu * GUEST_ORDERS_BYTES);

	for (uint32_t i = 0; i < orders->n; i++) {
		uint64_t page = orders->order[i] >> 1;

		if (orders->order[i] & 1)
			touch_write(run, page, GUEST_ORDER_VALUE(run->round));
		else
			touch_read(run, page);
	}
}

__attribute__((section(".entry"))) void
guest_main(const struct guest_boot *boot, uint64_t vcpu)
{
	bool is_ordered = boot->program == GUEST_NO_PROGRAM;
	uint64_t page = is_ordered ? 0 : vcpu * boot->share;
	struct guest_memory memory = {
		.first = (char *)(GUEST_DATA + page * GUEST_PAGE),
		.breath = boot->breath,
	};
	struct program_run run = {
		.params = boot->params,
		.npages = boot->share,
		.vcpu = (uint32_t)vcpu,
		.memory = &memory,
	};

	for (; run.round < boot->rounds; run.round++) {
		if (is_ordered)
			follow_orders(&run);
		else
			program_round(guest_programs[boot->program].program,
				      &run);
		tell_host(GUEST_PORT_ROUND);
	}
	tell_host(GUEST_PORT_END);
	for (;;)
		__asm__ volatile("hlt");
}
