/* SPDX-License-Identifier: MIT */
/*
 * The shipped samples put policies to work, and their epochs lose little: at half
 * of its footprint each is replayed as the stream it is and as epochs of 1/25 of
 * the shortest aging period.  The order of touches is kept; what repeats within an
 * epoch is not.
 *
 * A sample's capture folded accesses before.  Where the epochs are shorter than its
 * folds they merge no record, and agreement says nothing of the 1/25: the message
 * tells how many records were merged.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "datasets/coarsen.h"
#include "replay/test_replay.h"

enum {
	NONE,
	RMAP,
	BATCHED,
	FAST_ONLY,
	POLICIES,
	EPOCHS_PER_PASS = 25,
	CANNOT_RUN = 77
};

static const char *const names[POLICIES] = {"none", "rmap", "batched",
					    "fast-only"};
static const char folder[] = "datasets/samples";
static const struct engine_options options = {.nr_samples = 1};

static struct outcome *replay(const char *path, uint64_t footprint)
{
	struct plan_request wanted =
		test_request("none,rmap,batched,fast-only", "50%");

	return test_replay(path, &options, &wanted, footprint, 0, POLICIES);
}

static struct bound_result opt_of(const struct engine_tape *tape,
				  uint64_t limit_pages)
{
	const struct bound_trace accesses = {
		.page = tape->page, .n = tape->n, .npages = tape->npages};
	struct bound_result result;
	struct status st = {""};

	if (bound_find("opt")->ops->run(&accesses, limit_pages, NULL, &result,
					&st))
		fail_msg("%s", st.message);
	return result;
}

/* A sample that asks for no decisions would tell nothing. */
static void check_properties(const struct outcome *o,
			     const struct engine_tape *tape)
{
	uint64_t limit_pages = o->plan.lanes[0].limit_pages;
	struct bound_result opt = opt_of(tape, limit_pages);

	print_message("  limit %llu pages, opt %llu refaults\n",
		      (unsigned long long)limit_pages,
		      (unsigned long long)opt.refaults);
	assert_true(opt.refaults >= 1000);
	assert_true(test_count(o, BATCHED, COUNT_passes) >= 10);
	for (size_t i = 0; i < POLICIES; i++)
		assert_true(test_count(o, i, COUNT_evictions) >=
			    3 * limit_pages);
}

static void check_alike(const struct outcome *o)
{
	static const enum counter decisions[] = {
		COUNT_refaults, COUNT_evictions, COUNT_scanned};

	for (size_t i = 0; i < sizeof(decisions) / sizeof(decisions[0]); i++)
		assert_int_equal(test_count(o, BATCHED, decisions[i]),
				 test_count(o, FAST_ONLY, decisions[i]));
}

static uint64_t most_passes(const struct outcome *o)
{
	uint64_t most = 1;

	for (size_t i = 0; i < POLICIES; i++)
		if (test_count(o, i, COUNT_passes) > most)
			most = test_count(o, i, COUNT_passes);
	return most;
}

/* Epochs of 1/25 of the shortest mean aging period. */
static void fold_stream(const char *from, const char *to,
			const struct outcome *o)
{
	const struct trace_totals *t = &o->trace.totals;
	const struct coarsen_job job = {
		.period = (t->last_time - t->first_time) /
			  (most_passes(o) * EPOCHS_PER_PASS)};

	test_coarsen(from, to, &job);
}

static void check_epochs(const struct outcome *stream, const char *path)
{
	struct outcome *epochs = replay(path, stream->trace.footprint_pages);
	bool is_close = true;

	assert_int_equal(epochs->trace.footprint_pages,
			 stream->trace.footprint_pages);
	print_message("  %llu epochs merge %llu of %llu records\n",
		      (unsigned long long)epochs->trace.totals.epochs,
		      (unsigned long long)(stream->trace.records -
					   epochs->trace.records),
		      (unsigned long long)stream->trace.records);
	for (size_t i = 0; i < POLICIES; i++) {
		int64_t a = (int64_t)test_count(stream, i, COUNT_refaults);
		int64_t b = (int64_t)test_count(epochs, i, COUNT_refaults);

		print_message("  %-9s %3llu passes, %lld refaults, %lld in "
			      "epochs\n",
			      names[i],
			      (unsigned long long)test_count(stream, i,
							     COUNT_passes),
			      (long long)a, (long long)b);
		is_close &= llabs(b - a) * 100 <= a;
	}
	assert_true(is_close);
	test_outcome_free(epochs);
}

static void sample_works_and_folds(void **state)
{
	const char *path = *state;
	struct engine_tape tape = {0};
	struct engine_trace trace;
	struct status st = {""};
	struct outcome *stream;
	struct lane none;
	char folded[64];

	snprintf(folded, sizeof(folded), "/tmp/kage-folded-%d.kgt",
		 (int)getpid());
	if (engine_run(path, &options, NULL, 0, &none, &tape, &trace, &st))
		fail_msg("%s", st.message);
	stream = replay(path, trace.footprint_pages);
	check_properties(stream, &tape);
	check_alike(stream);
	fold_stream(path, folded, stream);
	check_epochs(stream, folded);
	unlink(folded);
	engine_tape_fini(&tape);
	test_outcome_free(stream);
}

static int is_sample(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && !strcmp(dot, ".kgt");
}

int main(void)
{
	struct dirent **samples = NULL;
	int n = scandir(folder, &samples, is_sample, alphasort);
	int failed = 0;

	if (n <= 0) {
		printf("%s: no .kgt here: run in the source folder, with the "
		       "samples fetched\n",
		       folder);
		free(samples);
		return CANNOT_RUN;
	}
	for (int i = 0; i < n; i++) {
		char path[sizeof(folder) + sizeof(samples[i]->d_name)];
		const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(
			sample_works_and_folds, path)};

		snprintf(path, sizeof(path), "%s/%s", folder,
			 samples[i]->d_name);
		free(samples[i]);
		failed += _cmocka_run_group_tests(path, tests, 1, NULL, NULL);
	}
	free(samples);
	return failed;
}
