/* SPDX-License-Identifier: MIT */
/*
 * Events of a real kdamond.  If somebody's runs on this machine, the test listens
 * to it and changes nothing; otherwise it is skipped: the lab has tests that start
 * one.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/damon/damon_regions.h"
#include "capture/tracing/hostfs.h"
#include "capture/tracing/tracer.h"

#define KDAMOND "/sys/kernel/mm/damon/admin/kdamonds/0"

enum {
	SKIPPED = 77,
	BURSTS = 2,
};

struct heard {
	pid_t tid;
	uint64_t aggr_ns, looks;
	struct damon_burst burst;
	unsigned int complete;
	uint64_t last_ns; /* of a complete burst */
};

static bool read_number(const char *name, uint64_t *value)
{
	char path[256];
	FILE *file;
	int n;

	snprintf(path, sizeof(path), KDAMOND "/%s", name);
	file = fopen(path, "re");
	if (!file)
		return false;
	n = fscanf(file, "%" SCNu64, value);
	fclose(file);
	return n == 1;
}

/* Regions in order, with no more hits than looks, one interval after the other. */
static void check_burst(struct heard *heard)
{
	const struct damon_burst *burst = &heard->burst;
	uint64_t when = burst->samples[0].time_ns;

	for (size_t i = 0; i < burst->nr; i++) {
		assert_true(burst->samples[i].start < burst->samples[i].end);
		assert_int_equal(burst->samples[i].end % 4096, 0);
		assert_true(burst->samples[i].hits <= heard->looks);
		assert_int_equal(burst->samples[i].target, 0);
	}
	if (heard->last_ns)
		assert_true(when - heard->last_ns >= heard->aggr_ns * 9 / 10);
	heard->last_ns = when;
	heard->complete++;
	printf("%zu regions from %#" PRIx64 "\n", burst->nr,
	       burst->samples[0].start);
}

static int hear(void *arg, const struct tracer_event *event, struct status *st)
{
	struct heard *heard = arg;
	const struct damon_sample sample = {event->time_ns,  event->field[0],
					    event->field[1], event->field[2],
					    event->field[3], event->field[4]};
	int ret;

	if (event->tid != heard->tid)
		return 0;
	ret = damon_burst_add(&heard->burst, &sample, heard->aggr_ns / 2, st);
	if (ret > 0)
		check_burst(heard);
	return ret < 0 ? ret : 0;
}

static void listen_to(struct tracer *tracer, struct heard *heard)
{
	uint64_t lost = 0, sum = 0;
	time_t end = time(NULL) +
		     (time_t)(heard->aggr_ns * (BURSTS + 2) / 1000000000) + 2;
	struct status st = {""};

	while (heard->complete < BURSTS && time(NULL) < end) {
		poll(NULL, 0, 100);
		assert_int_equal(tracer_drain(tracer, hear, heard, &lost, &st),
				 1);
		sum += lost;
	}
	assert_int_equal(sum, 0);
	assert_int_equal(heard->complete, BURSTS);
	assert_true(heard->burst.broken <= 1); /* the one that we came into */
}

static void a_running_kdamonds_bursts_are_complete(void **state)
{
	static const struct tracer_point point = {
		.system = "damon",
		.event = "damon_aggregated",
		.fields = {"target_id", "nr_regions", "start", "end",
			   "nr_accesses"},
	};
	const struct tracer_plan plan = {
		.points = &point, .nr_points = 1, .ring_bytes = 1 << 20};
	struct heard *heard = *state;
	struct tracer *tracer;
	struct status st = {""};
	int tracefs = hostfs_open("tracefs", &st);

	assert_true(tracefs >= 0);
	if (tracer_open(&tracer, tracefs, &plan, &st))
		fail_msg("%s", st.message);
	assert_int_equal(tracer_enable(tracer, &st), 0);
	listen_to(tracer, heard);
	tracer_close(tracer);
	close(tracefs);
	damon_burst_fini(&heard->burst);
}

int main(void)
{
	struct heard heard = {0};
	uint64_t tid, sample, aggr;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(
			a_running_kdamonds_bursts_are_complete, &heard),
	};

	if (geteuid() || !read_number("pid", &tid) || (int64_t)tid <= 0 ||
	    !read_number("contexts/0/monitoring_attrs/intervals/sample_us",
			 &sample) ||
	    !read_number("contexts/0/monitoring_attrs/intervals/aggr_us",
			 &aggr) ||
	    !sample || aggr > 10000000) {
		puts("skip: no kdamond runs here, or we may not look at it");
		return SKIPPED;
	}
	heard.tid = (pid_t)tid;
	heard.aggr_ns = aggr * 1000;
	heard.looks = aggr / sample;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
