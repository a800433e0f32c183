/* SPDX-License-Identifier: MIT */
/* Parsing and printing of sizes, times and counts; see units.h. */
#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int refuse(const char *text, const char *what, struct status *st)
{
	return status_fail(st, EINVAL, "'%s' is not %s", text, what);
}

int units_parse_size(const char *text, uint64_t *value, struct status *st)
{
	static const char suffixes[] = "KMGT";
	const char *what = "a whole number (K, M, G, T: times 2^10, 2^20 ...)";
	const char *suffix;
	char *end;
	uint64_t n;

	if (!isdigit((unsigned char)text[0]))
		return refuse(text, what, st);
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno)
		return refuse(text, what, st);
	suffix = *end ? strchr(suffixes, *end) : NULL;
	if (suffix) {
		unsigned int shift = 10 * (unsigned int)(suffix - suffixes + 1);

		if (n > UINT64_MAX >> shift)
			return refuse(text, what, st);
		n <<= shift;
		end++;
	}
	if (*end)
		return refuse(text, what, st);
	*value = n;
	return 0;
}

int units_parse_real(const char *text, double *value, struct status *st)
{
	char *end;
	double d;

	if (!isdigit((unsigned char)text[0]))
		return refuse(text, "a number", st);
	d = strtod(text, &end);
	if (*end || !isfinite(d))
		return refuse(text, "a number", st);
	*value = d;
	return 0;
}

int units_parse_time_ns(const char *text, uint64_t *ns, struct status *st)
{
	static const struct {
		const char *suffix;
		double scale;
	} scales[] = {{"", 1}, {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
	const char *what = "a time (a number, then ns, us, ms or s)";
	char *end;
	double d;

	if (!isdigit((unsigned char)text[0]))
		return refuse(text, what, st);
	d = strtod(text, &end);
	for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++) {
		if (strcmp(end, scales[i].suffix))
			continue;
		d *= scales[i].scale;
		if (!(d < 0x1p63))
			return refuse(text, what, st);
		*ns = (uint64_t)llround(d);
		return 0;
	}
	return refuse(text, what, st);
}

uint64_t units_share(double share, uint64_t whole)
{
	const double rounding = 1 + 4 * DBL_EPSILON;

	return (uint64_t)(share * rounding * (double)whole);
}

static const char *scaled(char buf[UNITS_TEXT], double value, double step,
			  const char *const *names, size_t n)
{
	size_t i = 0;

	while (i + 1 < n && value >= step) {
		value /= step;
		i++;
	}
	snprintf(buf, UNITS_TEXT, i && value < 100 ? "%.1f %s" : "%.0f %s",
		 value, names[i]);
	return buf;
}

const char *units_time(char buf[UNITS_TEXT], uint64_t ns)
{
	static const char *const names[] = {"ns", "us", "ms", "s"};

	return scaled(buf, (double)ns, 1000, names, 4);
}

const char *units_bytes(char buf[UNITS_TEXT], uint64_t bytes)
{
	static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB"};

	return scaled(buf, (double)bytes, 1024, names, 5);
}

const char *units_count(char buf[UNITS_TEXT], uint64_t count)
{
	char digits[UNITS_TEXT];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	char *out = buf;

	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return buf;
}
