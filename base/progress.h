/* SPDX-License-Identifier: MIT */
/* One line of progress on stderr, and only where stderr is a terminal. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdint.h>

/* Overwrite the line with "label: done of total (percent)"; total 0: unknown.
 * Rate-limited to ten lines a second, so callers may call it per block. */
void progress_show(const char *label, uint64_t done, uint64_t total);

/* Erase the line. */
void progress_end(void);

#endif
