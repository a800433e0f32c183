/* SPDX-License-Identifier: MIT */
/* Counting around our own work, by the kernel's own events; arithmetic of shared
 * counters; and hardware's, where there is any. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/pmu/pmu_counters.h"

/*
 * The sanitizer's shadow, a first call of a function and a busy machine add faults of
 * their own: a count is at least what was touched, and STRAY bounds the rest, far below
 * any of the sums that a mistake would make.
 */
enum {
	PAGES = 1000,
	STRAY = 400,
};

static const struct pmu_cpu bare = {.is_virtual = true, .ibs_op_type = -1};

static void touch_new_pages(int n)
{
	size_t bytes = (size_t)n * 4096;
	volatile char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(memory != MAP_FAILED);
	madvise((void *)(uintptr_t)memory, bytes, MADV_NOHUGEPAGE);
	for (int i = 0; i < n; i++)
		memory[i * 4096] = 1;
	munmap((void *)(uintptr_t)memory, bytes);
}

static void each_span_counts_from_zero(void **state)
{
	struct pmu_counters counters;
	struct pmu_count counts[PMU_COUNTERS_MAX];
	struct status st = {""};

	(void)state;
	assert_int_equal(pmu_counters_open(&counters, "page-faults+task-clock",
					   &bare, NULL, 0, &st),
			 0);
	assert_int_equal(counters.nr, 2);
	touch_new_pages(PAGES); /* before the start: not counted */
	assert_int_equal(pmu_counters_start(&counters, &st), 0);
	touch_new_pages(PAGES);
	assert_int_equal(pmu_counters_stop(&counters, counts, &st), 0);
	assert_string_equal(counts[0].name, "page-faults");
	assert_true(counts[0].is_known && !counts[0].is_scaled);
	assert_in_range(counts[0].value, PAGES, PAGES + STRAY);
	assert_true(counts[1].is_known && counts[1].value > 0);
	touch_new_pages(PAGES); /* between: neither */
	assert_int_equal(pmu_counters_start(&counters, &st), 0);
	touch_new_pages(10);
	assert_int_equal(pmu_counters_stop(&counters, counts, &st), 0);
	assert_in_range(counts[0].value, 10, 10 + STRAY);
	pmu_counters_close(&counters);
	assert_int_equal(counters.nr, 0);
}

struct worker {
	pthread_t thread;
	_Atomic pid_t tid;
	atomic_int step; /* 1: touch, 2: touched, 3: end */
};

static void *work(void *arg)
{
	struct worker *worker = arg;

	worker->tid = (pid_t)syscall(SYS_gettid);
	while (worker->step != 1)
		usleep(1000);
	touch_new_pages(PAGES);
	worker->step = 2;
	while (worker->step != 3)
		usleep(1000);
	return NULL;
}

/* Two threads stand for vCPUs; what we do ourselves is not theirs. */
static void threads_of_the_guest_are_summed(void **state)
{
	struct worker workers[2] = {{.tid = 0}};
	struct pmu_counters counters;
	struct pmu_count counts[PMU_COUNTERS_MAX];
	struct status st = {""};
	pid_t tids[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
		while (!workers[i].tid)
			usleep(1000);
		tids[i] = workers[i].tid;
	}
	assert_int_equal(pmu_counters_open(&counters,
					   "page-faults@guest+page-faults",
					   &bare, tids, 2, &st),
			 0);
	assert_int_equal(pmu_counters_start(&counters, &st), 0);
	for (int i = 0; i < 2; i++)
		workers[i].step = 1;
	for (int i = 0; i < 2; i++)
		while (workers[i].step != 2)
			usleep(1000);
	touch_new_pages(3 * PAGES);
	assert_int_equal(pmu_counters_stop(&counters, counts, &st), 0);
	for (int i = 0; i < 2; i++) {
		workers[i].step = 3;
		pthread_join(workers[i].thread, NULL);
	}
	assert_string_equal(counts[0].name, "page-faults@guest");
	assert_in_range(counts[0].value, 2 * PAGES, 2 * PAGES + STRAY);
	assert_in_range(counts[1].value, 3 * PAGES, 3 * PAGES + STRAY);
	/* the threads have ended */
	assert_int_equal(pmu_counters_start(&counters, &st), 0);
	assert_int_equal(pmu_counters_stop(&counters, counts, &st), 0);
	assert_int_equal(counts[0].value, 0);
	pmu_counters_close(&counters);
}

static void shared_counters_are_scaled(void **state)
{
	static const struct {
		struct pmu_reading start, end;
		uint64_t value;
		bool is_known, is_scaled;
	} rows[] = {
		{{0, 0, 0}, {1000, 500, 500}, 1000, true, false},
		{{100, 50, 50}, {1000, 500, 500}, 900, true, false},
		/* half the time on the PMU */
		{{0, 0, 0}, {1000, 500, 250}, 2000, true, true},
		/* scaled before, not in this span */
		{{1000, 500, 250}, {1500, 700, 450}, 500, true, false},
		/* never on the PMU */
		{{0, 0, 0}, {0, 500, 0}, 0, false, false},
		{{70, 9, 9}, {70, 500, 9}, 0, false, false},
		/* a thread that slept all the time */
		{{70, 9, 9}, {70, 9, 9}, 0, true, false},
	};
	struct pmu_count count;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		pmu_count_between(&rows[i].start, &rows[i].end, &count);
		assert_int_equal(count.value, rows[i].value);
		assert_int_equal(count.is_known, rows[i].is_known);
		assert_int_equal(count.is_scaled, rows[i].is_scaled);
	}
}

static void text_says_what_is_not_known(void **state)
{
	static const struct pmu_count counts[] = {
		{"cycles", 12345, true, false},
		{"dTLB-load-misses", 0, false, false},
		{"r01c0", 7, true, true},
	};
	char text[128], little[12];

	(void)state;
	pmu_counters_text(counts, 3, text, sizeof(text));
	assert_string_equal(
		text, "cycles 12345, dTLB-load-misses unknown, r01c0 about 7");
	pmu_counters_text(counts, 3, little, sizeof(little));
	assert_string_equal(little, "cycles 1234");
	pmu_counters_text(counts, 0, text, sizeof(text));
	assert_string_equal(text, "");
}

static void refused(const char *text, int error, const char *part)
{
	struct pmu_counters counters;
	struct status st = {""};

	assert_int_equal(pmu_counters_open(&counters, text, &bare, NULL, 0,
					   &st),
			 -error);
	assert_non_null(strstr(st.message, part));
	pmu_counters_close(&counters);
}

static void mistakes_are_explained(void **state)
{
	struct pmu_counters none;

	(void)state;
	refused("page-faults+cycles", ENODEV, "no hardware PMU for 'cycles'");
	refused("page-faults+", EINVAL, "1 to 127 characters");
	refused("cs@guest", EINVAL, "the guest's threads are not known");
	refused("@guest", ENODEV, "'@guest'");
	refused("cs+cs+cs+cs+cs+cs+cs+cs+cs", E2BIG, "at most 8 events");
	refused("pagefaults", ENODEV, "did you mean PAGE-FAULTS");
	assert_int_equal(pmu_counters_open(&none, NULL, &bare, NULL, 0, NULL),
			 0);
	assert_int_equal(none.nr, 0);
	pmu_counters_close(&none);
}

static void cycles_of_this_machine(void **state)
{
	int root = open("/", O_RDONLY | O_DIRECTORY);
	struct pmu_counters counters;
	struct pmu_count counts[PMU_COUNTERS_MAX];
	struct status st = {""};
	struct pmu_cpu cpu;
	int ret;

	(void)state;
	pmu_cpu_probe(root, &cpu);
	close(root);
	ret = pmu_counters_open(&counters, "cycles", &cpu, NULL, 0, &st);
	if (!cpu.has_pmu) {
		assert_int_equal(ret, -ENODEV);
		print_message("skip: %s\n", st.message);
		skip();
	}
	assert_int_equal(ret, 0);
	assert_int_equal(pmu_counters_start(&counters, &st), 0);
	touch_new_pages(PAGES);
	assert_int_equal(pmu_counters_stop(&counters, counts, &st), 0);
	assert_true(!counts[0].is_known || counts[0].value > PAGES * 100);
	pmu_counters_close(&counters);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_span_counts_from_zero),
		cmocka_unit_test(threads_of_the_guest_are_summed),
		cmocka_unit_test(shared_counters_are_scaled),
		cmocka_unit_test(text_says_what_is_not_known),
		cmocka_unit_test(mistakes_are_explained),
		cmocka_unit_test(cycles_of_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
