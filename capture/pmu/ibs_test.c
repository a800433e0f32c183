/* SPDX-License-Identifier: MIT */
/* Records of instruction-based sampling, put together as the PPR lays them out. */
#include <string.h>

#include "base/test.h"
#include "capture/pmu/ibs.h"

enum {
	NR_REGISTERS = 7,
	RAW_BYTES = 4 + 8 * NR_REGISTERS,
};

/* u32 capabilities, then MSRC001_1033 to MSRC001_1039 */
static void make_raw(unsigned char raw[RAW_BYTES], uint64_t data3,
		     uint64_t linear, uint64_t physical)
{
	const uint32_t caps = 0x00000bff;
	const uint64_t registers[NR_REGISTERS] = {
		0x0000000000a7d090, /* IbsOpCtl: enabled, valid */
		0xffffffff81000000, /* IbsOpRip */
		0x11,		    /* IbsOpData */
		0x22,		    /* IbsOpData2 */
		data3,
		linear,
		physical,
	};

	memcpy(raw, &caps, sizeof(caps));
	memcpy(raw + sizeof(caps), registers, sizeof(registers));
}

/* IbsOpData3 of a store that missed the caches, with both addresses, as the manual
 * page perf-amd-ibs(1) shows it. */
static void store_of_the_manual_page(void **state)
{
	unsigned char raw[RAW_BYTES];
	struct ibs_access access;

	(void)state;
	make_raw(raw, 0x31960092, 0xff110008a5398920, 0x8a5398920);
	assert_true(ibs_parse(raw, sizeof(raw), &access));
	assert_true(access.is_store);
	assert_int_equal(access.physical, 0x8a5398920);
	assert_int_equal(access.linear, 0xff110008a5398920);
}

static void kinds_of_operations(void **state)
{
	static const struct {
		uint64_t data3;
		bool is_access, is_store, has_linear;
	} rows[] = {
		{0, false, false, false},	/* arithmetic */
		{0x60000, false, false, false}, /* addresses, no access */
		{0x60001, true, false, true},	/* load */
		{0x60002, true, true, true},	/* store */
		{0x60003, true, true, true},	/* add to memory */
		{0x40001, true, false, false},	/* no linear address */
		{0x20001, false, false, false}, /* no physical address */
		{0x64001, false, false, false}, /* uncached load */
		{0x60001 | 1 << 15, true, false, true}, /* locked */
		{0xffffffff00060001, true, false, true} /* latencies */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned char raw[RAW_BYTES];
		struct ibs_access access = {.is_store = false};

		make_raw(raw, rows[i].data3, 0x7f0000001234, 0x1234);
		assert_int_equal(ibs_parse(raw, sizeof(raw), &access),
				 rows[i].is_access);
		assert_int_equal(access.is_store, rows[i].is_store);
		assert_int_equal(access.linear,
				 rows[i].has_linear ? 0x7f0000001234 : 0);
	}
}

/* Newer CPUs append registers; a record cut anywhere is none. */
static void length_decides(void **state)
{
	unsigned char raw[RAW_BYTES + 17] = {0};
	struct ibs_access access;

	(void)state;
	/* from an odd address, as the registers are unaligned */
	make_raw(raw + 1, 0x60001, 0, 0x5000);
	for (size_t size = 0; size <= RAW_BYTES + 16; size++)
		assert_int_equal(ibs_parse(raw + 1, size, &access),
				 size >= RAW_BYTES);
	assert_int_equal(access.physical, 0x5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(store_of_the_manual_page),
		cmocka_unit_test(kinds_of_operations),
		cmocka_unit_test(length_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
