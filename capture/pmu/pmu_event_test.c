/* SPDX-License-Identifier: MIT */
/*
 * Spellings of events, and what a machine has, on a Skylake that is not there:
 * libpfm4 is told to take this machine for one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/host/test_tree.h"
#include "capture/pmu/pmu_event.h"

/* A host with a PMU that libpfm4 knows. */
static const struct pmu_cpu skylake = {
	.has_pmu = true, .ibs_op_type = -1, .model = "skx"};
static const struct pmu_cpu zen = {
	.has_pmu = true, .ibs_op_type = 11, .model = "amd64_fam19h_zen3"};
static void refused(const char *text, const struct pmu_cpu *cpu, int error,
		    const char *part)
{
	struct status st = {""};
	struct pmu_event event;
	int ret = pmu_event_encode(&event, text, PMU_HOST, cpu, &st);

	if (!ret)
		ret = pmu_event_check(&event, cpu, &st);
	if (ret != -error || !strstr(st.message, part))
		fail_msg("'%s' gave %d: %s; expected %d: %s", text, ret,
			 st.message, -error, part);
}

static void names_of_the_cpu_need_no_prefix(void **state)
{
	struct pmu_event event;
	struct status st = {""};

	(void)state;
	assert_int_equal(pmu_event_encode(&event,
					  "mem_trans_retired:load_latency:"
					  "precise=2:u",
					  PMU_GUEST, &skylake, &st),
			 0);
	assert_int_equal(event.attr.config, 0x1cd);
	assert_int_equal(event.attr.config1, 3);
	assert_int_equal(event.attr.precise_ip, 2);
	assert_true(event.attr.exclude_kernel);
	assert_false(event.attr.exclude_user);
	assert_non_null(strstr(event.full, "skx::MEM_TRANS_RETIRED"));
}

static void mistakes_are_explained(void **state)
{
	(void)state;
	refused("DTLB_LOAD_MISES:WALK_COMPLETED", &skylake, ENOENT,
		"(skx); did you mean DTLB_LOAD_MISSES");
	refused("skx::unhalted_core_cycle", &skylake, ENOENT,
		"did you mean UNHALTED_CORE_CYCLES");
	refused("nothing_like_it_at_all", &skylake, ENOENT,
		"knows no event 'nothing_like_it_at_all' on this CPU (skx)");
	refused("DTLB_LOAD_MISSES", &skylake, EINVAL,
		"it has MISS_CAUSES_A_WALK, WALK_COMPLETED, ");
	refused("skx::DTLB_LOAD_MISSES:WALK_DONE", &skylake, EINVAL,
		"it has MISS_CAUSES_A_WALK");
	refused("DTLB_LOAD_MISSES:WALK_COMPLETED:c=1000", &skylake, EINVAL,
		"invalid event attribute value");
	refused("MEM_TRANS_RETIRED:LOAD_LATENCY:ldlat=2", &skylake, EINVAL,
		"ldlat is 2, and the CPU takes 3 and more");
	refused("", &skylake, EINVAL, "1 to 127 characters");
}

static void raw_codes_are_taken_as_they_are(void **state)
{
	static const struct {
		const char *text;
		uint64_t config[3];
	} rows[] = {
		{"r01c0", {0x1c0, 0, 0}},
		{"rFFffFFffFFffFFff", {UINT64_MAX, 0, 0}},
		{"raw:448", {448, 0, 0}},
		{"raw:0x1cd,3", {0x1cd, 3, 0}},
		{"raw:0x1cd,0x3,07", {0x1cd, 3, 7}},
	};
	static const char *const bad[] = {
		"raw:",	       "raw:x",	  "raw:0x",
		"raw:1,",      "raw:-1",  "raw:1 ",
		"raw:1,2,3,4", "raw:1;2", "raw:0x1ffffffffffffffff"};
	struct pmu_event event;
	struct status st = {""};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(pmu_event_encode(&event, rows[i].text,
						  PMU_HOST, &skylake, &st),
				 0);
		assert_int_equal(event.attr.type, PERF_TYPE_RAW);
		assert_int_equal(event.attr.config, rows[i].config[0]);
		assert_int_equal(event.attr.config1, rows[i].config[1]);
		assert_int_equal(event.attr.config2, rows[i].config[2]);
		assert_int_equal(event.attr.size, sizeof(event.attr));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		refused(bad[i], &skylake, EINVAL, bad[i]);
	refused("r", &skylake, ENOENT, "no event 'r'");
	refused("r12345678123456789", &skylake, ENOENT, "no event");
}

static void ibs_is_a_pmu_of_its_own(void **state)
{
	struct pmu_event event;
	struct status st = {""};

	(void)state;
	assert_int_equal(
		pmu_event_encode(&event, "ibs_op", PMU_GUEST, &zen, &st), 0);
	assert_int_equal(event.attr.type, 11);
	assert_int_equal(event.attr.config, 0);
	/* its PMU takes no exclusion: PERF_PMU_CAP_NO_EXCLUDE */
	assert_false(event.attr.exclude_host);
	assert_false(event.attr.exclude_guest);
	assert_int_equal(pmu_event_check(&event, &zen, &st), 0);
	assert_int_equal(pmu_event_encode(&event, "ibs_op:uops", PMU_GUEST,
					  &zen, &st),
			 0);
	assert_int_equal(event.attr.config, 1 << 19);
	refused("ibs_op:cycles", &zen, EINVAL, "expected ibs_op or");
	refused("ibs_op", &skylake, ENODEV, "this CPU has no instruction");
}

#define DEVICES "sys/bus/event_source/devices/"

static void probe_tells_what_there_is(void **state)
{
	static const struct test_file intel[] = {
		{DEVICES "cpu/type", "4\n"},
		{DEVICES "cpu/events/mem-loads", "event=0xcd,umask=0x1\n"},
		{DEVICES "cpu/events/mem-stores", "event=0xd0,umask=0x82\n"},
		{"proc/cpuinfo", "flags\t: fpu vmx\n"},
		{NULL, NULL},
	};
	static const struct test_file hybrid[] = {
		{DEVICES "cpu_core/type", "4\n"},
		{DEVICES "cpu_core/events/mem-loads", "event=0xcd\n"},
		{NULL, NULL},
	};
	static const struct test_file amd[] = {
		{DEVICES "cpu/type", "4\n"},
		{DEVICES "ibs_op/type", "11\n"},
		{NULL, NULL},
	};
	static const struct test_file vm[] = {
		{DEVICES "software/type", "1\n"},
		{"proc/cpuinfo", "flags\t: fpu hypervisor\n"},
		{NULL, NULL},
	};
	static const struct {
		const struct test_file *files;
		struct pmu_cpu cpu;
	} rows[] = {
		{intel, {true, false, true, true, -1, ""}},
		{hybrid, {true, false, true, false, -1, ""}},
		{amd, {true, false, false, false, 11, ""}},
		{vm, {false, true, false, false, -1, ""}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char name[TEST_TREE_NAME];
		int root = test_tree_make(rows[i].files, name);
		struct pmu_cpu cpu;

		pmu_cpu_probe(root, &cpu);
		test_tree_remove(root, name);
		assert_int_equal(cpu.has_pmu, rows[i].cpu.has_pmu);
		assert_int_equal(cpu.is_virtual, rows[i].cpu.is_virtual);
		assert_int_equal(cpu.has_load_latency,
				 rows[i].cpu.has_load_latency);
		assert_int_equal(cpu.has_stores, rows[i].cpu.has_stores);
		assert_int_equal(cpu.ibs_op_type, rows[i].cpu.ibs_op_type);
	}
}

static void probe_asks_libpfm4_for_the_model(void **state)
{
	static const struct test_file none[] = {{NULL, NULL}};
	char name[TEST_TREE_NAME];
	int root = test_tree_make(none, name);
	struct pmu_cpu cpu;

	(void)state;
	pmu_cpu_probe(root, &cpu);
	test_tree_remove(root, name);
	assert_string_equal(cpu.model, "skx");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_the_cpu_need_no_prefix),
		cmocka_unit_test(mistakes_are_explained),
		cmocka_unit_test(raw_codes_are_taken_as_they_are),
		cmocka_unit_test(ibs_is_a_pmu_of_its_own),
		cmocka_unit_test(probe_tells_what_there_is),
		cmocka_unit_test(probe_asks_libpfm4_for_the_model),
	};

	setenv("LIBPFM_FORCE_PMU", "skx", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
