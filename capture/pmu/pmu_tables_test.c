/* SPDX-License-Identifier: MIT */
/*
 * Events against the codes that the vendors document: Intel's event lists (SDM
 * volume 3B, "Performance Monitoring Events"), AMD's PPR and BKDG.  libpfm4
 * encodes for CPUs that are not there if it is told to, so no hardware is needed.
 * That an event counts is not tested by this.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "capture/pmu/pmu_event.h"

/* event select | umask << 8 | cmask << 24 */
#define X86(select, umask, cmask)                                              \
	((select) | (umask) << 8 | UINT64_C(cmask) << 24)

static const struct {
	const char *text;
	uint64_t config, config1;
} rows[] = {
	/* Intel: PEBS load latency; the threshold is config1 (perf's
	 * format/ldlat), later MSR_PEBS_LD_LAT_THRESHOLD */
	{"hsw::MEM_TRANS_RETIRED:LOAD_LATENCY:ldlat=50", X86(0xcd, 0x01, 0),
	 50},
	{"skx::MEM_TRANS_RETIRED:LOAD_LATENCY:ldlat=3", X86(0xcd, 0x01, 0), 3},
	{"icl::MEM_TRANS_RETIRED:LOAD_LATENCY:ldlat=128", X86(0xcd, 0x01, 0),
	 128},
	{"spr::MEM_TRANS_RETIRED:LOAD_LATENCY:ldlat=30", X86(0xcd, 0x01, 0),
	 30},
	/* Intel: loads and stores */
	{"skx::MEM_INST_RETIRED:ALL_LOADS", X86(0xd0, 0x81, 0), 0},
	{"skx::MEM_INST_RETIRED:ALL_STORES", X86(0xd0, 0x82, 0), 0},
	{"icl::MEM_INST_RETIRED:ALL_STORES", X86(0xd0, 0x82, 0), 0},
	/* Intel: TLB misses and walks */
	{"skx::DTLB_LOAD_MISSES:MISS_CAUSES_A_WALK", X86(0x08, 0x01, 0), 0},
	{"skx::DTLB_LOAD_MISSES:WALK_COMPLETED", X86(0x08, 0x0e, 0), 0},
	{"skx::DTLB_LOAD_MISSES:WALK_ACTIVE", X86(0x08, 0x10, 1), 0},
	{"skx::DTLB_STORE_MISSES:WALK_COMPLETED", X86(0x49, 0x0e, 0), 0},
	{"skx::EPT:WALK_PENDING", X86(0x4f, 0x10, 0), 0},
	{"skx::UNHALTED_CORE_CYCLES", X86(0x3c, 0x00, 0), 0},
	/* AMD: PPR for families 17h and 19h */
	{"amd64_fam17h_zen2::CYCLES_NOT_IN_HALT", X86(0x76, 0, 0), 0},
	{"amd64_fam19h_zen3::CYCLES_NOT_IN_HALT", X86(0x76, 0, 0), 0},
	{"amd64_fam19h_zen3::RETIRED_INSTRUCTIONS", X86(0xc0, 0, 0), 0},
	{"amd64_fam19h_zen3::L1_DTLB_MISS:TLB_RELOAD_4K_L2_MISS",
	 X86(0x45, 0x10, 0), 0},
	{"amd64_fam19h_zen4::L1_DTLB_MISS:TLB_RELOAD_2M_L2_MISS",
	 X86(0x45, 0x40, 0), 0},
	/* AMD: events above 0xff keep their upper bits in 35:32 */
	{"amd64_fam10h_istanbul::L3_CACHE_MISSES:ANY_READ:ALL_CORES",
	 UINT64_C(4) << 32 | X86(0xe1, 0xf7, 0), 0},
};

static void documented_codes_of_several_cpus(void **state)
{
	static const struct pmu_cpu cpu = {.has_pmu = true, .ibs_op_type = -1};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct status st = {""};
		struct pmu_event event;

		if (pmu_event_encode(&event, rows[i].text, PMU_HOST, &cpu, &st))
			fail_msg("%s: %s", rows[i].text, st.message);
		assert_int_equal(event.attr.type, PERF_TYPE_RAW);
		assert_int_equal(event.attr.config, rows[i].config);
		assert_int_equal(event.attr.config1, rows[i].config1);
		assert_string_equal(event.name, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documented_codes_of_several_cpus),
	};

	setenv("LIBPFM_ENCODE_INACTIVE", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
