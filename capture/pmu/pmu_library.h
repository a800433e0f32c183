/* SPDX-License-Identifier: MIT */
/* What pmu_event.c asks libpfm4 about events that it could not encode. */
#ifndef CAPTURE_PMU_LIBRARY_H
#define CAPTURE_PMU_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* All but pmu_library_model() want pfm_initialize() to have been called. */

/* libpfm4's name of this machine's core PMU, "" if it knows none. */
void pmu_library_model(char *name, size_t size);

/* Return: the known event whose name is nearest to @text's, NULL if none is near. */
const char *pmu_library_nearest(const char *text);

/* List the unit masks of the event that @text begins with, "A, B, ..." */
void pmu_library_masks(const char *text, char *list, size_t size);

/* Return: whether @text names ("PMU::EVENT") a PMU that libpfm4 knows but that is
 * not this machine's. */
bool pmu_library_is_foreign(const char *text);

#endif
