/* SPDX-License-Identifier: MIT */
/*
 * What a released kernel does, as a model: whose MGLRU, and who asks the secondary MMU
 * when.  A kernel without a row here has no model yet.
 */
#ifndef REPLAY_PRESET_H
#define REPLAY_PRESET_H

#include <stddef.h>

struct preset {
	const char *name; /* "linux-6.12", as for `kage replay --policy`, too */
	const char *kernel; /* "6.12": name in models/mglru_version.c */
	const char *policy; /* as for `kage replay --policy` */
};

extern const struct preset presets[]; /* ends with a NULL kernel */

/* Return: the preset called @name ("linux-6.12"), or NULL. */
const struct preset *preset_named(const char *name);

/* Return: the model of a release ("6.12.95+deb13-amd64", or just "6.12"), or NULL. */
const struct preset *preset_find(const char *release);

/* The known ones as " 6.12 ...", cut off at @size. */
void preset_names(char *text, size_t size);

#endif
