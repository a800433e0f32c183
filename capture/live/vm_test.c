/* SPDX-License-Identifier: MIT */
/*
 * The guest's process: it touches the pages that it is told to, over any number of
 * batches, and its end is noticed.  Skipped without /dev/kvm.
 */
#include "capture/live/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/test.h"

enum {
	PAGES = 3000,
	ORDERS = 2 * LIVE_VM_BATCH + 17,
	SKIPPED = 77,
};

static void start(struct live_vm *vm, unsigned int nr_vcpus)
{
	const struct live_vm_config config = {
		.pages = PAGES, .nr_vcpus = nr_vcpus, .procs = -1};
	struct status st = {""};

	if (live_vm_start(vm, &config, &st))
		fail_msg("%s", st.message);
	assert_int_equal(vm->slot.npages, PAGES);
	assert_true(vm->tids[0] > 0 && vm->tids[0] != vm->pid);
}

/* In memory of that process: reading it there would bring pages into being, so look
 * first at which there are. */
static uint64_t is_there(const struct live_vm *vm, int pagemap, uint64_t page)
{
	uint64_t entry;

	assert_int_equal(
		pread(pagemap, &entry, sizeof(entry),
		      (off_t)((vm->slot.hva / TRACE_PAGE_BYTES + page) *
			      sizeof(entry))),
		sizeof(entry));
	return entry >> 62 != 0; /* or in swap: the host may be busy */
}

static int open_of(const struct live_vm *vm, const char *file)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", vm->pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void expect(const struct live_vm *vm, const uint64_t *written,
		   const bool *touched)
{
	int pagemap = open_of(vm, "pagemap"), mem = open_of(vm, "mem");

	for (uint64_t page = 0; page < PAGES; page++) {
		uint64_t word;

		assert_int_equal(is_there(vm, pagemap, page), touched[page]);
		assert_int_equal(
			pread(mem, &word, sizeof(word),
			      (off_t)(vm->slot.hva + page * TRACE_PAGE_BYTES)),
			sizeof(word));
		assert_true(word == written[page]);
	}
	close(pagemap);
	close(mem);
}

static void it_touches_what_it_is_told(void **state)
{
	uint32_t *orders = calloc(ORDERS, sizeof(*orders));
	uint64_t written[PAGES] = {0};
	bool touched[PAGES] = {false};
	struct rng rng = {3};
	struct status st = {""};
	struct live_vm vm;
	uint64_t first;

	(void)state;
	assert_non_null(orders);
	start(&vm, 1);
	first = vm.rounds;
	for (size_t i = 0; i < ORDERS; i++) {
		uint64_t page = rng_below(&rng, PAGES / 4) * 3;
		bool is_write = rng_below(&rng, 2);

		orders[i] = vmm_make_order(page, is_write);
		touched[page] = true;
		if (is_write)
			written[page] =
				vmm_order_value(first + i / LIVE_VM_BATCH);
	}
	assert_int_equal(live_vm_play(&vm, orders, 0, &st), 0);
	assert_int_equal(live_vm_play(&vm, orders, ORDERS, &st), 0);
	assert_int_equal(vm.rounds - first, 3);
	expect(&vm, written, touched);
	live_vm_stop(&vm);
	live_vm_stop(&vm);
	free(orders);
}

static void several_vcpus_share_the_orders(void **state)
{
	uint32_t orders[3 * LIVE_VM_BATCH];
	uint64_t written[PAGES] = {0};
	bool touched[PAGES] = {false};
	struct status st = {""};
	struct live_vm vm;
	uint64_t first;

	(void)state;
	start(&vm, 3);
	first = vm.rounds;
	for (uint32_t i = 0; i < 3 * LIVE_VM_BATCH; i++) {
		orders[i] = vmm_make_order(i, true);
		written[i] = vmm_order_value(first);
		touched[i] = true;
	}
	assert_int_equal(
		live_vm_begin(&vm, orders, (size_t)3 * LIVE_VM_BATCH, &st), 0);
	assert_int_equal(live_vm_end(&vm, &st), 0);
	assert_int_equal(vm.rounds, first + 1);
	expect(&vm, written, touched);
	live_vm_stop(&vm);
}

static void its_death_is_told(void **state)
{
	const uint32_t order = vmm_make_order(1, true);
	struct status st = {""};
	struct live_vm vm;

	(void)state;
	start(&vm, 1);
	assert_int_equal(live_vm_play(&vm, &order, 1, &st), 0);
	assert_int_equal(kill(vm.pid, SIGKILL), 0);
	assert_int_equal(live_vm_play(&vm, &order, 1, &st), -ECHILD);
	assert_non_null(strstr(st.message, "killed"));
	assert_int_equal(live_vm_play(&vm, &order, 1, &st), -ECHILD);
	live_vm_stop(&vm);
}

static void an_order_for_no_page_is_told(void **state)
{
	const uint32_t order = vmm_make_order(PAGES, true);
	struct status st = {""};
	struct live_vm vm;

	(void)state;
	start(&vm, 1);
	assert_int_equal(live_vm_play(&vm, &order, 1, &st), -EIO);
	assert_non_null(strstr(st.message, "where no memory is"));
	live_vm_stop(&vm);
}

static void what_cannot_be_started_says_why(void **state)
{
	const struct live_vm_config nothing = {.nr_vcpus = 1, .procs = -1};
	const struct live_vm_config nowhere = {
		.pages = 1, .nr_vcpus = 1, .procs = STDERR_FILENO + 1000};
	struct status st = {""};
	struct live_vm vm;

	(void)state;
	assert_int_equal(live_vm_start(&vm, &nothing, &st), -EINVAL);
	assert_non_null(strstr(st.message, "guest pages"));
	assert_int_equal(live_vm_start(&vm, &nowhere, &st), -EBADF);
	assert_non_null(strstr(st.message, "cgroup"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_touches_what_it_is_told),
		cmocka_unit_test(several_vcpus_share_the_orders),
		cmocka_unit_test(its_death_is_told),
		cmocka_unit_test(an_order_for_no_page_is_told),
		cmocka_unit_test(what_cannot_be_started_says_why),
	};
	struct status why = {""};

	if (!vmm_probe(VMM_LOG_NONE, &why))
		return cmocka_run_group_tests(tests, NULL, NULL);
	printf("skip: %s\n", why.message);
	return SKIPPED;
}
