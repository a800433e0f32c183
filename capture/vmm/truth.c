/* SPDX-License-Identifier: MIT */
/* Guest programs on the host: memory is one word and some flags per page. */
#include "capture/vmm/truth.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "capture/vmm/guest_abi.h"

struct truth {
	const struct guest_program *program;
	uint64_t pages;
	unsigned int nr_vcpus;
	struct program_run runs[GUEST_VCPUS_MAX];
	struct share {
		struct truth *truth;
		uint64_t first;
	} shares[GUEST_VCPUS_MAX];
	uint64_t *words;
	uint8_t *touches;
};

static uint64_t *touched(struct program_run *run, uint64_t page,
			 enum truth_touch how)
{
	struct share *share = run->memory;

	assert(page < run->npages);
	page += share->first;
	share->truth->touches[page] |= (uint8_t)how;
	return &share->truth->words[page];
}

uint64_t touch_read(struct program_run *run, uint64_t page)
{
	return *touched(run, page, TRUTH_READ);
}

void touch_write(struct program_run *run, uint64_t page, uint64_t value)
{
	*touched(run, page, TRUTH_WRITTEN) = value;
}

int truth_create(struct truth **result, const struct guest_program *program,
		 const void *params, uint64_t pages, unsigned int nr_vcpus,
		 struct status *st)
{
	struct truth *truth = kage_calloc(1, sizeof(*truth), st);

	assert(nr_vcpus && nr_vcpus <= GUEST_VCPUS_MAX);
	*result = truth;
	if (!truth)
		return -ENOMEM;
	truth->words = kage_calloc(pages, sizeof(*truth->words), st);
	truth->touches = kage_calloc(pages, sizeof(*truth->touches), st);
	if (!truth->words || !truth->touches) {
		truth_destroy(truth);
		*result = NULL;
		return -ENOMEM;
	}
	truth->program = program;
	truth->pages = pages;
	truth->nr_vcpus = nr_vcpus;
	for (unsigned int i = 0; i < nr_vcpus; i++) {
		truth->shares[i].truth = truth;
		truth->shares[i].first = i * (pages / nr_vcpus);
		truth->runs[i] = (struct program_run){
			.params = params,
			.npages = pages / nr_vcpus,
			.vcpu = i,
			.memory = &truth->shares[i],
		};
	}
	return 0;
}

void truth_round(struct truth *truth)
{
	memset(truth->touches, 0, truth->pages);
	for (unsigned int i = 0; i < truth->nr_vcpus; i++) {
		program_round(truth->program, &truth->runs[i]);
		truth->runs[i].round++;
	}
}

const uint8_t *truth_touches(const struct truth *truth)
{
	return truth->touches;
}

void truth_destroy(struct truth *truth)
{
	if (!truth)
		return;
	free(truth->words);
	free(truth->touches);
	free(truth);
}
