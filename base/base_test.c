/* SPDX-License-Identifier: MIT */
/* Units, parameters, allocation faults, pool and file replacement. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/outbuf.h"
#include "base/param.h"
#include "base/pool.h"
#include "base/test.h"
#include "base/units.h"

static void sizes_accept_binary_suffixes(void **state)
{
	uint64_t v;

	(void)state;
	assert_int_equal(units_parse_size("0", &v, NULL), 0);
	assert_int_equal(v, 0);
	assert_int_equal(units_parse_size("3K", &v, NULL), 0);
	assert_int_equal(v, 3072);
	assert_int_equal(units_parse_size("2T", &v, NULL), 0);
	assert_int_equal(v, 2199023255552);
}

static void sizes_refuse_what_is_no_size(void **state)
{
	static const char *const bad[] = {
		"",	    "-1",  "+1",
		" 1",	    "1 ",  "1X",
		"K",	    "1KB", "99999999999999999999",
		"99999999T"};
	struct status st;
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(units_parse_size(bad[i], &v, &st), -EINVAL);
		assert_non_null(strstr(st.message, bad[i]));
	}
}

static void times_accept_fractions(void **state)
{
	uint64_t ns;

	(void)state;
	assert_int_equal(units_parse_time_ns("1.5ms", &ns, NULL), 0);
	assert_int_equal(ns, 1500000);
	assert_int_equal(units_parse_time_ns("2s", &ns, NULL), 0);
	assert_int_equal(ns, 2000000000);
	assert_int_equal(units_parse_time_ns("7", &ns, NULL), 0);
	assert_int_equal(ns, 7);
	assert_int_equal(units_parse_time_ns("1h", &ns, NULL), -EINVAL);
	assert_int_equal(units_parse_time_ns("1e30s", &ns, NULL), -EINVAL);
}

static void counts_print_with_separators(void **state)
{
	char buf[UNITS_TEXT];

	(void)state;
	assert_string_equal(units_count(buf, 999), "999");
	assert_string_equal(units_count(buf, 1234567), "1,234,567");
	assert_string_equal(units_count(buf, UINT64_MAX),
			    "18,446,744,073,709,551,615");
}

struct sample {
	uint64_t batch;
	unsigned int lock;
	double share;
};

static const char *const locks[] = {"write", "read", NULL};
static const struct param_spec sample_specs[] = {
	{"batch", PARAM_UINT, offsetof(struct sample, batch), 64, 1, 512, NULL,
	 "pages", "pages per call", "a mail"},
	{"lock", PARAM_ENUM, offsetof(struct sample, lock), 0, 0, 0, locks, "",
	 "how", NULL},
	{"share", PARAM_REAL, offsetof(struct sample, share), 0.5, 0, 1, NULL,
	 "", "part", NULL},
	{0}};

static void params_round_trip_in_one_canonical_form(void **state)
{
	struct sample s;
	char buf[128];

	(void)state;
	assert_int_equal(param_parse(sample_specs, &s, "x", "", NULL), 0);
	assert_int_equal(s.batch, 64);
	assert_int_equal(param_parse(sample_specs, &s, "x", "lock=read,batch=8",
				     NULL),
			 0);
	assert_int_equal(param_format(sample_specs, &s, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "batch=8,lock=read,share=0.5");
	assert_int_equal(param_format(sample_specs, &s, buf, 8), -ENOSPC);
}

static void params_say_unit_default_range_and_source(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	param_explain(sample_specs, out);
	fclose(out);
	assert_string_equal(text, "    batch      pages per call\n"
				  "      unit     pages\n"
				  "      default  64\n"
				  "      range    1 to 512\n"
				  "      source   a mail\n"
				  "    lock       how\n"
				  "      unit     -\n"
				  "      default  write\n"
				  "      range    write, read\n"
				  "      source   -\n"
				  "    share      part\n"
				  "      unit     -\n"
				  "      default  0.5\n"
				  "      range    0 to 1\n"
				  "      source   -\n");
	free(text);
}

static void params_name_what_is_known(void **state)
{
	struct status st;
	struct sample s;

	(void)state;
	assert_int_equal(param_parse(sample_specs, &s, "x", "bach=1", &st),
			 -EINVAL);
	assert_string_equal(
		st.message,
		"x has no parameter 'bach'; known: batch lock share");
	assert_int_equal(param_parse(sample_specs, &s, "x", "batch=0", &st),
			 -EINVAL);
	assert_int_equal(param_parse(sample_specs, &s, "x", "batch=513", &st),
			 -EINVAL);
	assert_int_equal(param_parse(sample_specs, &s, "x", "lock=none", &st),
			 -EINVAL);
	assert_non_null(strstr(st.message, "write read"));
	assert_int_equal(param_parse(sample_specs, &s, "x", "batch", &st),
			 -EINVAL);
}

static void allocation_fails_when_told(void **state)
{
	struct status st = {""};
	void *p, *grown = NULL;
	size_t capacity = 0;

	(void)state;
	kage_alloc_fail_at(2);
	p = kage_calloc(1, 1, &st);
	assert_non_null(p);
	assert_null(kage_calloc(1, 1, &st));
	assert_true(kage_alloc_failed());
	assert_non_null(strstr(st.message, "out of memory"));
	free(p);
	assert_null(kage_calloc(SIZE_MAX, 2, NULL));
	assert_null(kage_calloc_pages(SIZE_MAX / 2, 4, NULL));
	kage_alloc_fail_at(1);
	assert_int_equal(kage_grow(&grown, &capacity, 0, 8, NULL), -ENOMEM);
	assert_int_equal(kage_grow(&grown, &capacity, 0, 8, NULL), 0);
	assert_true(capacity >= 1);
	free(grown);
}

struct tally {
	atomic_uint runs;
};

static int count_job(void *arg, size_t index, struct status *st)
{
	struct tally *t = arg;

	atomic_fetch_add(&t->runs, 1);
	return index == 7 ? status_fail(st, EIO, "job %zu", index) : 0;
}

static void pool_runs_every_job_and_reports_the_failure(void **state)
{
	struct tally t = {0};
	struct status st = {""};

	(void)state;
	assert_int_equal(pool_run(3, 7, count_job, &t, &st), 0);
	assert_int_equal(atomic_load(&t.runs), 7);
	assert_int_equal(pool_run(3, 8, count_job, &t, &st), -EIO);
	assert_string_equal(st.message, "job 7");
}

static void files_are_replaced_whole_or_not_at_all(void **state)
{
	char path[] = "/tmp/kage-base-XXXXXX";
	struct status st = {""};
	struct outbuf out = {0};
	char line[16] = "";
	FILE *f;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	outbuf_printf(&out, "%s %d", "n", 42);
	assert_int_equal(outbuf_write_file(&out, path, &st), 0);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	assert_string_equal(line, "n 42");
	out.error = -ENOMEM;
	assert_int_equal(outbuf_write_file(&out, path, &st), -ENOMEM);
	assert_true(outbuf_replace_file("/nonexistent/x", "", 0, &st) < 0);
	assert_non_null(strstr(st.message, "/nonexistent/x"));
	outbuf_fini(&out);
	unlink(path);
}

static void shares_are_rounded_down_once(void **state)
{
	(void)state;
	for (unsigned int percent = 0; percent <= 200; percent++)
		for (uint64_t whole = 0; whole < 10000; whole += 25)
			assert_int_equal(units_share(percent / 100.0, whole),
					 whole * percent / 100);
	assert_int_equal(units_share(0.125, 999), 124);
	assert_int_equal(units_share(0.9999, 10000), 9999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_accept_binary_suffixes),
		cmocka_unit_test(sizes_refuse_what_is_no_size),
		cmocka_unit_test(times_accept_fractions),
		cmocka_unit_test(shares_are_rounded_down_once),
		cmocka_unit_test(counts_print_with_separators),
		cmocka_unit_test(params_round_trip_in_one_canonical_form),
		cmocka_unit_test(params_say_unit_default_range_and_source),
		cmocka_unit_test(params_name_what_is_known),
		cmocka_unit_test(allocation_fails_when_told),
		cmocka_unit_test(pool_runs_every_job_and_reports_the_failure),
		cmocka_unit_test(files_are_replaced_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
