/* SPDX-License-Identifier: MIT */
/* Models of released kernels; see preset.h. */
#include "replay/preset.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const struct preset presets[] = {
	/* walk_pte_range() asks nobody, folio_referenced_one() calls
	 * ptep_clear_flush_young_notify() */
	{"linux-6.1", "6.1", "rmap"},
	/* walk_pte_range() and lru_gen_look_around() call ptep_clear_young_notify()
	 * for each PTE, and __kvm_handle_hva_range() takes mmu_lock for write each time */
	{"linux-6.12", "6.12", "batched:batch=1:lock=write"},
	/* the same calls, but kvm_handle_hva_range() is .lockless for the young ones */
	{"linux-7.2", "7.2", "batched:batch=1:lock=none"},
	{NULL, NULL, NULL},
};

const struct preset *preset_named(const char *name)
{
	for (const struct preset *p = presets; p->kernel; p++)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

const struct preset *preset_find(const char *release)
{
	for (const struct preset *p = presets; p->kernel; p++) {
		size_t length = strlen(p->kernel);

		if (!strncmp(p->kernel, release, length) &&
		    !isdigit((unsigned char)release[length]))
			return p;
	}
	return NULL;
}

void preset_names(char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (const struct preset *p = presets; p->kernel && used < size; p++)
		used += (size_t)snprintf(text + used, size - used, " %s",
					 p->kernel);
}
