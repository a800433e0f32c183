/* SPDX-License-Identifier: MIT */
/*
 * Events where there is no hardware PMU, as on the developers' machines: the
 * kernel's own events count, all others are refused with the reason.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "capture/pmu/pmu_event.h"

static const struct pmu_cpu virtual_machine = {.is_virtual = true,
					       .ibs_op_type = -1};

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

static void without_a_pmu_only_software_counts(void **state)
{
	static const struct pmu_cpu bare = {.ibs_op_type = -1};
	struct pmu_event event;
	struct status st = {""};

	(void)state;
	refused("cycles", &virtual_machine, ENODEV,
		"no hardware PMU for 'cycles': this is a virtual machine "
		"without one");
	refused("r01c0", &virtual_machine, ENODEV, "no hardware PMU");
	refused("knc::CPU_CLK_UNHALTED", &virtual_machine, ENODEV,
		"is an event of another CPU");
	refused("pagefaults", &virtual_machine, ENODEV,
		"did you mean PAGE-FAULTS");
	refused("ibs_op", &virtual_machine, ENODEV,
		"no hardware PMU for 'ibs_op': this is a virtual machine "
		"without one");
	refused("cycles", &bare, ENODEV, "the kernel drives none on this CPU");
	assert_int_equal(pmu_event_encode(&event, "page-faults", PMU_HOST,
					  &virtual_machine, &st),
			 0);
	assert_int_equal(pmu_event_check(&event, &virtual_machine, &st), 0);
	assert_int_equal(event.attr.type, PERF_TYPE_SOFTWARE);
	assert_int_equal(event.attr.config, PERF_COUNT_SW_PAGE_FAULTS);
}

static void a_side_is_left_out(void **state)
{
	struct pmu_event event;

	(void)state;
	assert_int_equal(pmu_event_encode(&event, "cycles", PMU_HOST,
					  &virtual_machine, NULL),
			 0);
	assert_true(event.attr.exclude_guest && !event.attr.exclude_host);
	assert_int_equal(pmu_event_encode(&event, "cycles", PMU_GUEST,
					  &virtual_machine, NULL),
			 0);
	assert_true(!event.attr.exclude_guest && event.attr.exclude_host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_pmu_only_software_counts),
		cmocka_unit_test(a_side_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
