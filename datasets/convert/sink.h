/* SPDX-License-Identifier: MIT */
/* What an importer's records go into: a survey of their memory first, then a trace. */
#ifndef DATASETS_SINK_H
#define DATASETS_SINK_H

#include "datasets/convert/import.h"
#include "datasets/convert/ranges.h"

struct sink {
	struct ranges ranges;	     /* of the survey */
	struct trace_writer *writer; /* of the second reading */
	uint64_t records, epochs;    /* of this reading */
	uint64_t last_time;	     /* of the last record or epoch */
	unsigned int nr_vcpus;
	size_t slot_hint;
};

/* Make the header's slots and number of vCPUs of what was seen, and begin again.
 * Return: 0, or -EBADMSG if there is nothing to make a trace of. */
int sink_survey_ends(struct import_job *job, struct status *st);

void sink_fini(struct sink *sink);

#endif
