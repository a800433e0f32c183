/* SPDX-License-Identifier: MIT */
/* Cost profiles that are sound, and each way in which they are not. */
#include "datasets/costs/cost_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/test.h"

#define HEAD                                                                   \
	"# mine\nkage-costs\t1\nprofile\tmine\n\nhost\tmy laptop\n"            \
	"name\tvalue\tlow\thigh\tunit\tkind\tsource\thow\n"

static bool knows_a_to_c(void *arg, const char *name)
{
	(void)arg;
	return name[0] >= 'a' && name[0] <= 'c' && !name[1];
}

static int parse(struct cost_file *file, const char *text, struct status *st)
{
	return cost_file_parse(file, "f", text, strlen(text), knows_a_to_c,
			       NULL, st);
}

static void rows_come_in_ns(void **state)
{
	struct cost_file file;
	struct status st = {""};
	const struct cost_row *row;

	(void)state;
	assert_int_equal(
		parse(&file,
		      HEAD "a\t1.5\t1\t2\tus\tmeasured\tme\tby hand\n"
			   "# between\nc\t-\t-\t-\tns\tmissing\tnobody\tno\n"
			   "b\t0\t-\t-\tms\tassumed\tme\tfree",
		      &st),
		0);
	assert_string_equal(file.profile, "mine");
	assert_string_equal(file.host, "my laptop");
	assert_int_equal(file.nr_rows, 3);
	row = cost_file_row(&file, "a");
	assert_true(row->value_ns == 1500 && row->low_ns == 1000 &&
		    row->high_ns == 2000);
	assert_int_equal(row->kind, COST_MEASURED);
	assert_int_equal(row->line, 7);
	assert_string_equal(row->how, "by hand");
	assert_int_equal(cost_file_row(&file, "c")->kind, COST_MISSING);
	assert_true(cost_file_row(&file, "b")->value_ns == 0);
	assert_null(cost_file_row(&file, "d"));
	cost_file_fini(&file);
}

/* What must be refused, where, and a word of why. */
static const struct {
	const char *text, *message;
} refused[] = {
	{"", "f:0: the file ends"},
	{"kage-costs\t2\n", "f:1: a cost profile begins"},
	{"kage-costs\t1\nhost\th\n", "f:2: 'profile'"},
	{"kage-costs\t1\nprofile\ta b\n", "f:2: 'profile'"},
	{"kage-costs\t1\nprofile\tp\nhost\t\n", "f:3: 'host'"},
	{"kage-costs\t1\nprofile\tp\nhost\th\nname\tvalue\n", "f:4: the names"},
	{HEAD, "f:6: the file ends before its first row"},
	{HEAD "a\t1\t-\t-\tns\tmeasured\tme\n", "f:7: 7 fields"},
	{HEAD "a\t1\t-\t-\tns\tmeasured\tme\th\tx\n", "f:7: 9 fields"},
	{HEAD "d\t1\t-\t-\tns\tmeasured\tme\th\n", "f:7: no cost 'd'"},
	{HEAD
	 "a\t1\t-\t-\tns\tmeasured\tm\th\n\na\t1\t-\t-\tns\tmeasured\tm\th",
	 "f:9: cost 'a' is in line 7 already"},
	{HEAD "a\t-1\t-\t-\tns\tmeasured\tme\th\n", "f:7: '-1': a cost is not"},
	{HEAD "a\t1x\t-\t-\tns\tmeasured\tme\th\n",
	 "f:7: '1x' is not a number"},
	{HEAD "a\t0x1\t-\t-\tns\tmeasured\tme\th\n", "f:7: '0x1' is not"},
	{HEAD "a\tnan\t-\t-\tns\tmeasured\tme\th\n", "f:7: 'nan' is not"},
	{HEAD "a\t1e99\t-\t-\tns\tmeasured\tme\th\n", "f:7: '1e99': more than"},
	{HEAD "a\t1001\t-\t-\tms\tmeasured\tme\th\n", "f:7: '1001': more than"},
	{HEAD "a\t1\t2\t3\tns\tmeasured\tme\th\n", "f:7: 1 is not between"},
	{HEAD "a\t1\t-\t3\tns\tmeasured\tme\th\n", "f:7: low and high"},
	{HEAD "a\t1\t-\t-\ts\tmeasured\tme\th\n", "f:7: unit 's'"},
	{HEAD "a\t1\t-\t-\tns\tguessed\tme\th\n", "f:7: kind 'guessed'"},
	{HEAD "a\t1\t-\t-\tns\tmissing\tme\th\n", "f:7: a missing cost"},
	{HEAD "a\t-\t-\t-\tns\tmeasured\tme\th\n", "f:7: a row without value"},
	{HEAD "a\t-\t1\t2\tns\tmissing\tme\th\n", "f:7: a missing cost has no"},
	{HEAD "a\t1\t-\t-\tns\tmeasured\t\th\n", "f:7: source and how"},
	{HEAD "a\t1\t-\t-\tns\tmeasured\tme\th\r\n", "f:7: byte 0x0d"},
	{HEAD "a\t1\t-\t-\tns\tmeasured\tm\xc3\xbc\th\n", "f:7: byte 0xc3"},
};

static void what_is_wrong_is_named_by_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct cost_file file;
		struct status st = {""};

		assert_int_equal(parse(&file, refused[i].text, &st), -EBADMSG);
		if (strncmp(st.message, refused[i].message,
			    strlen(refused[i].message)))
			fail_msg("'%s' instead of '%s'", st.message,
				 refused[i].message);
		cost_file_fini(&file);
	}
}

static void zero_bytes_and_giants_are_refused(void **state)
{
	static const char text[] = HEAD "a\t1\t-\t-\tns\tmeas\0ured\tme\th\n";
	struct cost_file file;
	struct status st = {""};
	char *giant = calloc(1, COST_FILE_BYTES + 1);

	(void)state;
	assert_int_equal(cost_file_parse(&file, "f", text, sizeof(text) - 1,
					 NULL, NULL, &st),
			 -EBADMSG);
	assert_string_equal(st.message, "f:7: byte 0x00 does not belong here");
	cost_file_fini(&file);
	memset(giant, '\n', COST_FILE_BYTES + 1);
	assert_int_equal(cost_file_parse(&file, "f", giant, COST_FILE_BYTES + 1,
					 NULL, NULL, &st),
			 -EBADMSG);
	cost_file_fini(&file);
	free(giant);
}

/* A sound row of random numbers, or of none. */
static struct cost_row random_row(struct rng *rng, const char *name)
{
	struct cost_row row = {.name = name, .source = "me", .how = "a dice"};

	row.kind = (enum cost_kind)rng_below(rng, NR_COST_KINDS);
	row.has_range = row.kind != COST_MISSING && rng_below(rng, 2);
	if (row.kind != COST_MISSING)
		row.value_ns = (double)rng_below(rng, 1000000007) /
			       (double)(1 + rng_below(rng, 1000));
	row.low_ns = row.value_ns / 3;
	row.high_ns = row.value_ns * 1.1;
	return row;
}

static void what_is_printed_reads_the_same(void **state)
{
	static const char *const names[] = {"a", "b", "c"};
	struct rng rng = {7};

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct cost_file file = {.profile = "p", .host = "h"}, copy;
		struct outbuf text = {0};

		for (int i = 0; i < 3; i++) {
			struct cost_row row = random_row(&rng, names[i]);

			assert_int_equal(cost_file_add(&file, &row, NULL), 0);
		}
		cost_file_print(&file, &text);
		assert_int_equal(cost_file_parse(&copy, "f", text.data,
						 text.used, knows_a_to_c, NULL,
						 NULL),
				 0);
		for (int i = 0; i < 3; i++) {
			const struct cost_row *x = &file.rows[i],
					      *y = &copy.rows[i];

			assert_string_equal(x->name, y->name);
			assert_int_equal(x->kind, y->kind);
			assert_int_equal(x->has_range, y->has_range);
			assert_true(x->value_ns == y->value_ns);
			assert_true(!x->has_range ||
				    (x->low_ns == y->low_ns &&
				     x->high_ns == y->high_ns));
		}
		outbuf_fini(&text);
		cost_file_fini(&file);
		cost_file_fini(&copy);
	}
}

static void files_are_read_and_missed(void **state)
{
	struct cost_file file;
	struct status st = {""};
	char path[] = "/tmp/kage-costs-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "kage\n", 5), 5);
	close(fd);
	assert_int_equal(cost_file_load(&file, path, NULL, NULL, &st),
			 -EBADMSG);
	assert_non_null(strstr(st.message, ":1: a cost profile begins"));
	cost_file_fini(&file);
	unlink(path);
	assert_int_equal(cost_file_load(&file, path, NULL, NULL, &st), -ENOENT);
	cost_file_fini(&file);
	assert_int_equal(cost_file_load(&file, "/", NULL, NULL, &st), -EISDIR);
	cost_file_fini(&file);
}

static void no_memory_is_said(void **state)
{
	static const char text[] = HEAD "a\t1\t-\t-\tns\tmeasured\tme\th\n";
	struct cost_file file;

	(void)state;
	for (unsigned long n = 1; n <= 2; n++) {
		kage_alloc_fail_at(n);
		assert_int_equal(parse(&file, text, NULL), -ENOMEM);
		cost_file_fini(&file);
	}
	kage_alloc_fail_at(0);
	assert_int_equal(parse(&file, text, NULL), 0);
	cost_file_fini(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_in_ns),
		cmocka_unit_test(what_is_wrong_is_named_by_line),
		cmocka_unit_test(zero_bytes_and_giants_are_refused),
		cmocka_unit_test(what_is_printed_reads_the_same),
		cmocka_unit_test(files_are_read_and_missed),
		cmocka_unit_test(no_memory_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
