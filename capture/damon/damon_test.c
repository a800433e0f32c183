/* SPDX-License-Identifier: MIT */
/*
 * What of the damon backend needs no DAMON: ranges, bursts, frames from a file
 * like pagemap, and the set-up and its undoing in a tree of files like sysfs.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/damon/damon_frames.h"
#include "capture/damon/damon_regions.h"
#include "capture/damon/damon_sysfs.h"

#define ROOT	 "damon_test.root"
#define KDAMONDS ROOT "/sys/kernel/mm/damon/admin/kdamonds"
#define CONTEXT	 KDAMONDS "/0/contexts/0"
#define P	 UINT64_C(4096)
#define MS	 UINT64_C(1000000)

static void ranges_of_slots_are_joined(void **state)
{
	struct trace_slot slots[] = {
		{.gfn = 0, .npages = 16, .hva = 0x700000},
		{.gfn = 100, .npages = 4, .hva = 0x600000},
		{.gfn = 200, .npages = 8, .hva = 0x710000}, /* adjacent */
		{.gfn = 300, .npages = 2, .hva = 0x601000}, /* an alias */
	};
	const struct guest guest = {.nr_slots = 4, .slots = slots};
	struct damon_ranges ranges = {0};

	(void)state;
	assert_int_equal(damon_ranges_of_guest(&ranges, &guest, NULL), 0);
	assert_int_equal(ranges.nr, 2);
	assert_int_equal(ranges.ranges[0].start, 0x600000);
	assert_int_equal(ranges.ranges[0].end, 0x604000);
	assert_int_equal(ranges.ranges[1].start, 0x700000);
	assert_int_equal(ranges.ranges[1].end, 0x718000);
	damon_ranges_fini(&ranges);
}

/* Check that @to covers what @from does, without holes or overlap. */
static void check_cut(const struct damon_ranges *from, uint64_t pieces,
		      size_t expected)
{
	struct damon_ranges to = {0};

	assert_int_equal(damon_ranges_cut(&to, from, pieces, NULL), 0);
	assert_int_equal(to.nr, expected);
	damon_ranges_join(&to);
	assert_int_equal(to.nr, from->nr);
	for (size_t i = 0; i < from->nr; i++) {
		assert_int_equal(to.ranges[i].start, from->ranges[i].start);
		assert_int_equal(to.ranges[i].end, from->ranges[i].end);
	}
	damon_ranges_fini(&to);
}

static void ranges_are_cut_into_pages_at_the_least(void **state)
{
	struct damon_range two[] = {{0, 10 * P}, {100 * P, 190 * P}};
	const struct damon_ranges ranges = {.ranges = two, .nr = 2};

	(void)state;
	check_cut(&ranges, 1, 2);
	check_cut(&ranges, 10, 10);
	check_cut(&ranges, 100, 100);
	check_cut(&ranges, 1000, 100);
	check_cut(&ranges, 7, 1 + 6); /* 14 pages: the first is shorter */
}

static int add(struct damon_burst *burst, uint64_t ms, uint64_t start,
	       uint64_t nr)
{
	const struct damon_sample sample = {.time_ns = ms * MS,
					    .nr_regions = nr,
					    .start = start * P,
					    .end = (start + 1) * P};

	return damon_burst_add(burst, &sample, 50 * MS, NULL);
}

static void a_burst_is_complete_with_its_last_region(void **state)
{
	struct damon_burst burst = {0};

	(void)state;
	for (uint64_t ms = 100; ms <= 300; ms += 100) {
		assert_int_equal(add(&burst, ms, 0, 3), 0);
		assert_int_equal(add(&burst, ms, 5, 3), 0);
		assert_int_equal(add(&burst, ms + 1, 9, 3), 1);
		assert_int_equal(burst.nr, 3);
		assert_int_equal(burst.samples[1].start, 5 * P);
	}
	assert_int_equal(add(&burst, 400, 0, 1), 1);
	assert_int_equal(burst.broken, 0);
	damon_burst_fini(&burst);
}

static void a_burst_that_lacks_its_end_is_dropped(void **state)
{
	struct damon_burst burst = {0};

	(void)state;
	add(&burst, 100, 0, 3);
	add(&burst, 100, 5, 3);
	assert_int_equal(add(&burst, 200, 0, 3), 0);
	assert_int_equal(burst.broken, 1);
	assert_int_equal(burst.broken_ns, 100 * MS);
	assert_int_equal(add(&burst, 200, 5, 3), 0);
	assert_int_equal(add(&burst, 200, 9, 3), 1);
	assert_int_equal(burst.samples[0].time_ns, 200 * MS);
	damon_burst_fini(&burst);
}

/* The head of one and the tail of the next have the right number together: time
 * tells, and nr_regions where the time does not. */
static void parts_of_two_bursts_are_no_burst(void **state)
{
	struct damon_burst burst = {0};

	(void)state;
	add(&burst, 100, 0, 3);
	add(&burst, 100, 5, 3);
	assert_int_equal(add(&burst, 200, 9, 3), 0);
	assert_int_equal(burst.broken, 1);
	assert_int_equal(add(&burst, 201, 10, 2), 0);
	assert_int_equal(burst.broken, 2);
	assert_int_equal(add(&burst, 201, 11, 2), 1);
	damon_burst_fini(&burst);
}

static int make_pagemap(const uint64_t *entries, size_t nr)
{
	int fd = open("damon_test.pagemap",
		      O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, entries, nr * sizeof(*entries), 0),
			 nr * sizeof(*entries));
	return fd;
}

#define HERE (UINT64_C(1) << 63)

static void frames_lead_back_to_addresses(void **state)
{
	const uint64_t entries[] = {
		HERE | 50, HERE | 51, 0,	 HERE | 7,
		HERE | 90, HERE | 91, HERE | 52, HERE | 7 /* shared */,
	};
	struct damon_range all = {0, 9 * P}; /* one beyond the end */
	const struct damon_ranges hvas = {.ranges = &all, .nr = 1};
	struct damon_ranges found = {0};
	struct damon_frames frames;
	int fd = make_pagemap(entries, 8);
	uint64_t moved = HERE | 99;

	(void)state;
	assert_int_equal(damon_frames_read(&frames, fd, &hvas, NULL), 0);
	assert_int_equal(frames.absent, 2);
	assert_int_equal(frames.shared, 2);
	assert_int_equal(damon_frames_ranges(&frames, &found, NULL), 0);
	assert_int_equal(found.nr, 2); /* 50 to 52 and 90 to 91 */
	assert_int_equal(found.ranges[0].end, 53 * P);
	found.nr = 0;
	assert_int_equal(
		damon_frames_find(&frames, 51 * P, 91 * P, &found, NULL), 0);
	assert_int_equal(found.nr, 3);
	assert_int_equal(found.ranges[0].start, 1 * P);
	assert_int_equal(found.ranges[1].start, 6 * P);
	assert_int_equal(found.ranges[2].start, 4 * P);
	assert_int_equal(found.ranges[2].end, 5 * P);
	assert_int_equal(pwrite(fd, &moved, 8, 8), 8);
	found.nr = 0;
	assert_int_equal(damon_frames_find(&frames, 0, 60 * P, &found, NULL),
			 1);
	assert_int_equal(found.nr, 2);
	assert_int_equal(found.ranges[0].start, 0);
	assert_int_equal(found.ranges[0].end, P);
	damon_ranges_fini(&found);
	damon_frames_fini(&frames);
}

static void hidden_or_absent_frames_are_refused(void **state)
{
	const uint64_t hidden[] = {HERE}, absent[] = {0, 0};
	struct damon_range all = {0, 2 * P};
	const struct damon_ranges hvas = {.ranges = &all, .nr = 1};
	struct damon_frames frames;
	struct status st = {""};

	(void)state;
	assert_int_equal(damon_frames_read(&frames, make_pagemap(hidden, 1),
					   &hvas, &st),
			 -EPERM);
	assert_non_null(strstr(st.message, "CAP_SYS_ADMIN"));
	damon_frames_fini(&frames);
	assert_int_equal(damon_frames_read(&frames, make_pagemap(absent, 2),
					   &hvas, &st),
			 -ENODATA);
	damon_frames_fini(&frames);
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void expect(const char *path, const char *text)
{
	char found[64] = "";
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	if (!fgets(found, sizeof(found), file))
		found[0] = '\0';
	fclose(file);
	if (strcmp(found, text))
		fail_msg("%s holds '%s', not '%s'", path, found, text);
}

/* Files that are there from the beginning; sysfs makes them one by one. */
static void make_tree(void **state)
{
	static const char *const names[] = {
		"0/state",
		"0/pid",
		"0/contexts/nr_contexts",
		"0/contexts/0/operations",
		"0/contexts/0/monitoring_attrs/intervals/sample_us",
		"0/contexts/0/monitoring_attrs/intervals/aggr_us",
		"0/contexts/0/monitoring_attrs/nr_regions/min",
		"0/contexts/0/monitoring_attrs/nr_regions/max",
		"0/contexts/0/targets/nr_targets",
		"0/contexts/0/targets/0/pid_target",
		"0/contexts/0/targets/0/regions/nr_regions",
		"0/contexts/0/targets/0/regions/0/start",
		"0/contexts/0/targets/0/regions/0/end",
		"0/contexts/0/targets/0/regions/1/start",
		"0/contexts/0/targets/0/regions/1/end",
	};
	char path[256];

	(void)state;
	assert_int_equal(
		system("rm -rf " ROOT " && mkdir -p " ROOT "/proc " ROOT
		       "/sys/module/damon_stat/parameters " CONTEXT
		       "/monitoring_attrs/intervals " CONTEXT
		       "/monitoring_attrs/nr_regions " CONTEXT
		       "/targets/0/regions/0 " CONTEXT "/targets/0/regions/1"),
		0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), KDAMONDS "/%s", names[i]);
		put(path, "");
	}
	put(KDAMONDS "/nr_kdamonds", "0\n");
	put(KDAMONDS "/0/state", "off\n");
	put(KDAMONDS "/0/pid", "4711\n");
	put(CONTEXT "/avail_operations", "vaddr\nfvaddr\npaddr\n");
	put(ROOT "/sys/module/damon_stat/parameters/enabled", "N\n");
	put(ROOT "/proc/kallsyms", "0 t damon_va_prepare_access_checks\n"
				   "0 t damon_pa_prepare_access_checks\n");
}

static struct damon_range two_ranges[] = {{0x1000, 0x3000}, {0x7000, 0x8000}};
static const struct damon_ranges two = {.ranges = two_ranges, .nr = 2};
static const struct damon_wish wish = {
	.pid = 77,
	.sample_us = 5000,
	.aggr_us = 100000,
	.min_regions = 10,
	.max_regions = 500,
	.ranges = &two,
};

static void a_kdamond_gets_what_was_wished(void **state)
{
	struct damon_sysfs sysfs;
	struct guard guard = {0};
	struct status st = {""};
	pid_t tid;

	make_tree(state);
	assert_int_equal(damon_sysfs_open(&sysfs, ROOT, &wish, &guard, &st), 0);
	expect(KDAMONDS "/nr_kdamonds", "1");
	expect(CONTEXT "/operations", "fvaddr");
	expect(CONTEXT "/monitoring_attrs/intervals/sample_us", "5000");
	expect(CONTEXT "/monitoring_attrs/intervals/aggr_us", "100000");
	expect(CONTEXT "/monitoring_attrs/nr_regions/min", "10");
	expect(CONTEXT "/monitoring_attrs/nr_regions/max", "500");
	expect(CONTEXT "/targets/0/pid_target", "77");
	expect(CONTEXT "/targets/0/regions/nr_regions", "2");
	expect(CONTEXT "/targets/0/regions/0/end", "12288");
	expect(CONTEXT "/targets/0/regions/1/start", "28672");
	assert_false(damon_sysfs_is_on(&sysfs));
	assert_int_equal(damon_sysfs_start(&sysfs, &tid, &st), 0);
	assert_int_equal(tid, 4711);
	assert_true(damon_sysfs_is_on(&sysfs));
	damon_sysfs_close(&sysfs);
	assert_int_equal(guard_close(&guard, &st), 0);
	expect(KDAMONDS "/nr_kdamonds", "0");
	expect(KDAMONDS "/0/state", "off");
}

static void the_physical_wish_names_no_process(void **state)
{
	struct damon_wish physical = wish;
	struct damon_sysfs sysfs;
	struct guard guard = {0};

	physical.is_physical = true;
	make_tree(state);
	assert_int_equal(
		damon_sysfs_open(&sysfs, ROOT, &physical, &guard, NULL), 0);
	expect(CONTEXT "/operations", "paddr");
	expect(CONTEXT "/targets/0/pid_target", "");
	damon_sysfs_close(&sysfs);
	assert_int_equal(guard_close(&guard, NULL), 0);
}

static int try_to_open(struct status *st)
{
	struct damon_sysfs sysfs;
	struct guard guard = {0};
	int ret = damon_sysfs_open(&sysfs, ROOT, &wish, &guard, st);

	damon_sysfs_close(&sysfs);
	assert_int_equal(guard_close(&guard, NULL), 0);
	return ret;
}

/* Running or not: who wrote the number has plans. */
static void somebodys_kdamond_is_left_alone(void **state)
{
	struct status st = {""};

	make_tree(state);
	put(KDAMONDS "/nr_kdamonds", "2\n");
	put(CONTEXT "/operations", "paddr\n");
	assert_int_equal(try_to_open(&st), -EBUSY);
	assert_non_null(strstr(st.message, "nr_kdamonds is 2, number 0 is off"
					   " (paddr)"));
	assert_non_null(strstr(st.message, "fix: "));
	expect(KDAMONDS "/nr_kdamonds", "2\n");
	expect(KDAMONDS "/0/state", "off\n");
	expect(CONTEXT "/operations", "paddr\n");
}

static void a_module_that_wants_damon_alone_is_named(void **state)
{
	struct status st = {""};

	make_tree(state);
	put(ROOT "/sys/module/damon_stat/parameters/enabled", "Y\n");
	assert_int_equal(try_to_open(&st), -EBUSY);
	assert_non_null(strstr(st.message, "damon_stat runs"));
	assert_non_null(
		strstr(st.message,
		       "echo N >/sys/module/damon_stat/parameters/enabled"));
	expect(KDAMONDS "/nr_kdamonds", "0\n");
}

static void a_kernel_without_is_told_from_one_with(void **state)
{
	struct capture_probe probe = {.reason = ""};
	struct status st = {""};

	make_tree(state);
	assert_int_equal(damon_sysfs_probe(ROOT, &probe), 0);
	assert_string_equal(probe.found, "vaddr paddr");
	put(ROOT "/proc/kallsyms", "0 t damon_pa_prepare_access_checks\n");
	assert_int_equal(damon_sysfs_probe(ROOT, &probe), 0);
	assert_string_equal(probe.found, "no CONFIG_DAMON_VADDR, only paddr");
	put(CONTEXT "/avail_operations", "paddr\n");
	assert_int_equal(try_to_open(&st), -EOPNOTSUPP);
	assert_non_null(strstr(st.message, "--params ops=paddr"));
	expect(KDAMONDS "/nr_kdamonds", "0");
	assert_int_equal(damon_sysfs_probe(ROOT "/nowhere", &probe),
			 -EOPNOTSUPP);
	assert_non_null(strstr(probe.reason, "CONFIG_DAMON_SYSFS"));
}

/* What the kernel refuses in the middle is undone. */
static void a_half_made_kdamond_is_removed(void **state)
{
	struct status st = {""};

	make_tree(state);
	assert_int_equal(unlink(CONTEXT "/targets/0/regions/1/end"), 0);
	assert_int_equal(try_to_open(&st), -ENOENT);
	assert_non_null(strstr(st.message, "regions/1/end"));
	expect(KDAMONDS "/nr_kdamonds", "0");
}

/* A running kdamond cannot be removed: off must come first. */
static void it_is_turned_off_before_it_is_removed(void **state)
{
	_Alignas(struct inotify_event) char events[4096];
	struct damon_sysfs sysfs;
	struct guard guard = {0};
	int watch = inotify_init1(IN_CLOEXEC);
	int off, away;

	make_tree(state);
	assert_int_equal(damon_sysfs_open(&sysfs, ROOT, &wish, &guard, NULL),
			 0);
	off = inotify_add_watch(watch, KDAMONDS "/0/state", IN_CLOSE_WRITE);
	away = inotify_add_watch(watch, KDAMONDS "/nr_kdamonds",
				 IN_CLOSE_WRITE);
	assert_int_equal(guard_close(&guard, NULL), 0);
	assert_int_equal(read(watch, events, sizeof(events)),
			 2 * sizeof(struct inotify_event));
	assert_int_equal(((struct inotify_event *)events)[0].wd, off);
	assert_int_equal(((struct inotify_event *)events)[1].wd, away);
	damon_sysfs_close(&sysfs);
	close(watch);
}

static void killed_it_is_undone_too(void **state)
{
	const struct timespec pause = {0, 10000000};
	char text[8] = "";
	pid_t child;
	int status;

	make_tree(state);
	child = fork();
	if (!child) {
		struct damon_sysfs sysfs;
		struct guard guard = {0};
		pid_t tid;

		if (damon_sysfs_open(&sysfs, ROOT, &wish, &guard, NULL) ||
		    damon_sysfs_start(&sysfs, &tid, NULL))
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	for (int i = 0; i < 6000 && text[0] != '0'; i++) {
		FILE *file = fopen(KDAMONDS "/nr_kdamonds", "re");

		assert_non_null(file);
		if (!fgets(text, sizeof(text), file))
			text[0] = '\0';
		fclose(file);
		nanosleep(&pause, NULL);
	}
	assert_string_equal(text, "0");
	expect(KDAMONDS "/0/state", "off");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_of_slots_are_joined),
		cmocka_unit_test(ranges_are_cut_into_pages_at_the_least),
		cmocka_unit_test(a_burst_is_complete_with_its_last_region),
		cmocka_unit_test(a_burst_that_lacks_its_end_is_dropped),
		cmocka_unit_test(parts_of_two_bursts_are_no_burst),
		cmocka_unit_test(frames_lead_back_to_addresses),
		cmocka_unit_test(hidden_or_absent_frames_are_refused),
		cmocka_unit_test(a_kdamond_gets_what_was_wished),
		cmocka_unit_test(the_physical_wish_names_no_process),
		cmocka_unit_test(somebodys_kdamond_is_left_alone),
		cmocka_unit_test(a_module_that_wants_damon_alone_is_named),
		cmocka_unit_test(a_kernel_without_is_told_from_one_with),
		cmocka_unit_test(a_half_made_kdamond_is_removed),
		cmocka_unit_test(it_is_turned_off_before_it_is_removed),
		cmocka_unit_test(killed_it_is_undone_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
