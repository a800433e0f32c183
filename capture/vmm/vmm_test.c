/* SPDX-License-Identifier: MIT */
/*
 * A VM's life: what it refuses, how it is stopped from any state, what it says of
 * a guest that goes astray.  Skipped without /dev/kvm.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/test.h"
#include "capture/vmm/guest_abi.h"
#include "capture/vmm/test_guest.h"

/* Draws that no test waits for. */
static const char *const long_round = "draws=1000000000";

static double seconds_since(const struct timespec *begin)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)(t.tv_sec - begin->tv_sec) +
	       (double)(t.tv_nsec - begin->tv_nsec) / 1e9;
}

static void impossible_guests_are_refused(void **state)
{
	static const struct {
		struct vmm_config config;
		const char *message;
	} cases[] = {
		{{.pages = 10, .nr_vcpus = 0}, "0 vCPUs"},
		{{.pages = 100, .nr_vcpus = GUEST_VCPUS_MAX + 1}, "17 vCPUs"},
		{{.pages = 1, .nr_vcpus = 2}, "1 guest pages"},
		{{.pages = (uint64_t)1 << 40, .nr_vcpus = 1}, "guest pages"},
		{{.pages = 10,
		  .nr_vcpus = 1,
		  .logging = VMM_LOG_RING,
		  .ring_entries = 1000},
		 "power of two, not 1000"},
		{{.pages = 10,
		  .nr_vcpus = 1,
		  .logging = VMM_LOG_RING,
		  .ring_entries = 128},
		 "256 to"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_Alignas(max_align_t) char params[PROGRAM_PARAMS_MAX] = {0};
		struct vmm_config config = cases[i].config;
		struct status st = {""};
		struct vmm *vmm;

		if (config.logging == VMM_LOG_RING &&
		    vmm_probe(VMM_LOG_RING, &st))
			continue;
		config.program = &guest_programs[0];
		config.params = params;
		assert_int_equal(vmm_create(&vmm, &config, &st), -EINVAL);
		assert_null(vmm);
		assert_non_null(strstr(st.message, cases[i].message));
	}
}

static void no_memory_is_an_error(void **state)
{
	_Alignas(max_align_t) char params[PROGRAM_PARAMS_MAX] = {0};
	const struct vmm_config config = {.program = &guest_programs[0],
					  .params = params,
					  .pages = 10,
					  .nr_vcpus = 1,
					  .logging = VMM_LOG_BITMAP};
	struct status st = {""};
	struct vmm *vmm;
	unsigned long nth = 1;
	int ret;

	(void)state;
	param_defaults(guest_programs[0].program->params, params);
	for (;; nth++) {
		kage_alloc_fail_at(nth);
		ret = vmm_create(&vmm, &config, &st);
		kage_alloc_fail_at(0);
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
	}
	assert_true(nth > 1);
	vmm_destroy(vmm);
}

static void slots_have_a_hole_between_them(void **state)
{
	const struct vmm_config config = {
		.pages = 77, .nr_vcpus = 1, .backing = VMM_MEMFD};
	const struct trace_slot *slots;
	struct test_guest guest;

	(void)state;
	test_guest_up(&guest, "scan", NULL, &config);
	slots = vmm_slots(guest.vmm);
	assert_int_equal(slots[VMM_SLOT_LOW].gfn, 0);
	assert_true(slots[VMM_SLOT_LOW].npages < GUEST_DATA_GFN);
	assert_int_equal(slots[VMM_SLOT_DATA].gfn, GUEST_DATA_GFN);
	assert_int_equal(slots[VMM_SLOT_DATA].npages, 77);
	assert_string_equal(slots[VMM_SLOT_DATA].backing, "memfd");
	assert_int_equal(slots[VMM_SLOT_DATA].hva % (2 << 20), 0);
	test_guest_down(&guest);
}

/* What the guest wrote is in our memory, and what it only read is as it was. */
static void the_guests_memory_is_ours(void **state)
{
	const struct vmm_config config = {
		.pages = 50, .rounds = 2, .nr_vcpus = 1, .is_stepped = true};
	struct test_guest guest;
	struct status st = {""};
	const volatile uint64_t *data;

	(void)state;
	test_guest_up(&guest, "hotcold", "hot=500", &config);
	data = (uint64_t *)vmm_slots(guest.vmm)[VMM_SLOT_DATA].hva;
	assert_int_equal(vmm_start(guest.vmm, &st), 0);
	for (int round = 0; round < 2; round++) {
		vmm_go(guest.vmm);
		assert_int_equal(test_guest_wait(&guest), VMM_ROUND);
	}
	for (size_t page = 0; page < 50; page++)
		assert_int_equal(data[page * GUEST_PAGE / sizeof(*data)],
				 page < 25);
	test_guest_down(&guest);
}

/* Walks of tables with all bits set have nothing to write. */
static void page_walks_write_nothing(void **state)
{
	enum {
		BYTES = GUEST_CODE - GUEST_PML4
	};
	const struct vmm_config config = {
		.pages = 600, .rounds = 3, .nr_vcpus = 2};
	static unsigned char before[BYTES];
	const unsigned char *tables;
	struct test_guest guest;
	struct status st = {""};

	(void)state;
	test_guest_up(&guest, "scan", "part=1000,access=write", &config);
	tables = (unsigned char *)vmm_slots(guest.vmm)[VMM_SLOT_LOW].hva +
		 GUEST_PML4;
	memcpy(before, tables, BYTES);
	assert_int_equal(vmm_start(guest.vmm, &st), 0);
	while (test_guest_wait(&guest) != VMM_ENDED)
		;
	assert_memory_equal(before, tables, BYTES);
	test_guest_down(&guest);
}

static void no_rounds_touch_nothing(void **state)
{
	struct vmm_config config = {
		.pages = 50, .nr_vcpus = 2, .logging = VMM_LOG_BITMAP};

	(void)state;
	for (int stepped = 0; stepped <= 1; stepped++) {
		struct test_guest guest;
		struct status st = {""};
		struct vmm_counts counts;

		config.is_stepped = stepped;
		test_guest_up(&guest, "scan", NULL, &config);
		assert_int_equal(vmm_start(guest.vmm, &st), 0);
		if (stepped)
			vmm_go(guest.vmm);
		assert_int_equal(test_guest_wait(&guest), VMM_ENDED);
		test_guest_harvest(&guest);
		vmm_counts(guest.vmm, &counts);
		assert_int_equal(counts.rounds, 0);
		assert_int_equal(counts.dirty_pages, 0);
		test_guest_down(&guest);
	}
}

/* Free running: round 0 is told, then the end; in between the pace is kept. */
static void a_free_guest_keeps_its_pace(void **state)
{
	const struct vmm_config config = {
		.pages = 20, .rounds = 4, .pace_ns = 50000000, .nr_vcpus = 2};
	struct test_guest guest;
	struct status st = {""};
	struct vmm_counts counts;
	struct timespec begin;
	struct pollfd fd;

	(void)state;
	test_guest_up(&guest, "scan", NULL, &config);
	fd = (struct pollfd){.fd = vmm_fd(guest.vmm), .events = POLLIN};
	assert_int_equal(vmm_vcpu_tid(guest.vmm, 0), 0);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	assert_int_equal(vmm_start(guest.vmm, &st), 0);
	assert_true(vmm_vcpu_tid(guest.vmm, 0) != vmm_vcpu_tid(guest.vmm, 1));
	assert_true(vmm_vcpu_tid(guest.vmm, 1) > 0);
	assert_int_equal(poll(&fd, 1, TEST_PATIENCE_MS), 1);
	assert_int_equal(test_guest_wait(&guest), VMM_ROUND);
	assert_int_equal(test_guest_wait(&guest), VMM_ENDED);
	assert_int_equal(poll(&fd, 1, TEST_PATIENCE_MS), 1);
	assert_true(seconds_since(&begin) >= 4 * 0.05);
	vmm_counts(guest.vmm, &counts);
	assert_int_equal(counts.rounds, 4);
	test_guest_down(&guest);
}

static void a_stepped_guest_waits(void **state)
{
	const struct vmm_config config = {.pages = 20,
					  .rounds = VMM_ENDLESS,
					  .nr_vcpus = 2,
					  .is_stepped = true};
	struct test_guest guest;
	struct status st = {""};
	struct vmm_counts counts;

	(void)state;
	test_guest_up(&guest, "scan", NULL, &config);
	assert_int_equal(vmm_start(guest.vmm, &st), 0);
	for (uint64_t rounds = 0; rounds < 3; rounds++) {
		assert_int_equal(vmm_wait(guest.vmm, 20, &st), VMM_TIMEOUT);
		vmm_counts(guest.vmm, &counts);
		assert_int_equal(counts.rounds, rounds);
		vmm_go(guest.vmm);
		assert_int_equal(test_guest_wait(&guest), VMM_ROUND);
	}
	test_guest_down(&guest);
}

static void expect_quick_stop(struct test_guest *guest)
{
	struct timespec begin;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	vmm_stop(guest->vmm);
	assert_true(seconds_since(&begin) < 60); /* a round takes hours */
	vmm_stop(guest->vmm);
}

/* In a round that takes hours; what was logged until then can be had. */
static void a_guest_in_mid_round_is_stopped(void **state)
{
	struct vmm_config config = {.pages = 100,
				    .rounds = VMM_ENDLESS,
				    .nr_vcpus = 2,
				    .logging = VMM_LOG_BITMAP};
	struct test_guest guest;
	struct status st = {""};
	unsigned int written = 0;

	(void)state;
	test_guest_up(&guest, "zipf", long_round, &config);
	assert_int_equal(vmm_start(guest.vmm, &st), 0);
	assert_int_equal(test_guest_wait(&guest), VMM_ROUND);
	test_guest_harvest(&guest);
	memset(guest.written, 0, config.pages);
	assert_int_equal(vmm_wait(guest.vmm, 200, &st), VMM_TIMEOUT);
	expect_quick_stop(&guest);
	test_guest_harvest(&guest);
	for (size_t i = 0; i < config.pages; i++)
		written += guest.written[i];
	assert_true(written > 0);
	assert_int_equal(vmm_wait(guest.vmm, 0, &st), VMM_ENDED);
	test_guest_down(&guest);
}

static void a_waiting_guest_is_stopped(void **state)
{
	const uint64_t hour_ns = (uint64_t)3600 * 1000000000;
	const struct vmm_config stepped = {
		.pages = 20, .rounds = 9, .nr_vcpus = 2, .is_stepped = true};
	const struct vmm_config paced = {
		.pages = 20, .rounds = 9, .pace_ns = hour_ns, .nr_vcpus = 2};
	struct test_guest guest;
	struct status st = {""};

	(void)state;
	test_guest_up(&guest, "scan", NULL, &stepped);
	expect_quick_stop(&guest); /* before the start */
	test_guest_down(&guest);
	test_guest_up(&guest, "scan", NULL, &stepped);
	assert_int_equal(vmm_start(guest.vmm, &st), 0);
	expect_quick_stop(&guest);
	test_guest_down(&guest);
	test_guest_up(&guest, "scan", NULL, &paced);
	assert_int_equal(vmm_start(guest.vmm, &st), 0);
	assert_int_equal(test_guest_wait(&guest), VMM_ROUND);
	expect_quick_stop(&guest);
	test_guest_down(&guest);
}

static void a_held_guest_is_stopped(void **state)
{
	const struct vmm_config config = {.pages = 2000,
					  .rounds = 9,
					  .ring_entries = TEST_RING_SMALL,
					  .breath = TEST_BREATH,
					  .logging = VMM_LOG_RING,
					  .nr_vcpus = 1};
	struct test_guest guest;
	struct status st = {""};
	struct vmm_counts counts;

	(void)state;
	if (vmm_probe(VMM_LOG_RING, &st))
		skip();
	test_guest_up(&guest, "scan", NULL, &config);
	assert_int_equal(vmm_start(guest.vmm, &st), 0);
	assert_int_equal(vmm_wait(guest.vmm, TEST_PATIENCE_MS, &st),
			 VMM_RING_FULL);
	assert_int_equal(vmm_wait(guest.vmm, 50, &st), VMM_RING_FULL);
	expect_quick_stop(&guest);
	test_guest_harvest(&guest);
	vmm_counts(guest.vmm, &counts);
	assert_int_equal(counts.ring_full, 1);
	assert_true(counts.dirty_pages > 0);
	for (size_t i = 0; i < config.pages; i++)
		assert_int_equal(guest.written[i], i < counts.dirty_pages);
	test_guest_down(&guest);
}

/* Signals of the process are for its other threads. */
static void vcpus_take_no_signals(void **state)
{
	const struct vmm_config config = {
		.pages = 20, .rounds = VMM_ENDLESS, .nr_vcpus = 1};
	const struct timespec patience = {.tv_sec = TEST_PATIENCE_MS / 1000};
	struct test_guest guest;
	struct status st = {""};
	sigset_t one, before;

	(void)state;
	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	sigprocmask(SIG_BLOCK, &one, &before);
	test_guest_up(&guest, "zipf", long_round, &config);
	assert_int_equal(vmm_start(guest.vmm, &st), 0);
	kill(getpid(), SIGUSR1);
	assert_int_equal(sigtimedwait(&one, NULL, &patience), SIGUSR1);
	expect_quick_stop(&guest);
	test_guest_down(&guest);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static void a_guest_astray_is_told(void **state)
{
	static const struct {
		const char *code, *message;
		size_t bytes;
	} cases[] = {
		{"\xf4", "halted before its program's end", 1},
		{"\x0f\x0b", "shut down", 2},
		{"\xe7\x99", "unknown port 0x99", 2},
		/* mov %eax, 4 GiB + 20 pages: mapped, but behind the slot */
		{"\xa3\x00\x40\x01\x00\x01\x00\x00\x00",
		 "touched 0x100014000, where no memory is", 9},
	};
	const struct vmm_config config = {
		.pages = 20, .rounds = 3, .nr_vcpus = 1};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct test_guest guest;
		struct status st = {""};
		uint64_t low;

		test_guest_up(&guest, "scan", NULL, &config);
		low = vmm_slots(guest.vmm)[VMM_SLOT_LOW].hva;
		memcpy((char *)low + GUEST_CODE, cases[i].code, cases[i].bytes);
		assert_int_equal(vmm_start(guest.vmm, &st), 0);
		assert_int_equal(vmm_wait(guest.vmm, TEST_PATIENCE_MS, &st),
				 -EIO);
		print_message("%s\n", st.message);
		assert_non_null(strstr(st.message, cases[i].message));
		assert_non_null(strstr(st.message, "scan, vCPU 0, round 0"));
		test_guest_down(&guest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(impossible_guests_are_refused),
		cmocka_unit_test(no_memory_is_an_error),
		cmocka_unit_test(slots_have_a_hole_between_them),
		cmocka_unit_test(the_guests_memory_is_ours),
		cmocka_unit_test(page_walks_write_nothing),
		cmocka_unit_test(no_rounds_touch_nothing),
		cmocka_unit_test(a_free_guest_keeps_its_pace),
		cmocka_unit_test(a_stepped_guest_waits),
		cmocka_unit_test(a_guest_in_mid_round_is_stopped),
		cmocka_unit_test(a_waiting_guest_is_stopped),
		cmocka_unit_test(a_held_guest_is_stopped),
		cmocka_unit_test(vcpus_take_no_signals),
		cmocka_unit_test(a_guest_astray_is_told),
	};
	int missing = test_guest_missing();

	return missing ? missing : cmocka_run_group_tests(tests, NULL, NULL);
}
