/* SPDX-License-Identifier: MIT */
/*
 * A guest without a program touches what it is ordered to touch, and nothing else:
 * KVM's log has what was written, the memory's content too, and the pages of a memfd
 * that came into being are those that were touched at all.  Skipped without /dev/kvm.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/rng.h"
#include "base/test.h"
#include "capture/vmm/guest_abi.h"
#include "capture/vmm/test_guest.h"

enum {
	PAGES = 5000,
	ROUNDS = 6,
	READ = 1,
	WRITTEN = 2,
};

struct ordered {
	struct vmm *vmm;
	unsigned int nr_vcpus;
	uint8_t touched[PAGES];	 /* ever: READ, WRITTEN */
	uint8_t expected[PAGES]; /* written in this round */
	uint8_t logged[PAGES];
	uint64_t round_of[PAGES]; /* of the last write */
};

static void up(struct ordered *o, enum vmm_backing backing,
	       enum vmm_logging logging, unsigned int nr_vcpus)
{
	const struct vmm_config config = {
		.pages = PAGES,
		.rounds = VMM_ENDLESS,
		.nr_vcpus = nr_vcpus,
		.backing = backing,
		.logging = logging,
		.is_stepped = true,
	};
	struct status st = {""};

	memset(o, 0, sizeof(*o));
	o->nr_vcpus = nr_vcpus;
	if (vmm_create(&o->vmm, &config, &st) || vmm_start(o->vmm, &st))
		fail_msg("%s", st.message);
}

/* Random orders; a vCPU keeps to its own pages, so that the last writer is known. */
static void give_orders(struct ordered *o, unsigned int vcpu, size_t n,
			struct rng *rng)
{
	uint32_t orders[VMM_ORDERS_MAX];
	uint64_t share = PAGES / o->nr_vcpus;

	for (size_t i = 0; i < n; i++) {
		uint64_t page = vcpu * share + rng_below(rng, share);
		bool is_write = rng_below(rng, 3) == 0;

		orders[i] = vmm_make_order(page, is_write);
		o->touched[page] |= is_write ? WRITTEN : READ;
		o->expected[page] |= is_write;
	}
	vmm_order(o->vmm, vcpu, orders, n);
}

static void do_round(struct ordered *o, uint64_t round)
{
	struct status st = {""};

	vmm_go(o->vmm);
	if (vmm_wait(o->vmm, TEST_PATIENCE_MS, &st) != VMM_ROUND)
		fail_msg("no round: %s", st.message);
	for (uint64_t page = 0; page < PAGES; page++)
		if (o->expected[page])
			o->round_of[page] = round;
}

static int note_page(void *context, gfn_t gfn, unsigned int vcpu)
{
	struct ordered *o = context;

	(void)vcpu;
	assert_true(gfn >= GUEST_DATA_GFN && gfn < GUEST_DATA_GFN + PAGES);
	o->logged[gfn - GUEST_DATA_GFN] = 1;
	return 0;
}

static void expect_log(struct ordered *o)
{
	struct status st = {""};

	if (vmm_harvest(o->vmm, note_page, o, &st))
		fail_msg("%s", st.message);
	assert_memory_equal(o->logged, o->expected, PAGES);
	memset(o->logged, 0, sizeof(o->logged));
}

static const char *data_of(const struct ordered *o)
{
	return (const char *)vmm_slots(o->vmm)[VMM_SLOT_DATA].hva;
}

/* Reading brings pages into being: after expect_resident(). */
static void expect_content(const struct ordered *o)
{
	for (uint64_t page = 0; page < PAGES; page++) {
		bool is_written = o->touched[page] & WRITTEN;
		uint64_t word;

		memcpy(&word, data_of(o) + page * GUEST_PAGE, sizeof(word));
		assert_true(
			word ==
			(is_written ? vmm_order_value(o->round_of[page]) : 0));
	}
}

static void expect_resident(const struct ordered *o)
{
	unsigned char resident[PAGES];

	assert_int_equal(mincore((void *)(uintptr_t)data_of(o),
				 (size_t)PAGES * GUEST_PAGE, resident),
			 0);
	for (uint64_t page = 0; page < PAGES; page++)
		assert_int_equal(resident[page] & 1, !!o->touched[page]);
}

static void check(enum vmm_backing backing, enum vmm_logging logging,
		  unsigned int nr_vcpus)
{
	struct ordered o;
	struct rng rng = {1};

	up(&o, backing, logging, nr_vcpus);
	for (uint64_t round = 0; round < ROUNDS; round++) {
		memset(o.expected, 0, sizeof(o.expected));
		for (unsigned int vcpu = 0; vcpu < nr_vcpus; vcpu++)
			give_orders(&o, vcpu, 40 * (round + 1), &rng);
		do_round(&o, round);
		if (logging == VMM_LOG_BITMAP)
			expect_log(&o);
	}
	if (backing == VMM_MEMFD)
		expect_resident(&o);
	expect_content(&o);
	vmm_destroy(o.vmm);
}

static void what_is_written_is_logged(void **state)
{
	(void)state;
	check(VMM_ANON, VMM_LOG_BITMAP, 1);
	check(VMM_ANON, VMM_LOG_BITMAP, 3);
}

static void what_is_touched_comes_into_being(void **state)
{
	(void)state;
	check(VMM_MEMFD, VMM_LOG_NONE, 1);
	check(VMM_MEMFD, VMM_LOG_NONE, 2);
}

static void a_full_batch_and_none_at_all(void **state)
{
	struct ordered o;
	struct rng rng = {2};

	(void)state;
	up(&o, VMM_MEMFD, VMM_LOG_NONE, 1);
	do_round(&o, 0);
	expect_resident(&o);
	give_orders(&o, 0, VMM_ORDERS_MAX, &rng);
	do_round(&o, 1);
	expect_resident(&o);
	expect_content(&o);
	vmm_destroy(o.vmm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_logged),
		cmocka_unit_test(what_is_touched_comes_into_being),
		cmocka_unit_test(a_full_batch_and_none_at_all),
	};
	int skipped = test_guest_missing();

	return skipped ? skipped : cmocka_run_group_tests(tests, NULL, NULL);
}
