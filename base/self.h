/* SPDX-License-Identifier: MIT */
/* The files that belong to this program: in its source tree or its installation. */
#ifndef BASE_SELF_H
#define BASE_SELF_H

#include <limits.h>

#include "base/status.h"

/* The path of this program.  Return: 0 or -ENOSYS. */
int self_path(char self[PATH_MAX], struct status *st);

/**
 * self_find - the first of several places that exists
 * @places: relative to the program's folder; NULL-terminated
 * @mode: of access(2)
 *
 * Return: 0, or -ENOSYS with @st naming what was looked for.
 */
int self_find(char path[PATH_MAX], const char *const *places, int mode,
	      struct status *st);

#endif
