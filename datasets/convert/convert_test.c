/* SPDX-License-Identifier: MIT */
/*
 * What holds for every format in importers.def and exporters.def: a valid file becomes a
 * valid trace that says what was lost; a cut, changed or foreign one becomes a message
 * with its name, and no file; what is exported and imported again is exported as the
 * same bytes.
 *
 * Files of perf and trace-cmd are made by these programs: tests/cli_convert.bats has
 * what is valid of them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/test.h"
#include "datasets/convert/export.h"
#include "datasets/convert/import.h"
#include "datasets/convert/test_samples.h"
#include "datasets/trace/fixture.h"

struct place {
	char folder[64];
	char input[128], output[128], other[128], trace[128], again[128];
};

static void begin(struct place *p)
{
	fixture_folder(p->folder);
	snprintf(p->input, sizeof(p->input), "%s/input", p->folder);
	snprintf(p->output, sizeof(p->output), "%s/out.kgt", p->folder);
	snprintf(p->other, sizeof(p->other), "%s/other", p->folder);
	snprintf(p->trace, sizeof(p->trace), "%s/trace.kgt", p->folder);
	snprintf(p->again, sizeof(p->again), "%s/again.kgt", p->folder);
}

static bool exists(const char *path)
{
	return !access(path, F_OK);
}

static void assert_no_output(const struct place *p)
{
	char part[160];

	snprintf(part, sizeof(part), "%s.part", p->output);
	assert_false(exists(p->output));
	assert_false(exists(part));
}

static void save(const char *path, const void *data, size_t bytes)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, bytes, file), bytes);
	assert_int_equal(fclose(file), 0);
}

/* Import these bytes: a whole trace, or one message that names the file, and
 * nothing. */
static void try_bytes(const struct importer *importer, const struct place *p,
		      const void *data, size_t bytes)
{
	struct status st = {""};
	int ret;

	save(p->input, data, bytes);
	ret = import_run(importer, NULL, p->input, p->output, NULL, &st);
	if (!ret) {
		assert_int_equal(fixture_read(p->output, TRACE_OPEN_VERIFY,
					      NULL, NULL, &st),
				 0);
		unlink(p->output);
		return;
	}
	assert_int_equal(ret, -EBADMSG);
	assert_ptr_equal(strstr(st.message, p->input), st.message);
	assert_null(strchr(st.message, '\n'));
	assert_no_output(p);
}

/* Where other programs read the file, a few tries have to do. */
static size_t tries(const struct importer *importer)
{
	return sample_of(importer->name)->is_slow ? 3 : 60;
}

static void test_every_importer_has_a_sample(void **unused)
{
	(void)unused;
	for (size_t i = 0; importers[i]; i++) {
		assert_non_null(sample_of(importers[i]->name));
		assert_ptr_equal(import_find(importers[i]->name, NULL),
				 importers[i]);
		assert_non_null(importers[i]->lost[0]);
	}
	assert_null(import_find("no-such-format", NULL));
	assert_null(export_find("no-such-format", NULL));
}

/* Whether the header has all that must be there of an import. */
static void check_header(const struct importer *importer, const char *path)
{
	struct trace_reader *reader;
	json_t *details, *import;

	assert_int_equal(trace_reader_open(&reader, path, 0, NULL), 0);
	details = json_loads(trace_reader_meta(reader)->details, 0, NULL);
	import = json_object_get(details, "import");
	assert_string_equal(
		json_string_value(json_object_get(import, "format")),
		importer->name);
	assert_string_equal(json_string_value(json_object_get(import, "file")),
			    "input");
	for (size_t i = 0; importer->lost[i]; i++)
		assert_string_equal(
			json_string_value(json_array_get(
				json_object_get(import, "lost"), i)),
			importer->lost[i]);
	json_decref(details);
	trace_reader_close(reader);
}

static void test_valid_files_become_traces(void **unused)
{
	struct place p;

	(void)unused;
	begin(&p);
	for (size_t i = 0; importers[i]; i++) {
		const struct sample *s = sample_of(importers[i]->name);
		struct trace_totals totals;
		struct outbuf text = {0};
		struct status st = {""};

		if (!s->make)
			continue;
		s->make(p.folder, p.input);
		if (import_run(importers[i], NULL, p.input, p.output, &totals,
			       &st))
			fail_msg("%s: %s", importers[i]->name, st.message);
		assert_int_equal(fixture_read(p.output, TRACE_OPEN_VERIFY,
					      &text, NULL, NULL),
				 0);
		assert_string_equal(text.data, s->records);
		check_header(importers[i], p.output);
		unlink(p.output);
		outbuf_fini(&text);
	}
	fixture_remove(p.folder);
}

static void test_cut_files(void **unused)
{
	struct place p;

	(void)unused;
	begin(&p);
	for (size_t i = 0; importers[i]; i++) {
		const struct sample *s = sample_of(importers[i]->name);
		struct outbuf whole;

		if (!s->make)
			continue;
		s->make(p.folder, p.input);
		whole = fixture_load(p.input);
		for (size_t n = 0; n < whole.used; n++)
			try_bytes(importers[i], &p, whole.data, n);
		outbuf_fini(&whole);
	}
	fixture_remove(p.folder);
}

/* Bytes of any sample, some of them changed, or none of any sample. */
static void hostile(struct rng *rng, const struct place *p, char *data,
		    size_t *n)
{
	const struct sample *s = &samples[rng_below(rng, nr_samples)];
	struct outbuf whole = {0};

	if (s->make && rng_below(rng, 4)) {
		s->make(p->folder, p->other);
		whole = fixture_load(p->other);
	}
	*n = whole.used < SAMPLE_MAX && whole.used ? whole.used
						   : rng_below(rng, SAMPLE_MAX);
	for (size_t i = 0; i < *n; i++)
		data[i] = whole.used ? whole.data[i] : (char)rng_next(rng);
	for (uint64_t k = rng_below(rng, 6); k-- && *n;)
		data[rng_below(rng, *n)] = (char)rng_next(rng);
	outbuf_fini(&whole);
}

static void test_hostile_files(void **unused)
{
	struct rng rng = {20261121};
	char data[SAMPLE_MAX];
	struct place p;
	size_t n;

	(void)unused;
	begin(&p);
	for (size_t i = 0; importers[i]; i++) {
		try_bytes(importers[i], &p, "", 0);
		for (size_t k = 0; k < tries(importers[i]); k++) {
			hostile(&rng, &p, data, &n);
			try_bytes(importers[i], &p, data, n);
		}
	}
	fixture_remove(p.folder);
}

static void test_absent_files(void **unused)
{
	struct status st = {""};
	struct place p;

	(void)unused;
	begin(&p);
	for (size_t i = 0; importers[i]; i++) {
		assert_int_equal(import_run(importers[i], NULL, p.input,
					    p.output, NULL, &st),
				 -ENOENT);
		assert_int_equal(import_run(importers[i], NULL, p.folder,
					    p.output, NULL, &st),
				 -EBADMSG);
		assert_int_equal(import_run(importers[i], "no-such-param=1",
					    p.input, p.output, NULL, &st),
				 -EINVAL);
		assert_no_output(&p);
	}
	fixture_remove(p.folder);
}

/* The memory of an import runs out at any allocation. */
static void test_import_without_memory(void **unused)
{
	struct place p;

	(void)unused;
	begin(&p);
	for (size_t i = 0; importers[i]; i++) {
		const struct sample *s = sample_of(importers[i]->name);
		int ret = -ENOMEM;

		if (!s->make)
			continue;
		s->make(p.folder, p.input);
		for (unsigned long nth = 1; ret; nth++) {
			kage_alloc_fail_at(nth);
			ret = import_run(importers[i], NULL, p.input, p.output,
					 NULL, NULL);
			kage_alloc_fail_at(0);
			assert_in_range(-ret, 0, ENOMEM);
			if (ret)
				assert_no_output(&p);
		}
		unlink(p.output);
	}
	fixture_remove(p.folder);
}

static struct trace_writer *open_source(const char *path)
{
	struct trace_meta meta = fixture_meta;
	struct trace_writer *writer;

	meta.clock = (struct trace_clock){TRACE_CLOCK_NS, 1000};
	assert_int_equal(trace_writer_open(&writer, path, &meta, NULL), 0);
	return writer;
}

static void write_stream(const char *path)
{
	struct trace_writer *writer = open_source(path);
	struct rng rng = {7};
	uint64_t time = 1;

	for (int i = 0; i < 500; i++) {
		struct trace_event event = fixture_event(&rng, time);

		time = event.time;
		assert_int_equal(trace_writer_event(writer, &event, NULL), 0);
	}
	assert_int_equal(trace_writer_close(writer, NULL, NULL), 0);
}

static void write_epochs(const char *path)
{
	struct trace_writer *writer = open_source(path);
	struct trace_run runs[20];
	struct trace_epoch epoch;
	struct rng rng = {8};
	uint64_t end = 0;

	for (uint64_t i = 0; i < 12; i++) {
		size_t n = fixture_epoch(&rng, &epoch, i, end, runs,
					 i == 3 ? 0 : 20);

		end = epoch.end;
		epoch.scan_start = epoch.scan_end = end;
		assert_int_equal(
			trace_writer_epoch(writer, &epoch, runs, n, NULL), 0);
	}
	assert_int_equal(trace_writer_close(writer, NULL, NULL), 0);
}

static void assert_same_file(const char *a, const char *b)
{
	struct outbuf x = fixture_load(a), y = fixture_load(b);

	assert_int_equal(x.used, y.used);
	assert_memory_equal(x.data, y.data, x.used);
	outbuf_fini(&x);
	outbuf_fini(&y);
}

static void go_around(const struct exporter *out, const struct importer *in,
		      const char *from, const char *file, const char *to)
{
	struct status st = {""};

	if (export_run(out, NULL, from, file, NULL, &st) ||
	    import_run(in, NULL, file, to, NULL, &st))
		fail_msg("%s: %s", out->name, st.message);
}

/* Out and in, three times: what a format loses, it loses at once. */
static void round_trip(const struct exporter *out, const struct importer *in,
		       const struct place *p)
{
	go_around(out, in, p->trace, p->input, p->again);
	go_around(out, in, p->again, p->other, p->output);
	if (strcmp(out->name, "damo")) /* its times begin anew */
		assert_same_file(p->input, p->other);
	go_around(out, in, p->output, p->input, p->again);
	assert_same_file(p->input, p->other);
	unlink(p->input);
	unlink(p->other);
	unlink(p->output);
	unlink(p->again);
}

static const struct importer *importer_of(const struct exporter *exporter)
{
	for (size_t i = 0; importers[i]; i++)
		if (!strcmp(importers[i]->name, exporter->name))
			return importers[i];
	return NULL;
}

static void test_round_trips(void **unused)
{
	struct place p;
	int trips = 0;

	(void)unused;
	begin(&p);
	for (size_t i = 0; exporters[i]; i++) {
		const struct importer *in = importer_of(exporters[i]);

		if (!in)
			continue;
		if (exporters[i]->event) {
			write_stream(p.trace);
			round_trip(exporters[i], in, &p);
			trips++;
		}
		if (exporters[i]->epoch) {
			write_epochs(p.trace);
			round_trip(exporters[i], in, &p);
			trips++;
		}
		unlink(p.trace);
	}
	assert_int_equal(trips, 5);
	fixture_remove(p.folder);
}

/* csv has a place for each field of a record. */
static void test_csv_keeps_every_record(void **unused)
{
	struct outbuf before = {0}, after = {0};
	struct place p;

	(void)unused;
	begin(&p);
	for (int epochs = 0; epochs < 2; epochs++) {
		if (epochs)
			write_epochs(p.trace);
		else
			write_stream(p.trace);
		assert_int_equal(export_run(export_find("csv", NULL), NULL,
					    p.trace, p.input, NULL, NULL),
				 0);
		assert_int_equal(import_run(import_find("csv", NULL), NULL,
					    p.input, p.output, NULL, NULL),
				 0);
		before.used = after.used = 0;
		fixture_read(p.trace, 0, &before, NULL, NULL);
		fixture_read(p.output, 0, &after, NULL, NULL);
		assert_string_equal(before.data, after.data);
	}
	outbuf_fini(&before);
	outbuf_fini(&after);
	fixture_remove(p.folder);
}

/* A failed export leaves nothing, and takes nothing away. */
static void test_failed_exports(void **unused)
{
	struct status st = {""};
	char part[160];
	struct place p;

	(void)unused;
	begin(&p);
	snprintf(part, sizeof(part), "%s.part", p.output);
	for (size_t i = 0; exporters[i]; i++) {
		write_epochs(p.trace);
		save(part, "mine", 4);
		assert_int_equal(export_run(exporters[i], NULL, p.trace,
					    p.output, NULL, &st),
				 -EEXIST);
		assert_true(exists(part));
		unlink(part);
		assert_int_equal(truncate(p.trace, 1000), 0);
		assert_int_equal(export_run(exporters[i], NULL, p.trace,
					    p.output, NULL, &st),
				 -EBADMSG);
		assert_no_output(&p);
	}
	fixture_remove(p.folder);
}

static void test_export_without_memory(void **unused)
{
	struct place p;

	(void)unused;
	begin(&p);
	write_epochs(p.trace);
	for (size_t i = 0; exporters[i]; i++) {
		int ret = -ENOMEM;

		for (unsigned long nth = 1; ret; nth += 1 + nth / 16) {
			kage_alloc_fail_at(nth);
			ret = export_run(exporters[i], NULL, p.trace, p.output,
					 NULL, NULL);
			kage_alloc_fail_at(0);
			assert_in_range(-ret, 0, ENOMEM);
			if (ret)
				assert_no_output(&p);
		}
		unlink(p.output);
	}
	fixture_remove(p.folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_importer_has_a_sample),
		cmocka_unit_test(test_valid_files_become_traces),
		cmocka_unit_test(test_cut_files),
		cmocka_unit_test(test_hostile_files),
		cmocka_unit_test(test_absent_files),
		cmocka_unit_test(test_import_without_memory),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_csv_keeps_every_record),
		cmocka_unit_test(test_failed_exports),
		cmocka_unit_test(test_export_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
