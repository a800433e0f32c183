/* SPDX-License-Identifier: MIT */
/* Walks over libpfm4's tables for messages; see pmu_library.h. */
#include "capture/pmu/pmu_library.h"

#include <ctype.h>
#include <perfmon/pfmlib.h>
#include <stdio.h>
#include <string.h>

enum {
	WORD_MAX = 64,
};

static bool get_pmu(int pmu, pfm_pmu_info_t *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return pfm_get_pmu_info((pfm_pmu_t)pmu, info) == PFM_SUCCESS;
}

static bool get_event(int event, pfm_event_info_t *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return pfm_get_event_info(event, PFM_OS_PERF_EVENT_EXT, info) ==
	       PFM_SUCCESS;
}

void pmu_library_model(char *name, size_t size)
{
	pfm_pmu_info_t info;

	*name = '\0';
	if (pfm_initialize() != PFM_SUCCESS)
		return;
	for (int pmu = PFM_PMU_NONE; pmu < PFM_PMU_MAX && !*name; pmu++)
		if (get_pmu(pmu, &info) && info.is_present &&
		    info.type == PFM_PMU_TYPE_CORE)
			snprintf(name, size, "%s", info.name);
	pfm_terminate();
}

/* The event's name alone, in lower case: no PMU before it, no masks behind. */
static void bare_name(char name[WORD_MAX], const char *text)
{
	const char *start = strstr(text, "::");
	size_t n = 0;

	for (start = start ? start + 2 : text;
	     *start && !strchr(":.", *start) && n < WORD_MAX - 1; start++)
		name[n++] = (char)tolower((unsigned char)*start);
	name[n] = '\0';
}

static int least(int a, int b, int c)
{
	int both = a < b ? a : b;

	return both < c ? both : c;
}

/* Insertions, deletions and substitutions between two names. */
static int distance(const char *a, const char *b)
{
	int row[WORD_MAX];
	int width = (int)strlen(b);

	for (int i = 0; i <= width; i++)
		row[i] = i;
	for (int i = 1; *a; a++, i++) {
		int diagonal = row[0];

		row[0] = i;
		for (int j = 1; j <= width; j++) {
			int above = row[j];

			row[j] = least(diagonal + (*a != b[j - 1]), above + 1,
				       row[j - 1] + 1);
			diagonal = above;
		}
	}
	return row[width];
}

const char *pmu_library_nearest(const char *text)
{
	char wanted[WORD_MAX], name[WORD_MAX];
	int limit; /* the next one must not be further */
	const char *nearest = NULL;
	pfm_pmu_info_t pmu;
	pfm_event_info_t event;

	bare_name(wanted, text);
	limit = 1 + (int)strlen(wanted) / 4;
	for (int i = PFM_PMU_NONE; i < PFM_PMU_MAX; i++) {
		if (!get_pmu(i, &pmu) || !pmu.is_present)
			continue;
		for (int e = pmu.first_event; e != -1;
		     e = pfm_get_event_next(e)) {
			if (!get_event(e, &event))
				continue;
			bare_name(name, event.name);
			if (distance(wanted, name) > limit)
				continue;
			limit = distance(wanted, name) - 1;
			nearest = event.name;
		}
	}
	return nearest;
}

void pmu_library_masks(const char *text, char *list, size_t size)
{
	const char *masks = strstr(text, "::");
	pfm_event_attr_info_t attr;
	pfm_event_info_t event;
	char name[2 * WORD_MAX];
	size_t n = 0;
	int index;

	*list = '\0';
	masks = masks ? masks + 2 : text;
	snprintf(name, sizeof(name), "%.*s",
		 (int)(masks - text + (long)strcspn(masks, ":.")), text);
	index = pfm_find_event(name);
	if (index < 0 || !get_event(index, &event))
		return;
	for (int i = 0; i < event.nattrs && n < size; i++) {
		memset(&attr, 0, sizeof(attr));
		attr.size = sizeof(attr);
		if (pfm_get_event_attr_info(index, i, PFM_OS_PERF_EVENT_EXT,
					    &attr) == PFM_SUCCESS &&
		    attr.type == PFM_ATTR_UMASK)
			n += (size_t)snprintf(list + n, size - n, "%s%s",
					      n ? ", " : "", attr.name);
	}
}

bool pmu_library_is_foreign(const char *text)
{
	const char *end = strstr(text, "::");
	pfm_pmu_info_t info;

	for (int pmu = PFM_PMU_NONE; end && pmu < PFM_PMU_MAX; pmu++)
		if (get_pmu(pmu, &info) && !info.is_present &&
		    strlen(info.name) == (size_t)(end - text) &&
		    !strncmp(info.name, text, (size_t)(end - text)))
			return true;
	return false;
}
