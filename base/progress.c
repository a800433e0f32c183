/* SPDX-License-Identifier: MIT */
/* Progress line; see progress.h.  State is per thread: only one should show. */
#include "base/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
	INTERVAL_MS = 100
};

static _Thread_local int64_t last_ms;

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void progress_show(const char *label, uint64_t done, uint64_t total)
{
	int64_t now = now_ms();

	if (!isatty(STDERR_FILENO) || now - last_ms < INTERVAL_MS)
		return;
	last_ms = now;
	if (total)
		fprintf(stderr,
			"\r\033[K%s: %" PRIu64 " of %" PRIu64 " (%.0f%%)",
			label, done, total,
			100.0 * (double)done / (double)total);
	else
		fprintf(stderr, "\r\033[K%s: %" PRIu64, label, done);
}

void progress_end(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}
