/* SPDX-License-Identifier: MIT */
/* A small valid file of each format that can be imported; tests only. */
#ifndef DATASETS_TEST_SAMPLES_H
#define DATASETS_TEST_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>

enum {
	SAMPLE_MAX = 4096 /* bytes of the longest */
};

struct sample {
	const char *format;
	/* Write it to @path, and what it refers to into @folder.  NULL: only the program
	 * that it belongs to can. */
	void (*make)(const char *folder, const char *path);
	const char *records; /* what comes of it, as fixture_read() prints it */
	bool is_slow;	     /* other programs read it */
};

extern const struct sample samples[];
extern const size_t nr_samples;

/* Return: the sample of a format, or NULL. */
const struct sample *sample_of(const char *format);

#endif
