/* SPDX-License-Identifier: MIT */
/*
 * What `damo record --output_type json` or `json_compressed` (zlib) writes: an array
 * of records, one for each target, with snapshots of regions (damo: DamonRecord and
 * DamonSnapshot in _damo_records.py; numbers may be strings).  The whole file is kept
 * in memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/convert/inflate.h"
#include "datasets/convert/lines.h"
#include "datasets/convert/regions.h"

struct damo_params {
	uint64_t record;
	uint64_t samples;
};

static const struct param_spec damo_params[] = {
	{.name = "record",
	 .type = PARAM_UINT,
	 .offset = offsetof(struct damo_params, record),
	 .min = 0,
	 .max = 1 << 20,
	 .unit = "",
	 .help = "which of the file's records, from 1; 0: the only one"},
	{.name = "samples",
	 .type = PARAM_UINT,
	 .offset = offsetof(struct damo_params, samples),
	 .preset = 20,
	 .min = 1,
	 .max = 1 << 20,
	 .unit = "looks",
	 .help = "per snapshot, if the record does not have its intervals"},
	{.name = NULL},
};

static const char *const damo_lost[] = {
	"ages of regions, schemes and their filters",
	"the time of day: the trace begins with the first snapshot",
	NULL,
};

struct damo {
	struct import_job *job;
	struct regions regions;
	uint64_t origin; /* start of the first snapshot */
	bool has_origin;
};

/* A number, or a string of one with commas.  Return: 0, or -EBADMSG. */
static int number(struct import_job *job, const json_t *from, const char *name,
		  uint64_t *value, struct status *st)
{
	const json_t *j = json_object_get(from, name);
	const char *text = json_string_value(j);
	char digits[32];
	const char *at = digits;
	size_t n = 0;

	if (json_is_integer(j) && json_integer_value(j) >= 0) {
		*value = (uint64_t)json_integer_value(j);
		return 0;
	}
	if (json_is_real(j) && json_real_value(j) >= 0 &&
	    json_real_value(j) < 0x1p64) {
		*value = (uint64_t)json_real_value(j);
		if (*value > UINT64_C(1) << 53)
			import_lost(job, "digits of numbers above 2^53");
		return 0;
	}
	for (; text && *text && n < sizeof(digits) - 1; text++)
		if (*text != ',')
			digits[n++] = *text;
	digits[n] = '\0';
	if (text && !*text && lines_number(&at, 10, value) && !*at)
		return 0;
	return import_bad(job, st, "%s is no whole number", name);
}

static int looks(struct import_job *job, const json_t *record,
		 uint32_t *samples, struct status *st)
{
	const struct damo_params *p = job->params;
	const json_t *intervals = json_object_get(record, "intervals");
	uint64_t sample = 0, aggregation = 0;
	int ret;

	*samples = (uint32_t)p->samples;
	if (!json_is_object(intervals)) {
		import_lost(job, "intervals were not in the record: samples is "
				 "what the parameter says");
		return 0;
	}
	ret = number(job, intervals, "sample_us", &sample, st);
	if (!ret)
		ret = number(job, intervals, "aggr_us", &aggregation, st);
	if (!ret && (!sample || aggregation < sample ||
		     aggregation / sample > UINT32_MAX))
		ret = import_bad(job, st,
				 "aggr_us over sample_us is no number of "
				 "looks");
	if (!ret)
		*samples = (uint32_t)(aggregation / sample);
	return ret;
}

static int one_region(struct damo *d, const json_t *j, struct status *st)
{
	const json_t *accesses = json_object_get(j, "nr_accesses");
	struct region region;
	uint64_t percent;
	int ret = number(d->job, j, "start", &region.start, st);

	if (!ret)
		ret = number(d->job, j, "end", &region.end, st);
	if (!ret && json_is_null(json_object_get(accesses, "samples"))) {
		ret = number(d->job, accesses, "percent", &percent, st);
		region.hits = ret || percent > 100
				      ? d->regions.samples
				      : percent * d->regions.samples / 100;
	} else if (!ret) {
		ret = number(d->job, accesses, "samples", &region.hits, st);
	}
	return ret ? ret : regions_add(&d->regions, d->job, &region, st);
}

static int one_snapshot(struct damo *d, size_t at, const json_t *snapshot,
			struct status *st)
{
	const json_t *regions = json_object_get(snapshot, "regions");
	uint64_t start, end;
	int ret = number(d->job, snapshot, "start_time", &start, st);

	if (!ret)
		ret = number(d->job, snapshot, "end_time", &end, st);
	if (!ret && !json_is_array(regions))
		ret = import_bad(d->job, st, "no array of regions");
	for (size_t i = 0; !ret && i < json_array_size(regions); i++) {
		snprintf(d->job->where, sizeof(d->job->where),
			 "snapshot %zu, region %zu", at + 1, i + 1);
		ret = one_region(d, json_array_get(regions, i), st);
	}
	if (ret)
		return ret;
	if (!d->has_origin)
		d->origin = start;
	d->has_origin = true;
	if (start < d->origin || end < start)
		return import_bad(d->job, st,
				  "it begins before the first one, or ends "
				  "before it begins");
	return regions_emit(&d->regions, d->job, start - d->origin,
			    end - d->origin, st);
}

static int one_record(struct import_job *job, const json_t *record,
		      struct status *st)
{
	const json_t *snapshots = json_object_get(record, "snapshots");
	struct damo d = {.job = job};
	int ret;

	snprintf(job->where, sizeof(job->where), "the record");
	ret = looks(job, record, &d.regions.samples, st);
	if (!ret && !json_is_array(snapshots))
		ret = import_bad(job, st, "no array of snapshots");
	for (size_t i = 0; !ret && i < json_array_size(snapshots); i++) {
		snprintf(job->where, sizeof(job->where), "snapshot %zu", i + 1);
		ret = one_snapshot(&d, i, json_array_get(snapshots, i), st);
	}
	regions_fini(&d.regions);
	if (!ret)
		import_tell(job, "target",
			    json_incref(json_object_get(record, "target_id")));
	return ret;
}

static int choose(struct import_job *job, const json_t *records,
		  struct status *st)
{
	const struct damo_params *p = job->params;
	size_t n = json_array_size(records);
	uint64_t which = p->record ? p->record : 1;

	if (!json_is_array(records))
		return import_bad(job, st, "not an array of records");
	if (which > n || (!p->record && n > 1))
		return import_bad(job, st,
				  "holds %zu records; --params record=N takes "
				  "one",
				  n);
	return one_record(job, json_array_get(records, which - 1), st);
}

/* Kernel addresses, which name targets, may be numbers above 2^63: then all numbers
 * are read as real ones. */
static json_t *parse(const struct outbuf *text, json_error_t *error)
{
	const char *bytes = text->data ? text->data : "";
	json_t *records =
		json_loadb(bytes, text->used, JSON_REJECT_DUPLICATES, error);

	if (!records && json_error_code(error) == json_error_numeric_overflow)
		records = json_loadb(bytes, text->used,
				     JSON_REJECT_DUPLICATES |
					     JSON_DECODE_INT_AS_REAL,
				     error);
	return records;
}

static int read_damo(struct import_job *job, struct status *st)
{
	struct outbuf text = {0};
	json_error_t error;
	json_t *records = NULL;
	int ret = inflate_file(job, &text, st);

	job->meta.fidelity = TRACE_REGION_SAMPLE;
	job->meta.channels = TRACE_CHANNEL_ACCESSED;
	if (!ret) {
		records = parse(&text, &error);
		job->line = records ? 0 : (uint64_t)error.line;
		job->offset = 0;
		ret = records ? choose(job, records, st)
			      : import_bad(job, st, "%s", error.text);
	}
	json_decref(records);
	outbuf_fini(&text);
	return ret;
}

const struct importer importer_damo = {
	.name = "damo",
	.summary = "damo record's json or json_compressed",
	.lost = damo_lost,
	.params = damo_params,
	.params_size = sizeof(struct damo_params),
	.read = read_damo,
};
