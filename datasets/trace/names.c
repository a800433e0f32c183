/* SPDX-License-Identifier: MIT */
/* Names of what trace.h enumerates, as headers, messages and tables show them. */
#include <stdio.h>

#include "datasets/trace/trace.h"

const char *const trace_fidelity_names[TRACE_NR_FIDELITIES] = {
	[TRACE_EXACT] = "exact",
	[TRACE_FIRST_WRITE] = "first-write",
	[TRACE_ACCESSED_BIT] = "accessed-bit",
	[TRACE_FAULT] = "fault",
	[TRACE_REGION_SAMPLE] = "region-sample",
	[TRACE_SYNTHETIC] = "synthetic",
	[TRACE_SAMPLED_ADDRESS] = "sampled-address",
};

const char *const trace_fidelity_meanings[TRACE_NR_FIDELITIES] = {
	[TRACE_EXACT] = "Every load, store and fetch by a vCPU was seen; "
			"accesses by devices were not.",
	[TRACE_FIRST_WRITE] = "Only a page's first write in each epoch was "
			      "seen; reads were not.",
	[TRACE_ACCESSED_BIT] = "Whether a page was accessed in an epoch was "
			       "seen; how often, when and by whom was not.",
	[TRACE_FAULT] = "Only the first access after a page was unmapped was "
			"seen; those to mapped pages were not.",
	[TRACE_REGION_SAMPLE] = "Looks at single pages stand for whole "
				"regions; other pages of a region may differ.",
	[TRACE_SYNTHETIC] = "A generator made it; no guest was observed.",
	[TRACE_SAMPLED_ADDRESS] = "One access in many was seen; a page that "
				  "was not seen may have been accessed, too.",
};

const char *const trace_event_names[TRACE_NR_EVENT_KINDS] = {
	[TRACE_READ] = "read",
	[TRACE_WRITE] = "write",
	[TRACE_FETCH] = "fetch",
	[TRACE_HOST_READ] = "host-read",
	[TRACE_HOST_WRITE] = "host-write",
	[TRACE_INVALIDATE] = "invalidate",
	[TRACE_BALLOON] = "balloon",
	[TRACE_UNMAP] = "unmap",
	[TRACE_LOST] = "lost",
};

const char *const trace_reason_names[TRACE_NR_REASONS] = {
	[TRACE_REASON_NONE] = "none",	[TRACE_REASON_EVICT] = "evict",
	[TRACE_REASON_NUMA] = "numa",	[TRACE_REASON_MIGRATE] = "migrate",
	[TRACE_REASON_UNMAP] = "unmap", [TRACE_REASON_UNKNOWN] = "unknown",
};

void trace_id_text(char text[TRACE_ID_TEXT], const uint8_t id[TRACE_ID_BYTES])
{
	for (size_t i = 0; i < TRACE_ID_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", id[i]);
}
