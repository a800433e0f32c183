/* SPDX-License-Identifier: MIT */
/*
 * Numbers as people type and read them.  Every parser refuses trailing text,
 * signs, overflow and empty input, and names the value that it refused.
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* "1024", "4K", "2M", "1G", "1T" (binary); plain numbers are counts or bytes. */
int units_parse_size(const char *text, uint64_t *value, struct status *st);

/* "250ns", "10us", "5ms", "2s", fractions allowed; a bare number is ns. */
int units_parse_time_ns(const char *text, uint64_t *ns, struct status *st);

/* A finite decimal number >= 0. */
int units_parse_real(const char *text, double *value, struct status *st);

/* Return: @share of @whole, rounded down.  0.29 of 100 is 29, although what 0.29 is in
 * binary is a bit less. */
uint64_t units_share(double share, uint64_t whole);

/* The text forms that a table shows; @buf is returned for use in printf. */
enum {
	UNITS_TEXT = 32
};
const char *units_time(char buf[UNITS_TEXT], uint64_t ns);
const char *units_bytes(char buf[UNITS_TEXT], uint64_t bytes);
const char *units_count(char buf[UNITS_TEXT], uint64_t count); /* 12,345 */

#endif
