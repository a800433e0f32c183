/* SPDX-License-Identifier: MIT */
/* A guest of calibrate's own that touches what it is told to, timed. */
#ifndef CAPTURE_CALIBRATE_ORDERED_H
#define CAPTURE_CALIBRATE_ORDERED_H

#include <stdint.h>

#include "base/status.h"
#include "capture/vmm/vmm.h"

struct ordered {
	struct vmm *vmm;
	char *data; /* its pages, CALIBRATE_PAGES for each vCPU */
	unsigned int nr_vcpus;
};

/* Return: 0 with @guest waiting for orders, to ordered_stop(); or an error. */
int ordered_start(struct ordered *guest, unsigned int nr_vcpus,
		  struct status *st);
void ordered_stop(struct ordered *guest);

/* How long a vCPU was at it: by the clock, and CPU time of the first vCPU's thread, in
 * guest mode or not, which others who want the CPU do not add to. */
struct ordered_time {
	double wall_ns, cpu_ns;
};

/* Each vCPU is to write to the first @n pages of its own.  ordered_end() waits until
 * all have; ordered_touch() does both and gives the time from one to the other. */
int ordered_begin(struct ordered *guest, size_t n, struct status *st);
int ordered_end(struct ordered *guest, struct status *st);
int ordered_touch(struct ordered *guest, size_t n, struct ordered_time *time,
		  struct status *st);

/* CPU time of mprotect() of @n pages, which must be written to again before the next. */
int ordered_protect(char *at, size_t n, double *ns, struct status *st);

#endif
