/* SPDX-License-Identifier: MIT */
/* A guest beside its truth, for tests only. */
#include "capture/vmm/test_guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "capture/vmm/guest_abi.h"

int test_guest_missing(void)
{
	struct status why = {""};

	if (!vmm_probe(VMM_LOG_NONE, &why))
		return 0;
	printf("skip: %s\n", why.message);
	return TEST_SKIPPED;
}

void test_guest_up(struct test_guest *guest, const char *program,
		   const char *params, const struct vmm_config *config)
{
	const struct program_entry *entry = program_find(program, NULL);
	struct status st = {""};
	int ret;

	assert_non_null(entry);
	*guest = (struct test_guest){.config = *config};
	assert_int_equal(param_parse(entry->program->params, guest->params,
				     program, params, &st),
			 0);
	guest->config.program = entry;
	guest->config.params = guest->params;
	guest->written = calloc(config->pages, 1);
	assert_non_null(guest->written);
	assert_int_equal(truth_create(&guest->truth, entry->program,
				      guest->params, config->pages,
				      config->nr_vcpus, &st),
			 0);
	ret = vmm_create(&guest->vmm, &guest->config, &st);
	if (ret)
		fail_msg("%s", st.message);
}

void test_guest_down(struct test_guest *guest)
{
	vmm_destroy(guest->vmm);
	truth_destroy(guest->truth);
	free(guest->written);
}

static int note_page(void *context, gfn_t gfn, unsigned int vcpu)
{
	struct test_guest *guest = context;
	uint64_t page = gfn - GUEST_DATA_GFN;
	uint64_t share = guest->config.pages / guest->config.nr_vcpus;

	assert_true(gfn >= GUEST_DATA_GFN && page < guest->config.pages);
	if (guest->config.logging == VMM_LOG_RING)
		assert_int_equal(vcpu, page / share);
	else
		assert_true(vcpu == VMM_ANY_VCPU);
	guest->written[page] = 1;
	return 0;
}

void test_guest_harvest(struct test_guest *guest)
{
	struct status st = {""};

	if (vmm_harvest(guest->vmm, note_page, guest, &st))
		fail_msg("%s", st.message);
}

int test_guest_wait(struct test_guest *guest)
{
	struct status st = {""};
	int ret;

	while ((ret = vmm_wait(guest->vmm, TEST_PATIENCE_MS, &st)) ==
	       VMM_RING_FULL)
		test_guest_harvest(guest);
	if (ret < 0)
		fail_msg("%s", st.message);
	assert_int_not_equal(ret, VMM_TIMEOUT);
	return ret;
}

void test_guest_expect_round(struct test_guest *guest)
{
	const uint8_t *touches = truth_touches(guest->truth);

	for (uint64_t page = 0; page < guest->config.pages; page++)
		if (guest->written[page] != !!(touches[page] & TRUTH_WRITTEN))
			fail_msg("%s(%s): page %u: the guest %s it, %s logged",
				 guest->config.program->name,
				 vmm_logging_names[guest->config.logging],
				 (unsigned int)page,
				 guest->written[page] ? "did not write"
						      : "wrote",
				 guest->written[page] ? "but it is"
						      : "but it is not");
	memset(guest->written, 0, guest->config.pages);
}
