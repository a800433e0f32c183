/* SPDX-License-Identifier: MIT */
/*
 * QEMU's calc-dirty-rate in dirty-ring mode: it turns KVM's dirty logging on for a
 * time and then off again, by itself, whatever happens to us.
 *
 * It cannot be ended early.  QEMU up to 8.1 takes whole seconds; newer ones also
 * milliseconds (member calc-time-unit; asked through query-qmp-schema).
 */
#ifndef CAPTURE_DIRTY_RATE_H
#define CAPTURE_DIRTY_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "capture/guest/qmp.h"

struct dirty_rate {
	struct qmp *qmp; /* borrowed */
	uint64_t period_ns;
	bool has_ms;
};

/* Return: 0; -EOPNOTSUPP if this QEMU has no dirty-ring mode or no KVM; -EINVAL if
 * it does not take @period_ns; or a QMP error. */
int dirty_rate_init(struct dirty_rate *rate, struct qmp *qmp,
		    uint64_t period_ns, struct status *st);

/* Logging begins soon after the return.  Return: 0; -EOPNOTSUPP with the fix if
 * QEMU runs without a dirty ring; -EBUSY if somebody else measures. */
int dirty_rate_start(struct dirty_rate *rate, struct status *st);

/* Return: 1 when the measurement has ended and logging is off, 0 if not yet, or an
 * error. */
int dirty_rate_is_done(struct dirty_rate *rate, struct status *st);

#endif
