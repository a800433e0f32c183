/* SPDX-License-Identifier: MIT */
/* What `perf script` (and so `damo record --output_type perf_script`) printed. */
#include "datasets/convert/tracepoints.h"

const struct importer importer_perf_script = {
	.name = "perf-script",
	.summary = "perf script's text: events of KVM or DAMON",
	.lost = tracepoints_lost,
	.params = tracepoints_params,
	.params_size = sizeof(struct tracepoints_params),
	.read = tracepoints_read,
};
