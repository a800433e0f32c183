/* SPDX-License-Identifier: MIT */
/* Looking for a table of memslots, in our own memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/qemu/qemu_slots.h"

enum {
	STRIDE = 9, /* words of an entry: 72 bytes, as QEMU 7.2 has it */
	ROOM = 8,
	SKIPPED = 77,
};

/* Addresses that no guest of ours has. */
#define HVA UINT64_C(0x6f0000000000)

static struct qemu_piece pieces[] = {
	{.gpa = 0, .bytes = 0xa0000, .hva = HVA, .is_kvm = true},
	{.gpa = 0xa0000, .bytes = 0x20000},
	{.gpa = 0xc0000, .bytes = 0x40000, .hva = HVA + 0xc0000, .is_kvm = true},
	{.gpa = 0x100000000,
	 .bytes = 0x1000,
	 .hva = HVA + 0x100000,
	 .is_kvm = true},
};
static const struct qemu_view view = {4, pieces};

/* The numbers are the places in the table. */
static void put(uint64_t *table, uint32_t id, const struct qemu_piece *piece,
		uint32_t space)
{
	uint64_t *entry = table + id * STRIDE;
	/* not constants of the program: only the table may hold them together */
	volatile uint64_t hva = piece->hva;

	entry[0] = piece->gpa;
	entry[1] = piece->bytes;
	entry[2] = hva;
	memcpy(entry + 3, &id, sizeof(id));
	memcpy(entry + 7, &space, sizeof(space));
}

/* The table is read through /proc/self/mem, which the compiler does not know: what
 * was written to it must be in memory. */
static void publish(const uint64_t *table)
{
	__asm__ volatile("" : : "r"(table) : "memory");
}

static uint64_t *make_table(uint32_t a, uint32_t b, uint32_t c, uint32_t space)
{
	uint64_t *table = calloc(ROOM * STRIDE, sizeof(*table));

	assert_non_null(table);
	put(table, a, &pieces[0], space);
	put(table, b, &pieces[2], space);
	put(table, c, &pieces[3], space);
	publish(table);
	return table;
}

/* A freed table must not be found by the next test. */
static void drop(uint64_t *table)
{
	explicit_bzero(table, ROOM * STRIDE * sizeof(*table));
	free(table);
}

/* What the child found, in shared memory. */
struct found {
	int ret;
	bool is_said;
	size_t nr;
	struct kvm_slot slots[ROOM];
};

static void look_at_parent(struct found *found)
{
	struct qemu_memory memory;
	struct status st = {""};
	struct kvm_slots slots = {0};

	found->ret = qemu_memory_open(&memory, getppid(), &st);
	if (!found->ret)
		found->ret = qemu_slots_read(&memory, &view, &slots, &st);
	found->is_said = st.message[0];
	found->nr = slots.nr;
	if (slots.nr && slots.nr <= ROOM)
		memcpy(found->slots, slots.slots,
		       slots.nr * sizeof(*slots.slots));
	_exit(0);
}

/* Another process looks at this one: the buffers of whoever looks hold copies of
 * tables, too. */
static int look(struct kvm_slots *slots)
{
	struct found *found = mmap(NULL, sizeof(*found), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;
	int ret;

	assert_ptr_not_equal(found, MAP_FAILED);
	child = fork();
	if (!child)
		look_at_parent(found);
	assert_int_equal(waitpid(child, NULL, 0), child);
	ret = found->ret;
	assert_int_equal(ret != 0, found->is_said);
	*slots = (struct kvm_slots){.nr = found->nr};
	if (found->nr) {
		slots->slots = calloc(found->nr, sizeof(*slots->slots));
		assert_non_null(slots->slots);
		memcpy(slots->slots, found->slots,
		       found->nr * sizeof(*slots->slots));
	}
	munmap(found, sizeof(*found));
	return ret;
}

static void numbers_are_found(void **state)
{
	uint64_t *table = make_table(3, 0, 6, 0);
	struct kvm_slots slots;

	(void)state;
	assert_int_equal(look(&slots), 0);
	assert_int_equal(slots.nr, 3);
	assert_int_equal(kvm_slots_find(&slots, 3)->gfn, 0);
	assert_int_equal(kvm_slots_find(&slots, 0)->gfn, 0xc0);
	assert_int_equal(kvm_slots_find(&slots, 6)->gfn, 0x100000);
	assert_int_equal(kvm_slots_find(&slots, 6)->npages, 1);
	assert_null(kvm_slots_find(&slots, 1));
	free(slots.slots);
	drop(table);
}

static void table_of_management_mode_is_left_aside(void **state)
{
	uint64_t *table = make_table(1, 2, 0, 0);
	uint64_t *other = make_table(0, 1, 2, 1);
	struct kvm_slots slots;

	(void)state;
	assert_int_equal(look(&slots), 0);
	assert_int_equal(kvm_slots_find(&slots, 0)->gfn, 0x100000);
	free(slots.slots);
	drop(other);
	drop(table);
}

static void two_tables_that_differ_are_no_answer(void **state)
{
	uint64_t *table = make_table(1, 2, 0, 0);
	uint64_t *other = make_table(0, 1, 2, 0);
	struct kvm_slots slots;

	(void)state;
	assert_int_equal(look(&slots), -ENOTUNIQ);
	assert_null(slots.slots);
	drop(other);
	drop(table);
}

static void copy_of_the_table_is_fine(void **state)
{
	uint64_t *table = make_table(1, 2, 0, 0);
	uint64_t *other = make_table(1, 2, 0, 0);
	struct kvm_slots slots;

	(void)state;
	assert_int_equal(look(&slots), 0);
	free(slots.slots);
	drop(other);
	drop(table);
}

static void table_that_lacks_a_slot_is_no_answer(void **state)
{
	uint64_t *table = make_table(1, 2, 0, 0);
	struct kvm_slots slots;

	(void)state;
	table[2 * STRIDE + 1] += 0x1000;
	publish(table);
	assert_int_equal(look(&slots), -EAGAIN);
	drop(table);
}

static void number_that_is_not_its_place_is_no_answer(void **state)
{
	uint64_t *table = make_table(1, 2, 0, 0);
	struct kvm_slots slots;

	(void)state;
	table[2 * STRIDE + 3] = 5;
	publish(table);
	assert_int_equal(look(&slots), -EAGAIN);
	drop(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_found),
		cmocka_unit_test(table_of_management_mode_is_left_aside),
		cmocka_unit_test(two_tables_that_differ_are_no_answer),
		cmocka_unit_test(copy_of_the_table_is_fine),
		cmocka_unit_test(table_that_lacks_a_slot_is_no_answer),
		cmocka_unit_test(number_that_is_not_its_place_is_no_answer),
	};

	if (access("/proc/self/mem", R_OK)) {
		puts("skip: /proc/self/mem cannot be read");
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
