/* SPDX-License-Identifier: MIT */
/* Which page a push was, with memslots that stay, come, change and vanish. */
#include "base/test.h"
#include "capture/qemu/push_map.h"

static struct kvm_slot early[] = {{0, 0x0, 0xc0000}, {1, 0x100000, 0x80000}};
static struct kvm_slot later[] = {
	{0, 0x0, 0xa0}, {2, 0x100, 0xbff00}, {1, 0x100000, 0x80000}};
static const struct kvm_slots before = {2, early};
static const struct kvm_slots after = {3, later};
static const struct kvm_slots nothing = {0, NULL};

static void expect(const struct push_list *list, uint64_t time, uint32_t slot,
		   uint64_t offset, enum push_fate fate, gfn_t gfn)
{
	const struct push push = {time, offset, slot};
	gfn_t found = 0;

	assert_int_equal(push_find(list, &push, &before, &after, &found), fate);
	assert_int_equal(found, gfn);
}

static void a_map_that_stays_tells_all(void **state)
{
	const struct push_list list = {0};

	(void)state;
	expect(&list, 1, 0, 0, PUSH_FOUND, 0);
	expect(&list, 1, 0, 0xbffff, PUSH_FOUND, 0xbffff);
	expect(&list, 1, 1, 7, PUSH_FOUND, 0x100007);
	expect(&list, 1, 0, 0xc0000, PUSH_BEYOND, 0);
	expect(&list, 1, 3, 0, PUSH_UNKNOWN, 0);
	expect(&list, 1, 1 << 16, 0, PUSH_SMM, 0);
}

static void a_new_number_needs_no_zap(void **state)
{
	const struct push_list list = {0};

	(void)state;
	expect(&list, 1, 2, 5, PUSH_FOUND, 0x105);
}

static void one_zap_divides_the_maps(void **state)
{
	struct push_list list = {0};

	(void)state;
	push_list_zap(&list, 100);
	expect(&list, 99, 0, 0x200, PUSH_FOUND, 0x200);
	expect(&list, 101, 0, 0x200, PUSH_BEYOND, 0);
	expect(&list, 101, 2, 0x100, PUSH_FOUND, 0x200);
	expect(&list, 99, 2, 0x100, PUSH_UNKNOWN, 0);
	expect(&list, 100, 1, 0, PUSH_CHANGING, 0);
}

static void between_two_zaps_nothing_is_known(void **state)
{
	struct push_list list = {0};

	(void)state;
	push_list_zap(&list, 200);
	push_list_zap(&list, 100);
	expect(&list, 99, 1, 1, PUSH_FOUND, 0x100001);
	expect(&list, 150, 1, 1, PUSH_CHANGING, 0);
	expect(&list, 201, 1, 1, PUSH_FOUND, 0x100001);
}

static void later_map_is_read_only_when_it_is_needed(void **state)
{
	struct push_list list = {0};
	struct push push = {1, 0, 1};

	(void)state;
	assert_false(push_list_needs_later(&list, &before));
	assert_int_equal(push_list_add(&list, &push, NULL), 0);
	push.slot = 1 << 16;
	assert_int_equal(push_list_add(&list, &push, NULL), 0);
	assert_false(push_list_needs_later(&list, &before));
	assert_true(push_list_needs_later(&list, &nothing));
	push.slot = 2;
	assert_int_equal(push_list_add(&list, &push, NULL), 0);
	assert_true(push_list_needs_later(&list, &before));
	push_list_clear(&list);
	assert_false(push_list_needs_later(&list, &before));
	push_list_zap(&list, 1);
	assert_true(push_list_needs_later(&list, &before));
	push_list_fini(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_that_stays_tells_all),
		cmocka_unit_test(a_new_number_needs_no_zap),
		cmocka_unit_test(one_zap_divides_the_maps),
		cmocka_unit_test(between_two_zaps_nothing_is_known),
		cmocka_unit_test(later_map_is_read_only_when_it_is_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
