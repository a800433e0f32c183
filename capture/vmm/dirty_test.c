/* SPDX-License-Identifier: MIT */
/*
 * What KVM logs of a guest is what the program's truth says it writes, round by
 * round, and nothing else.  Skipped without /dev/kvm.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/test.h"
#include "capture/vmm/test_guest.h"

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* All rounds, stepped; each round's set is held against the truth. */
static void step_through(struct test_guest *guest, struct vmm_counts *counts)
{
	struct status st = {""};
	double begin = now_ms();

	assert_int_equal(vmm_start(guest->vmm, &st), 0);
	for (uint64_t i = 0; i < guest->config.rounds; i++) {
		vmm_go(guest->vmm);
		assert_int_equal(test_guest_wait(guest), VMM_ROUND);
		test_guest_harvest(guest);
		truth_round(guest->truth);
		test_guest_expect_round(guest);
	}
	vmm_go(guest->vmm);
	assert_int_equal(test_guest_wait(guest), VMM_ENDED);
	test_guest_harvest(guest);
	for (uint64_t i = 0; i < guest->config.pages; i++)
		assert_int_equal(guest->written[i], 0);
	vmm_counts(guest->vmm, counts);
	assert_int_equal(counts->rounds, guest->config.rounds);
	print_message("%-8s %-4s %u vCPUs: %u rounds, %u of %u pages handed "
		      "out, ring full %u times, %.1f ms\n",
		      guest->config.program->name,
		      vmm_logging_names[guest->config.logging],
		      guest->config.nr_vcpus, (unsigned int)counts->rounds,
		      (unsigned int)counts->dirty_pages,
		      (unsigned int)guest->config.pages,
		      (unsigned int)counts->ring_full, now_ms() - begin);
}

static void check(const char *program, const char *params,
		  const struct vmm_config *config)
{
	struct vmm_counts counts;
	struct test_guest guest;

	test_guest_up(&guest, program, params, config);
	step_through(&guest, &counts);
	test_guest_down(&guest);
}

/* What this KVM has: the log always, the ring perhaps. */
static unsigned int nr_loggings(void)
{
	struct status why = {""};

	if (!vmm_probe(VMM_LOG_RING, &why))
		return VMM_LOG_RING;
	print_message("not tested: %s\n", why.message);
	return VMM_LOG_BITMAP;
}

static void every_program_writes_what_its_truth_says(void **state)
{
	struct vmm_config config = {
		.rounds = 4, .ring_entries = TEST_RING, .is_stepped = true};
	unsigned int most = nr_loggings();

	(void)state;
	for (unsigned int log = VMM_LOG_BITMAP; log <= most; log++)
		for (unsigned int vcpus = 1; vcpus <= 2; vcpus++) {
			config.logging = (enum vmm_logging)log;
			config.nr_vcpus = vcpus;
			config.pages = 301; /* no multiple of 64 */
			for (const struct program_entry *e = guest_programs;
			     e->name; e++)
				check(e->name, NULL, &config);
		}
}

static void reads_are_never_logged(void **state)
{
	struct vmm_config config = {.pages = 200,
				    .rounds = 4,
				    .ring_entries = TEST_RING,
				    .breath = TEST_BREATH,
				    .nr_vcpus = 1,
				    .is_stepped = true};
	unsigned int most = nr_loggings();

	(void)state;
	for (unsigned int log = VMM_LOG_BITMAP; log <= most; log++) {
		config.logging = (enum vmm_logging)log;
		check("hotcold",
		      "hot=300,hot_access=read,cold=250,cold_access=write",
		      &config);
		check("hotcold", "hot=300,cold=1000,scatter=1", &config);
		check("scan", "part=1000,access=read", &config);
		check("chase", "steps=400", &config);
		check("chase", "steps=100,writes=500", &config);
		check("zipf", "draws=300,writes=100", &config);
	}
}

static void memory_may_be_a_memfd_or_huge(void **state)
{
	struct vmm_config config = {.pages = 1200,
				    .rounds = 3,
				    .ring_entries = TEST_RING,
				    .breath = TEST_BREATH,
				    .nr_vcpus = 2,
				    .is_stepped = true};
	unsigned int most = nr_loggings();

	(void)state;
	for (unsigned int log = VMM_LOG_BITMAP; log <= most; log++) {
		config.logging = (enum vmm_logging)log;
		config.backing = VMM_MEMFD;
		config.is_thp = false;
		check("hotcold", "scatter=1", &config);
		config.backing = VMM_ANON;
		config.is_thp = true;
		check("hotcold", "scatter=1", &config);
	}
}

/* Round 0 writes many times what the rings hold. */
static void a_full_ring_loses_nothing(void **state)
{
	const struct vmm_config config = {.pages = 3000,
					  .rounds = 3,
					  .ring_entries = TEST_RING_SMALL,
					  .breath = TEST_BREATH,
					  .logging = VMM_LOG_RING,
					  .nr_vcpus = 2,
					  .is_stepped = true};
	struct vmm_counts counts;
	struct test_guest guest;

	(void)state;
	if (nr_loggings() != VMM_LOG_RING)
		skip();
	test_guest_up(&guest, "scan", "part=1000,access=write", &config);
	step_through(&guest, &counts);
	/* A harvest finds no more than the rings hold. */
	assert_true(counts.dirty_pages <= (counts.ring_full + counts.rounds) *
						  config.nr_vcpus *
						  TEST_RING_SMALL);
	assert_true(counts.dirty_pages >= 9000);
	test_guest_down(&guest);
}

static int count_pages(void *context, gfn_t gfn, unsigned int vcpu)
{
	(void)gfn;
	(void)vcpu;
	++*(unsigned int *)context;
	return 0;
}

/* Without breath it is up to KVM: all pages come, or the loss is said. */
static void an_overrun_ring_is_never_silent(void **state)
{
	const struct vmm_config config = {.pages = 3000,
					  .rounds = 1,
					  .ring_entries = TEST_RING_SMALL,
					  .logging = VMM_LOG_RING,
					  .nr_vcpus = 1};
	struct test_guest guest;
	struct status st = {""};
	unsigned int seen = 0;
	int ret = 0, event = VMM_TIMEOUT;

	(void)state;
	if (nr_loggings() != VMM_LOG_RING)
		skip();
	test_guest_up(&guest, "scan", NULL, &config);
	assert_int_equal(vmm_start(guest.vmm, &st), 0);
	while (!ret && event != VMM_ENDED) {
		event = vmm_wait(guest.vmm, TEST_PATIENCE_MS, &st);
		assert_true(event > VMM_TIMEOUT);
		ret = vmm_harvest(guest.vmm, count_pages, &seen, &st);
	}
	print_message("%u of 3000 pages: %s\n", seen,
		      ret ? st.message : "no overrun");
	if (ret)
		assert_int_equal(ret, -ENOBUFS);
	else
		assert_int_equal(seen, 3000);
	test_guest_down(&guest);
}

static void add_truth(struct test_guest *guest, uint8_t *all)
{
	truth_round(guest->truth);
	for (uint64_t i = 0; i < guest->config.pages; i++)
		all[i] |= truth_touches(guest->truth)[i] & TRUTH_WRITTEN;
}

/* Harvests at any time, guest running: together they are the whole truth. */
static void harvests_of_a_running_guest_add_up(void **state)
{
	struct vmm_config config = {.pages = 500,
				    .rounds = 30,
				    .ring_entries = TEST_RING_SMALL,
				    .breath = TEST_BREATH,
				    .nr_vcpus = 2};
	unsigned int most = nr_loggings();

	(void)state;
	for (unsigned int log = VMM_LOG_BITMAP; log <= most; log++) {
		struct test_guest guest;
		struct status st = {""};
		uint8_t all[500] = {0};
		unsigned int harvests = 0;
		int event;

		config.logging = (enum vmm_logging)log;
		test_guest_up(&guest, "zipf", "draws=60,octave=1500", &config);
		assert_int_equal(vmm_start(guest.vmm, &st), 0);
		while ((event = vmm_wait(guest.vmm, 1, &st)) != VMM_ENDED) {
			assert_true(event >= 0);
			test_guest_harvest(&guest);
			harvests++;
		}
		test_guest_harvest(&guest);
		for (uint64_t i = 0; i < config.rounds; i++)
			add_truth(&guest, all);
		for (size_t i = 0; i < sizeof(all); i++)
			assert_int_equal(guest.written[i], all[i] != 0);
		print_message("%s: %u harvests of a running guest\n",
			      vmm_logging_names[log], harvests);
		assert_true(harvests > 2);
		test_guest_down(&guest);
	}
}

/* A harvest that its receiver ends says so. */
static int refuse(void *context, gfn_t gfn, unsigned int vcpu)
{
	(void)gfn;
	(void)vcpu;
	++*(unsigned int *)context;
	return -5;
}

static void a_receivers_error_is_passed_on(void **state)
{
	struct vmm_config config = {.pages = 10,
				    .rounds = 1,
				    .ring_entries = TEST_RING,
				    .breath = TEST_BREATH,
				    .nr_vcpus = 1,
				    .is_stepped = true};
	unsigned int most = nr_loggings();

	(void)state;
	for (unsigned int log = VMM_LOG_BITMAP; log <= most; log++) {
		struct test_guest guest;
		struct status st = {""};
		unsigned int calls = 0;

		config.logging = (enum vmm_logging)log;
		test_guest_up(&guest, "scan", NULL, &config);
		assert_int_equal(vmm_start(guest.vmm, &st), 0);
		vmm_go(guest.vmm);
		assert_int_equal(test_guest_wait(&guest), VMM_ROUND);
		assert_int_equal(vmm_harvest(guest.vmm, refuse, &calls, &st),
				 -5);
		assert_int_equal(calls, 1);
		test_guest_down(&guest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_program_writes_what_its_truth_says),
		cmocka_unit_test(reads_are_never_logged),
		cmocka_unit_test(memory_may_be_a_memfd_or_huge),
		cmocka_unit_test(a_full_ring_loses_nothing),
		cmocka_unit_test(an_overrun_ring_is_never_silent),
		cmocka_unit_test(harvests_of_a_running_guest_add_up),
		cmocka_unit_test(a_receivers_error_is_passed_on),
	};
	int missing = test_guest_missing();

	return missing ? missing : cmocka_run_group_tests(tests, NULL, NULL);
}
