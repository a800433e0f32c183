/* SPDX-License-Identifier: MIT */
/* What the fields of KVM's events mean, for both kinds of paging. */
#include <string.h>

#include "base/test.h"
#include "capture/tracing/kvm_faults.h"

/* Bits as the manuals have them: AMD APM 2, "Nested versus Guest Page Faults";
 * Intel SDM 3, "Exit Qualification for EPT Violations". */
static void each_vendor_has_its_own_bits(void **state)
{
	static const struct {
		enum kvm_paging paging;
		uint64_t code;
		enum trace_event_kind kind;
	} cases[] = {
		{KVM_PAGING_NPT, 0x100000004, TRACE_READ}, /* user, final */
		{KVM_PAGING_NPT, 0x100000006, TRACE_WRITE},
		{KVM_PAGING_NPT, 0x200000006, TRACE_WRITE}, /* table walk */
		{KVM_PAGING_NPT, 0x100000014, TRACE_FETCH},
		{KVM_PAGING_NPT, 0x100000007, TRACE_WRITE}, /* was read-only */
		{KVM_PAGING_EPT, 0x181, TRACE_READ},
		{KVM_PAGING_EPT, 0x182, TRACE_WRITE},
		{KVM_PAGING_EPT, 0x184, TRACE_FETCH},
		{KVM_PAGING_EPT, 0x083, TRACE_WRITE}, /* A/D: table walk */
		{KVM_PAGING_EPT, 0x1b1, TRACE_READ},  /* was execute-write */
		{KVM_PAGING_EPT, 0x18a, TRACE_WRITE}, /* was read-only */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct trace_event event = kvm_fault_access(
			cases[i].paging, 0x12345678, cases[i].code);

		assert_int_equal(event.gfn, 0x12345);
		assert_int_equal(event.count, 1);
		assert_int_equal(event.kind, cases[i].kind);
	}
}

static void invalidations_are_cut_to_the_slot(void **state)
{
	const struct trace_slot slot = {
		.gfn = 0x100, .npages = 16, .hva = 0x7f0000000000};
	static const struct {
		uint64_t start, end; /* from the slot's address */
		gfn_t gfn;
		uint32_t count; /* 0: not met */
	} cases[] = {
		{0, 0x10000, 0x100, 16},
		{0x3000, 0x4000, 0x103, 1},
		{0x3fff, 0x4001, 0x103, 2},
		{UINT64_C(0) - 0x5000, 0x1000, 0x100, 1},
		{0xf000, 0x20000, 0x10f, 1},
		{UINT64_C(0) - 0x5000, 0, 0, 0},
		{0x10000, 0x11000, 0, 0},
		{0x3000, 0x3000, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct trace_event event = {.count = 0};
		bool is_met =
			kvm_fault_invalidation(&slot, slot.hva + cases[i].start,
					       slot.hva + cases[i].end, &event);

		assert_int_equal(is_met, cases[i].count > 0);
		assert_int_equal(event.count, cases[i].count);
		assert_int_equal(event.gfn, cases[i].gfn);
		if (!is_met)
			continue;
		assert_int_equal(event.kind, TRACE_INVALIDATE);
		assert_int_equal(event.reason, TRACE_REASON_UNKNOWN);
	}
}

static void a_range_without_end_stays_in_the_format(void **state)
{
	const struct trace_slot slot = {.npages = UINT64_C(1) << 36,
					.hva = 4096};
	struct trace_event event;

	(void)state;
	assert_true(kvm_fault_invalidation(&slot, 0, UINT64_MAX, &event));
	assert_int_equal(event.count, TRACE_RUN_PAGES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_vendor_has_its_own_bits),
		cmocka_unit_test(invalidations_are_cut_to_the_slot),
		cmocka_unit_test(a_range_without_end_stays_in_the_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
